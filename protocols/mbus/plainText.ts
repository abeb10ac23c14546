/**
 * Units in plain text: VIF 7C and FC. Meters put the text directly behind the VIF; the later edition of the
 * standard puts it behind the last VIFE. Both are in the field, and the bytes say which. EN 13757-3, annex C.
 */

/** Where the parts of a value's head with a plain text stand. */
interface PlainTextVib {
  readonly text: string;
  readonly vifesFrom: number;
  readonly vifesTo: number;
  readonly dataAt: number;
}

const extensionBit = 0x80;

/** The head that begins with a plain-text VIF; undefined: it does not end before `end`. */
export function plainTextVib(
  bytes: Uint8Array,
  vifAt: number,
  end: number,
): PlainTextVib | undefined {
  const isExtended = ((bytes[vifAt] ?? 0) & extensionBit) !== 0;
  const before = textThenVifes(bytes, vifAt + 1, end, isExtended);
  if (!isExtended) return before?.vib;
  if (before?.isText === true) return before.vib;
  const behind = vifesThenText(bytes, vifAt + 1, end);
  return behind?.isText === true ? behind.vib : before?.vib;
}

interface Candidate {
  readonly vib: PlainTextVib;
  /** Every byte of the text is a letter that can be printed. */
  readonly isText: boolean;
}

function textThenVifes(
  bytes: Uint8Array,
  at: number,
  end: number,
  isExtended: boolean,
): Candidate | undefined {
  if (at >= end) return undefined;
  const textAt = at + 1;
  const textEnd = textAt + (bytes[at] ?? 0);
  if (textEnd > end) return undefined;
  const vifesTo = isExtended ? afterVifes(bytes, textEnd, end) : textEnd;
  if (vifesTo === undefined) return undefined;
  const text = unitText(bytes, textAt, textEnd);
  const vib = { text, vifesFrom: textEnd, vifesTo, dataAt: vifesTo };
  return { vib, isText: isPrintable(text) };
}

function vifesThenText(bytes: Uint8Array, at: number, end: number): Candidate | undefined {
  const vifesTo = afterVifes(bytes, at, end);
  if (vifesTo === undefined || vifesTo >= end) return undefined;
  const dataAt = vifesTo + 1 + (bytes[vifesTo] ?? 0);
  if (dataAt > end) return undefined;
  const text = unitText(bytes, vifesTo + 1, dataAt);
  return { vib: { text, vifesFrom: at, vifesTo, dataAt }, isText: isPrintable(text) };
}

/** The byte behind the last VIFE; undefined: they do not end. */
function afterVifes(bytes: Uint8Array, from: number, end: number): number | undefined {
  for (let at = from; at < end; at += 1) {
    if (((bytes[at] ?? 0) & extensionBit) === 0) return at + 1;
  }
  return undefined;
}

function isPrintable(text: string): boolean {
  return text !== "" && !/[\p{Cc}]/u.test(text);
}

/** Units that tell which way round their letters were sent. */
const knownUnits: ReadonlySet<string> = new Set([
  "kWh",
  "MWh",
  "Wh",
  "GJ",
  "MJ",
  "kJ",
  "kW",
  "m3",
  "m³",
  "m3/h",
  "m³/h",
  "l/h",
  "°C",
  "bar",
  "mbar",
  "hPa",
  "kPa",
  "Pa",
  "%RH",
  "ppm",
  "CO2",
  "mV",
  "mA",
  "dBm",
]);

/** Texts travel last letter first; a maker who sends a well-known unit the other way round is understood. */
function unitText(bytes: Uint8Array, from: number, to: number): string {
  const reversed = reversedText(bytes, from, to);
  const forward = Buffer.from(bytes.subarray(from, to)).toString("latin1");
  return !knownUnits.has(reversed) && knownUnits.has(forward) ? forward : reversed;
}

/** Texts travel last character first. */
export function reversedText(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).reverse().toString("latin1");
}
