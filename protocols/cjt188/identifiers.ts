/** Data identifiers by name. Reference 1.4: the tables of 2004 and 2018, and the NB-IoT document. */

/** An identifier as a person writes it, high byte first. */
export interface Identifier {
  /** Four hexadecimal digits. */
  readonly di: string;
  /** The identifier, or the family that it is numbered in: D12x, D2xx, D3xx, D4xx. */
  readonly group: string;
  readonly name: string;
}

const names: Readonly<Record<string, string>> = {
  "901f": "metering data 1",
  "911f": "metering data 2",
  "907f": "clock",
  "9097": "NB-IoT report",
  "8102": "price table",
  "8103": "settlement day",
  "8104": "reading day",
  "8105": "purchased amount",
  "8106": "key version",
  "810a": "address",
  "8120": "factory date",
  "8121": "factory parameters",
  a010: "write price table",
  a011: "write settlement day",
  a012: "write reading day",
  a013: "write purchased amount",
  a014: "write new key",
  a015: "write standard time",
  a016: "write motor sync data",
  a017: "valve control",
  a018: "write address",
  a019: "factory enable",
  a101: "enter verification mode",
  a102: "leave verification mode",
  a103: "write communication parameters",
  a104: "write freeze parameters",
  a105: "write alarm limit: remaining volume",
  a106: "write alarm limit: remaining money",
  a107: "change key",
  a118: "write clock difference and report schedule",
};

/** Numbered identifiers: the last byte counts back from the newest. */
const families: readonly (readonly [group: string, first: number, last: number, name: string])[] = [
  ["d12x", 0xd120, 0xd12b, "settlement value, months back"],
  ["d2xx", 0xd200, 0xd2ff, "history 2, months back"],
  ["d3xx", 0xd300, 0xd3ff, "timed freeze, times back"],
  ["d4xx", 0xd400, 0xd4ff, "instant freeze, times back"],
];

/** What a DI on the wire is: vendors send its two bytes in either order, even within one conversation. */
export function identifierOf(diWire: string): Identifier | undefined {
  return lookUp(diWire) ?? lookUp(swapped(diWire));
}

/** Whether a DI on the wire, in either order, is of a group; D2D3 is of two, and the length tells. */
export function isOfGroup(diWire: string, group: string): boolean {
  return [diWire, swapped(diWire)].some((di) => lookUp(di)?.group === group);
}

function lookUp(di: string): Identifier | undefined {
  const name = Object.hasOwn(names, di) ? names[di] : undefined;
  if (name !== undefined) return { di, group: di, name };
  const value = Number.parseInt(di, 16);
  for (const [group, first, last, familyName] of families) {
    if (value < first || value > last) continue;
    return { di, group, name: `${familyName}: ${value - first + 1}` };
  }
  return undefined;
}

/** The other order of the two bytes. */
export function swapped(di: string): string {
  return di.slice(2) + di.slice(0, 2);
}

/** Whether a DI on the wire is this one, in either order. */
export function sameDi(diWire: string, di: string): boolean {
  return diWire === di || diWire === swapped(di);
}
