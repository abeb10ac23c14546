/** Judges wired M-Bus rows: the header, and every record with its place, its meaning and its value. */
import { manufacturerName, mediumNames } from "#protocols/mbus/header.ts";
import { mbusProtocol } from "#protocols/mbus/protocol.ts";
import type { MbusRecord } from "#protocols/mbus/records.ts";
import { decodeMbusRequest } from "#protocols/mbus/requests.ts";
import { decodeMbusTelegram, type MbusTelegram } from "#protocols/mbus/telegram.ts";
import { printValue } from "#protocols/mbus/values.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import { cipherOf, underAnotherKey } from "./keys.ts";
import type { Row } from "./rows.ts";
import {
  difference,
  isSame,
  judgement,
  notApplicable,
  refusal,
  refusedWrongly,
  type Apart,
  type Difference,
  type Judgement,
} from "./verdict.ts";

interface ExpectedRecord {
  readonly drh: string;
  readonly data?: string;
  readonly function?: string;
  readonly storage?: string;
  readonly tariff?: string;
  readonly device?: string;
  readonly unit?: string;
  readonly quantity?: string;
  readonly value: string | null;
  readonly disputed?: boolean;
}

interface Expected {
  readonly slaveError?: string;
  readonly slave?: Readonly<Record<string, string>>;
  readonly records?: readonly ExpectedRecord[];
  readonly mustDecode?: readonly ExpectedRecord[];
}

/** Our words where the publisher has others. */
const quantityWords: Readonly<Record<string, string>> = {
  "access number (frame counter)": "access number",
  "averaging duration": "averaging duration",
  "cust. id": "plain text",
  "fabrication no": "fabrication number",
  "h.c.a.": "heat cost allocation",
  "model / version": "model version",
  "parameter set identification": "parameter set",
  "time point (date & time)": "date and time",
  "time point (date)": "date",
};
const unitWords: Readonly<Record<string, string>> = {
  "m^3": "m³",
  "m^3/h": "m³/h",
  "units for h.c.a.": "HCA units",
};
const functionWords: Readonly<Record<string, string>> = {
  "Instantaneous value": "instantaneous",
  "Maximum value": "maximum",
  "Minimum value": "minimum",
  "Value during error state": "during error",
};

export function judgeMbus(row: Row): Judgement {
  if (row.protocol !== "mbus-wired") return notApplicable(`protocol ${row.protocol}`);
  const bytes = bytesOfHex(row.hex);
  const expected = row.expected as Expected;
  const wanted = expected.records ?? expected.mustDecode;
  if (wanted === undefined) return judgeRefusal(bytes, expected);
  const { options: keys, apart: switches } = cipherOf(row, (one) =>
    decodeMbusTelegram(bytes, one, null),
  );
  const read = decodeMbusTelegram(bytes, keys, null);
  if (!read.ok) return refusedWrongly(read.fault);
  const differences = [...headerDifferences(expected, read.value)];
  const apart: Apart[] = [...switches];
  let equalValues = 0;
  const unused = [...read.value.records];
  for (const one of wanted) {
    const place = unused.findIndex((record) => isSameRecord(bytes, record, one));
    const [record] = place < 0 ? [] : unused.splice(place, 1);
    const judged = record === undefined ? missing(one) : judgeRecord(bytes, record, one);
    differences.push(...judged.differences);
    apart.push(...judged.apart);
    if (judged.differences.length + judged.apart.length === 0) equalValues += 1;
  }
  if (expected.records !== undefined && unused.length > 0) {
    differences.push(difference("records", wanted.length, wanted.length + unused.length));
  }
  const keyed = underAnotherKey(keys, (other) => decodeMbusTelegram(bytes, other, null));
  return judgement({ isDecoded: true, equalValues, differences, apart, keyed });
}

/** Frames of masters, of broken meters, and application errors, which must be said to be such. */
function judgeRefusal(bytes: Uint8Array, { slaveError }: Expected): Judgement {
  const decoded = mbusProtocol.decode(bytes);
  // A master's frame is no telegram, and can be read as what it is.
  const isMasters = bytes[0] === 0x68 && ((bytes[4] ?? 0) & 0x40) !== 0;
  if (isMasters && !decodeMbusRequest(bytes).ok) return refusal(null, "a master's frame");
  if (decoded.ok || slaveError === undefined) return refusal(decoded.ok ? null : decoded.fault);
  const { fault } = decoded;
  const isSaid = fault.kind === "unsupported" && fault.what.includes("application error: ");
  return isSaid ? refusal(fault) : refusal(fault, "unsupported: application error");
}

function missing({ drh }: ExpectedRecord): Pick<Judgement, "differences" | "apart"> {
  return { differences: [difference(drh, "a record", undefined)], apart: [] };
}

function isSameRecord(
  bytes: Uint8Array,
  record: MbusRecord,
  { drh, data }: ExpectedRecord,
): boolean {
  const head = Buffer.from(bytes.subarray(record.from, record.dataAt)).toString("hex");
  const all = Buffer.from(bytes.subarray(record.from, record.to)).toString("hex");
  return drh === head || (data !== undefined && all.startsWith(drh) && all.endsWith(data));
}

function headerDifferences(
  { slave }: Expected,
  { address, state }: MbusTelegram,
): readonly Difference[] {
  if (slave === undefined || address === null || state === null) return [];
  const told: Readonly<Record<string, string>> = {
    id: address.identification.toUpperCase().replace(/^0+(?=.)/, ""),
    manufacturer: manufacturerName(address.manufacturer),
    version: String(address.version),
    accessNumber: String(state.accessNumber),
    statusHex: state.status.toString(16).padStart(2, "0"),
    signatureHex: state.configuration.toString(16).padStart(4, "0").toUpperCase(),
  };
  const differences = Object.entries(told).flatMap(([name, value]) => {
    const wanted = slave[name];
    return wanted === undefined || wanted === value ? [] : [difference(name, wanted, value)];
  });
  const medium = (mediumNames[address.medium] ?? "").split(/[ ,]/)[0] ?? "";
  const isMedium = (slave["medium"] ?? "").toLowerCase().startsWith(medium);
  return isMedium ? differences : [...differences, difference("medium", slave["medium"], medium)];
}

function judgeRecord(
  bytes: Uint8Array,
  record: MbusRecord,
  expected: ExpectedRecord,
): Pick<Judgement, "differences" | "apart"> {
  const { drh } = expected;
  if (expected.disputed === true) {
    return { differences: [], apart: [{ where: drh, reason: "disputed by its publisher" }] };
  }
  const found = [...placeFaults(record, expected), ...meaningFaults(record, expected)];
  const told = printValue(record.value);
  const isReal = ((bytes[record.from] ?? 0) & 0x0f) === 0x05;
  // The publisher prints reals with six decimals.
  const value = isReal ? Number(told).toFixed(6) : told;
  const wanted = expected.value ?? "missing";
  const reason = isSameValue(value, wanted) ? null : publisherIsWrong(bytes, record, expected);
  if (reason === null && !isSameValue(value, wanted)) found.push(difference("value", wanted, told));
  const differences = found.map((one) => ({ ...one, where: `${drh} ${one.where}` }));
  return { differences, apart: reason === null ? [] : [{ where: drh, reason }] };
}

function placeFaults(record: MbusRecord, expected: ExpectedRecord): readonly Difference[] {
  const pairs = [
    ["function", functionWords[expected.function ?? ""], record.function],
    ["storage", expected.storage, String(record.storage)],
    ["tariff", expected.tariff, String(record.tariff)],
    ["device", expected.device, String(record.subunit)],
  ] as const;
  return pairs.flatMap(([name, wanted, told]) => {
    return wanted === undefined || wanted === told ? [] : [difference(name, wanted, told)];
  });
}

function meaningFaults(record: MbusRecord, expected: ExpectedRecord): readonly Difference[] {
  const wanted = (expected.quantity ?? "").toLowerCase();
  const told = record.quantity.toLowerCase();
  const isText = (Number.parseInt(expected.drh.slice(2, 4), 16) & 0x7f) === 0x7c;
  const isUnknown = wanted === "reserved" && told.startsWith("unknown vif");
  const isSpecial = wanted === "" && told === "manufacturer data";
  const isSame = (quantityWords[wanted] ?? wanted) === told || isUnknown || isSpecial;
  const isUnsaid = expected.quantity === undefined;
  const quantity = isSame || isText || isUnsaid ? [] : [difference("quantity", wanted, told)];
  const unit = (expected.unit ?? "").toLowerCase();
  const isNone = unit === "" || unit === "-" || unit === "reserved";
  const wantedUnit = unitWords[unit] ?? expected.unit;
  const isOther = record.modifiers.some((modifier) => otherMeaning.test(modifier));
  const isSameUnit = isNone || isOther || wantedUnit === record.unit;
  return isSameUnit ? quantity : [...quantity, difference("unit", expected.unit, record.unit)];
}

/**
 * Why the answer of the publisher's program is not the standard's; null: it is. Only what is known of
 * that program is here: it drops VIFEs, prints digits that are none, and makes dates of what is none.
 */
function publisherIsWrong(
  bytes: Uint8Array,
  record: MbusRecord,
  { value }: ExpectedRecord,
): string | null {
  const data = bytes.subarray(record.dataAt, record.to);
  const isBcd = ((bytes[record.from] ?? 0) & 0x0f) >= 0x09;
  if (isBcd && record.value === null && [...data].some(hasLetter))
    return "the publisher prints digits that are none";
  const isTime = /^(time|date)/.test(record.quantity);
  const year = Number((value ?? "").slice(0, 4));
  const month = Number((value ?? "").slice(5, 7));
  // 127 stands for every year, which the program takes as a year.
  const [low = 0, high = 0] = data.subarray(-2);
  const isEveryYear = ((low >> 5) | ((high & 0xf0) >> 1)) === 127;
  const isNoDate = year < 1970 || month < 1 || month > 12 || isEveryYear;
  if (isTime && record.value === null && isNoDate)
    return "the publisher makes a date of what is none";
  return record.modifiers.some((modifier) => otherMeaning.test(modifier))
    ? "the publisher drops the VIFE"
    : null;
}

/** VIFEs that make another kind of value of a quantity. */
const otherMeaning = /limit exceeded|^(begin|end|start|duration) of/;

function hasLetter(byte: number): boolean {
  return byte >> 4 > 9 || (byte & 0x0f) > 9;
}

/** The time zone that the program invents and blanks between bytes are no difference, nor are zeros at the end. */
function isSameValue(told: string, wanted: string): boolean {
  const [a, b] = [told, wanted].map((text) =>
    text.replace(/(T[\d:]+)Z$/, "$1").replaceAll(" ", ""),
  );
  return isSame(a, b);
}
