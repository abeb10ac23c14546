/** Which values of a push belong to which objects. Lists name their objects in four ways; all are walked alike. */
import type { Pushed } from "./apdu.ts";
import type { DlmsData } from "./data.ts";
import { isObis, obisBytes, obisOf } from "./obis.ts";

/** A value with its logical name, and what was pushed with it. */
export interface DlmsObject {
  readonly obis: string;
  readonly value: DlmsData;
  /** The value times ten to this; null: the push does not say. */
  readonly scaler: number | null;
  /** The code of its unit; null: the push does not say. */
  readonly unit: number | null;
  /** When it was captured, as twelve bytes. */
  readonly capturedAt: Uint8Array | null;
  /** Of a buffer what its columns are, in their order; null: the push does not say. */
  readonly columns: readonly ObjectAttribute[] | null;
  /** Of a buffer how far its rows are apart, in seconds; null: the push does not say. */
  readonly periodSeconds: number | null;
}

/** One attribute of an object, as lists of push setups and captured objects name it. */
export interface ObjectAttribute {
  readonly classId: number;
  readonly obis: string;
  readonly attribute: number;
}

type Draft = { -readonly [Key in keyof DlmsObject]: DlmsObject[Key] };

/** What attributes are, by class; attribute 2 of other classes is their value. @see IEC 62056-6-2 */
const attributeRoles: Readonly<Record<number, Readonly<Record<number, "value" | "detail">>>> = {
  // Register: value, scaler and unit.
  3: { 2: "value", 3: "detail" },
  // Extended register: the same, status, capture time.
  4: { 2: "value", 3: "detail", 5: "detail" },
  // Demand register: averages, scaler and unit, status, capture time.
  5: { 2: "value", 4: "detail", 6: "detail" },
  // Profile: buffer, captured objects, capture period.
  7: { 2: "value", 3: "detail", 4: "detail" },
  // Disconnect control: output state, control state.
  70: { 2: "value", 3: "value" },
};
const otherRoles = { 2: "value" } as const;
const pushSetupClass = 40;
const clockBytes = 12;

/**
 * Every object of a push, in wire order:
 *   name value name value …                        one structure
 *   (name value) (name value scaler-unit) …        an array of structures
 *   (class name attribute value) …                 with attribute descriptors
 *   ((class name attribute index) …) value value … the list of the push setup first
 */
export function objectsOf({ body, obis }: Pushed): readonly DlmsObject[] {
  const found: Draft[] = [];
  if (obis !== null) {
    found.push(draft(obis, body));
  } else if (!takeDescribed(body, found)) {
    walk(body, found);
  }
  return found;
}

/** An object of which nothing but its value is known. */
export function draft(obis: string, value: DlmsData): Draft {
  const nothing = { scaler: null, unit: null, capturedAt: null, columns: null };
  return { obis, value, ...nothing, periodSeconds: null };
}

/** A name begins an object; the value behind it is its value, a scaler and a time behind that are its own. */
function walk(data: DlmsData, found: Draft[]): void {
  const items = itemsOf(data);
  let name: string | null = null;
  let current: Draft | null = null;
  for (const [index, item] of items.entries()) {
    const isName: boolean = name === null && isObis(item.value);
    if (isName) {
      name = obisOf(item.value as Uint8Array);
      current = null;
    } else if (name !== null) {
      if (index === 2 && isDescriptor(items)) continue;
      current = draft(name, item);
      found.push(current);
      name = null;
    } else if (current !== null && attach(current, item)) {
      continue;
    } else {
      walk(item, found);
    }
  }
}

function itemsOf({ value }: DlmsData): readonly DlmsData[] {
  return Array.isArray(value) ? (value as readonly DlmsData[]) : [];
}

/** (class, name, attribute, value): the third is not the value. */
function isDescriptor(items: readonly DlmsData[]): boolean {
  const [classId, name, attribute] = items;
  return (
    items.length > 3 &&
    classId?.type === "long-unsigned" &&
    isObis(name?.value) &&
    attribute?.type === "integer"
  );
}

/** Whether the value belongs to the object before it. */
function attach(object: Draft, item: DlmsData): boolean {
  const scalerUnit = scalerUnitOf(item);
  if (scalerUnit !== null) {
    [object.scaler, object.unit] = scalerUnit;
    return true;
  }
  if (isClock(item)) {
    object.capturedAt = item.value;
    return true;
  }
  const columns = itemsOf(item).map(descriptionOf);
  if (columns.length > 0 && columns.every((column) => column !== null)) {
    object.columns = columns;
    return true;
  }
  const isPeriod = object.columns !== null && item.type === "double-long-unsigned";
  if (isPeriod) object.periodSeconds = Number(item.value);
  return isPeriod;
}

function isClock(item: DlmsData): item is DlmsData & { readonly value: Uint8Array } {
  const isTyped = item.type === "octet-string" || item.type === "date-time";
  return isTyped && item.value instanceof Uint8Array && item.value.length === clockBytes;
}

/** A structure of a scaler and a unit. */
function scalerUnitOf(item: DlmsData): readonly [scaler: number, unit: number] | null {
  const [scaler, unit, ...more] = itemsOf(item);
  const isPair = scaler?.type === "integer" && unit?.type === "enum" && more.length === 0;
  return isPair ? [Number(scaler.value), Number(unit.value)] : null;
}

/** When the first item lists what the others are; false: it does not. */
function takeDescribed(body: DlmsData, found: Draft[]): boolean {
  const items = itemsOf(body);
  const list = itemsOf(items[0] ?? body).map(descriptionOf);
  const [first] = list;
  if (first === undefined || first === null || items.length < 2) return false;
  // A push setup that lists itself first is the list's own description.
  const hasItself = first.classId === pushSetupClass && list.length === items.length;
  const names = hasItself ? [null, ...list.slice(1)] : list;
  found.push(...described(names, hasItself ? items : items.slice(1)));
  return true;
}

/** Objects of a list whose places are named elsewhere; a place without a name is passed over. */
export function described(
  names: readonly (ObjectAttribute | null)[],
  values: readonly DlmsData[],
): readonly DlmsObject[] {
  const byObis = new Map<string, Draft>();
  const pairs = names.flatMap((name, index) => {
    const item = values[index];
    return name === null || item === undefined ? [] : [{ name, item, role: roleOf(name) }];
  });
  for (const { name, item, role } of pairs) {
    if (role !== "value" || byObis.has(name.obis)) continue;
    const [value, ...details] = valueAndDetails(item);
    const object = draft(name.obis, value);
    for (const detail of details) attach(object, detail);
    byObis.set(name.obis, object);
  }
  // A detail may stand before its value.
  for (const { name, item, role } of pairs) {
    const object = byObis.get(name.obis);
    if (role === "detail" && object !== undefined) attach(object, item);
  }
  return [...byObis.values()];
}

function roleOf({ classId, attribute }: ObjectAttribute): "value" | "detail" | undefined {
  const roles: Readonly<Record<number, "value" | "detail">> = attributeRoles[classId] ?? otherRoles;
  return roles[attribute];
}

/** A value alone, or a structure of a value with its scaler and unit. */
function valueAndDetails(item: DlmsData): readonly [DlmsData, ...DlmsData[]] {
  const [value, ...details] = itemsOf(item);
  const isBoth =
    item.type === "structure" && details.some((detail) => scalerUnitOf(detail) !== null);
  return isBoth && value !== undefined ? [value, ...details] : [item];
}

function descriptionOf(item: DlmsData): ObjectAttribute | null {
  const [classId, name, attribute] = itemsOf(item);
  if (classId?.type !== "long-unsigned" || attribute?.type !== "integer") return null;
  if (!(name?.value instanceof Uint8Array) || name.value.length !== obisBytes) return null;
  return {
    classId: Number(classId.value),
    obis: obisOf(name.value),
    attribute: Number(attribute.value),
  };
}
