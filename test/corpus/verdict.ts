/** What became of a row, and the comparison of values: exact, never nearly. */

/** One value that is not as the row says. */
export interface Difference {
  readonly where: string;
  readonly expected: string;
  readonly found: string;
}

/** A value or row that is counted apart, and why: disputed, or the publisher is wrong. */
export interface Apart {
  readonly where: string;
  readonly reason: string;
}

/** What a judge says of one row. */
export interface Judgement {
  /** Our decoder took it. */
  readonly isDecoded: boolean;
  /** It had to be refused, and was. */
  readonly isRefusedRightly: boolean;
  /** Values that are exactly as the row says. */
  readonly equalValues: number;
  readonly differences: readonly Difference[];
  readonly apart: readonly Apart[];
  /** Written again, byte for byte; null: the row asks for none. */
  readonly isEncoded: boolean | null;
  /** Of a ciphered row: opened with its key, refused under another; null: it has no key, or is sent in clear. */
  readonly keyed: { readonly isOpened: boolean; readonly isRefusedUnderAnother: boolean } | null;
  /** Why this row is nothing for the judge; null: it is. */
  readonly notApplicable: string | null;
}

const nothing: Judgement = {
  isDecoded: false,
  isRefusedRightly: false,
  equalValues: 0,
  differences: [],
  apart: [],
  isEncoded: null,
  keyed: null,
  notApplicable: null,
};

export function judgement(part: Partial<Judgement>): Judgement {
  return { ...nothing, ...part };
}

export function notApplicable(reason: string): Judgement {
  return { ...nothing, notApplicable: reason };
}

/** The row had to be refused: it is right where it was, with this fault where one is asked for. */
export function refusal(
  fault: { readonly kind: string } | null,
  wantedKind?: string,
  apart: readonly Apart[] = [],
): Judgement {
  const isRight = fault !== null && (wantedKind === undefined || fault.kind === wantedKind);
  const found = fault === null ? "taken" : fault.kind;
  const expected = wantedKind ?? "refused";
  const differences = isRight ? [] : [{ where: "refusal", expected, found }];
  return { ...nothing, isRefusedRightly: isRight, differences, apart };
}

/** A row that had to be taken was refused. */
export function refusedWrongly(fault: unknown): Judgement {
  const found = `refused: ${JSON.stringify(fault)}`;
  return { ...nothing, differences: [{ where: "frame", expected: "taken", found }] };
}

export function difference(where: string, expected: unknown, found: unknown): Difference {
  return { where, expected: printed(expected), found: printed(found) };
}

function printed(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(sorted(value));
}

/** Every member as it must be; one that is not told is a difference. */
export function compared(
  told: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): Pick<Judgement, "isDecoded" | "equalValues" | "differences"> {
  const names = Object.keys(expected);
  const differences = names
    .filter((name) => !isEqual(told[name], expected[name]))
    .map((name) => difference(name, expected[name], told[name]));
  return { isDecoded: true, equalValues: names.length - differences.length, differences };
}

/** The same type and value; the order of keys does not matter. */
export function isEqual(told: unknown, wanted: unknown): boolean {
  return JSON.stringify(sorted(told)) === JSON.stringify(sorted(wanted));
}

/** Keys in one order, so that equal objects print alike. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** One value of a row, with the way to it. */
export type Leaf = readonly [way: string, value: unknown];

/** Every value of a tree with its path in dots; an empty list or tree has none. */
export function leavesOf(tree: unknown, way = ""): readonly Leaf[] {
  if (typeof tree !== "object" || tree === null) return [[way, tree]];
  return Object.entries(tree).flatMap(([key, value]) =>
    leavesOf(value, way === "" ? key : `${way}.${key}`),
  );
}

/** The same value: texts alike, decimals equal digit for digit however many zeros they carry, nothing is nothing. */
export function isSame(told: unknown, wanted: unknown): boolean {
  const [a, b] = [told, wanted].map(textOf);
  if (a === undefined || b === undefined) return a === b;
  return a === b || (isDecimal(a) && isDecimal(b) && plainDecimal(a) === plainDecimal(b));
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

const decimalPattern = /^-?\d+(?:\.\d+)?$/;

function isDecimal(text: string): boolean {
  return decimalPattern.test(text);
}

/** Without zeros that say nothing: "007.50" is "7.5", "-0.0" is "0". */
export function plainDecimal(text: string): string {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(text) ?? [];
  const plain = fraction === "" ? whole : `${whole}.${fraction}`;
  return plain === "0" ? "0" : sign + plain;
}
