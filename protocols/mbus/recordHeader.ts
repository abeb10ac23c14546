/** The head of a data record: DIF [DIFE ..] VIF [text] [VIFE ..]. EN 13757-3, clause 6.2. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import {
  extensionModifier,
  extensionVife,
  hexByte,
  manufacturerVife,
  modifierOf,
  type Modifier,
} from "./modifiers.ts";
import { plainTextVib } from "./plainText.ts";
import {
  fbQuantities,
  fdFdQuantities,
  fdQuantities,
  primaryQuantities,
  type Quantity,
} from "./quantities.ts";

/** How a value came about. */
export type RecordFunction = "instantaneous" | "maximum" | "minimum" | "during error";
const functions: readonly RecordFunction[] = [
  "instantaneous",
  "maximum",
  "minimum",
  "during error",
];

const extensionBit = 0x80;
/** The standard's own limit, for DIFEs and for VIFEs. */
const extensionsMax = 10;
const plainTextVif = 0x7c;
const manufacturerVif = 0x7f;

/** What stands before the data of a record. */
export interface RecordHeader {
  /** The coding of the data: bits 3 to 0 of DIF. */
  readonly dataField: number;
  readonly function: RecordFunction;
  readonly storage: number;
  readonly tariff: number;
  readonly subunit: number;
  readonly quantity: Quantity;
  readonly modifiers: readonly Modifier[];
  /** The first byte of the data. */
  readonly dataAt: number;
}

interface Block {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly end: number;
}

/** The head that begins at `from`; a record may not reach beyond `end`. */
export function readHeader(block: Block): Result<RecordHeader, DecodeFault> {
  const { bytes, from } = block;
  const dif = bytes[from] ?? 0;
  let at = from + 1;
  let storage = (dif >> 6) & 1;
  let tariff = 0;
  let subunit = 0;
  for (let last = dif, place = 0; (last & extensionBit) !== 0; place += 1, at += 1) {
    if (place === extensionsMax) return tooMany("DIFE", at);
    if (at >= block.end) return premature(block);
    last = bytes[at] ?? 0;
    // The storage number can grow beyond 32 bits, so it is added up and not shifted.
    storage += (last & 0x0f) * 2 ** (1 + 4 * place);
    tariff += ((last >> 4) & 3) * 4 ** place;
    subunit += ((last >> 6) & 1) * 2 ** place;
  }
  const vib = readVib(block, at);
  if (!vib.ok) return vib;
  const valueFunction = functions[(dif >> 4) & 3] ?? "instantaneous";
  const dataField = dif & 0x0f;
  return ok({ dataField, function: valueFunction, storage, tariff, subunit, ...vib.value });
}

type Vib = Pick<RecordHeader, "quantity" | "modifiers" | "dataAt">;

function readVib(block: Block, vifAt: number): Result<Vib, DecodeFault> {
  const { bytes, end } = block;
  if (vifAt >= end) return premature(block);
  const vif = bytes[vifAt] ?? 0;
  if ((vif & 0x7f) === plainTextVif) {
    const vib = plainTextVib(bytes, vifAt, end);
    if (vib === undefined) return premature(block);
    const { text, vifesFrom, vifesTo, dataAt } = vib;
    if (vifesTo - vifesFrom > extensionsMax) return tooMany("VIFE", vifesFrom + extensionsMax);
    const modifiers = modifiersOf(bytes.subarray(vifesFrom, vifesTo));
    return ok({ quantity: named(text, text), modifiers, dataAt });
  }
  let at = vifAt + 1;
  for (let last = vif; (last & extensionBit) !== 0; at += 1) {
    if (at - vifAt > extensionsMax) return tooMany("VIFE", at);
    if (at >= end) return premature(block);
    last = bytes[at] ?? 0;
  }
  return ok({ ...meaningOf(vif, bytes.subarray(vifAt + 1, at)), dataAt: at });
}

/** Tables that a VIF leads to; the code in them is the next VIFE. The third one is kept for later. */
const tables: Readonly<Record<number, ReadonlyMap<number, Quantity>>> = {
  0x7b: fbQuantities,
  0x7d: fdQuantities,
  0x6f: new Map(),
};
const fdTable = 0x7d;

function meaningOf(vif: number, vifes: Uint8Array): Omit<Vib, "dataAt"> {
  const code = vif & 0x7f;
  if (code === manufacturerVif) {
    return { quantity: manufacturers, modifiers: privateModifier(vifes) };
  }
  const table = (vif & extensionBit) === 0 ? undefined : tables[code];
  if (table === undefined) {
    const quantity = primaryQuantities.get(code) ?? named(`unknown VIF ${hexByte(vif)}`, null);
    return { quantity, modifiers: modifiersOf(vifes) };
  }
  const inTable = (vifes[0] ?? 0) & 0x7f;
  if (code === fdTable && inTable === fdTable && vifes.length > 1) {
    const inner = (vifes[1] ?? 0) & 0x7f;
    const unknown = named(`unknown VIF FDH FDH ${hexByte(inner)}`, null);
    const quantity = fdFdQuantities.get(inner) ?? unknown;
    return { quantity, modifiers: modifiersOf(vifes.subarray(2)) };
  }
  const unknown = named(`unknown VIF ${hexByte(vif)} ${hexByte(inTable)}`, null);
  return { quantity: table.get(inTable) ?? unknown, modifiers: modifiersOf(vifes.subarray(1)) };
}

const manufacturers = named("manufacturer specific", null);

function named(name: string, unit: string | null): Quantity {
  return { name, unit, exponent: 0, factor: 1, coding: "signed" };
}

function modifiersOf(vifes: Uint8Array): readonly Modifier[] {
  const modifiers: Modifier[] = [];
  for (let at = 0; at < vifes.length; at += 1) {
    const code = (vifes[at] ?? 0) & 0x7f;
    if (code === manufacturerVife) {
      return [...modifiers, ...privateModifier(vifes.subarray(at + 1))];
    }
    if (code === extensionVife && at + 1 < vifes.length) {
      at += 1;
      modifiers.push(extensionModifier((vifes[at] ?? 0) & 0x7f));
    } else {
      modifiers.push(modifierOf(code));
    }
  }
  return modifiers;
}

/** What follows is the manufacturer's: the bytes are kept, their meaning is not guessed. */
function privateModifier(vifes: Uint8Array): readonly Modifier[] {
  const codes = [...vifes].map((vife) => hexByte(vife)).join(" ");
  return [{ name: `manufacturer's ${codes}`.trimEnd(), effect: { kind: "none" } }];
}

function tooMany(
  what: string,
  atByte: number,
): { readonly ok: false; readonly fault: DecodeFault } {
  return fail({ kind: "wrongLength", field: `mbus.record ${what}s`, atByte });
}

/** A record that the end of the records cuts off. */
export function premature({ from }: Pick<Block, "from">): {
  readonly ok: false;
  readonly fault: DecodeFault;
} {
  return fail({ kind: "wrongLength", field: "mbus.record", atByte: from });
}
