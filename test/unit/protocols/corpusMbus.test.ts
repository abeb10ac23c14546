/**
 * Wired M-Bus frames with known answers, where a directory of them is at hand: MERCAPTAN_CORPORA, one
 * JSON object a line. They measure; the cards are what this repository stands on.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { manufacturerName, mediumNames } from "#protocols/mbus/header.ts";
import { mbusProtocol } from "#protocols/mbus/protocol.ts";
import type { MbusRecord } from "#protocols/mbus/records.ts";
import { decodeMbusRequest } from "#protocols/mbus/requests.ts";
import { decodeMbusTelegram, type MbusTelegram } from "#protocols/mbus/telegram.ts";
import { printValue } from "#protocols/mbus/values.ts";
import { bytesOfHex } from "./cards.ts";

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

interface Row {
  readonly id: string;
  readonly hex: string;
  readonly kind: "ok" | "error" | "unsupported" | "regression" | "crypto";
  readonly key?: string;
  readonly iv?: string;
  readonly expected: {
    readonly accept?: boolean;
    readonly slaveError?: string;
    readonly slave?: Readonly<Record<string, string>>;
    readonly records?: readonly ExpectedRecord[];
    readonly mustDecode?: readonly ExpectedRecord[];
  };
}

const root = path.resolve(import.meta.dirname, "../../..");
const directory = path.resolve(root, process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora");
const file = path.join(directory, "mbus.jsonl");
const isThere = existsSync(file);

if (!isThere) console.warn(`SKIPPED: no frames with known answers at ${file}`);

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

interface Verdict {
  equal: number;
  disputed: number;
  /** Records where the publisher's program is known to be wrong: by the standard the answer is another. */
  readonly byStandard: string[];
  readonly different: string[];
}

describe.skipIf(!isThere)("frames with known answers: M-Bus", () => {
  const rows = isThere ? readRows() : [];
  const wanted = rows.filter(({ expected }) => expected.records ?? expected.mustDecode);
  const unwanted = rows.filter((row) => !wanted.includes(row));

  test("every value as the publisher gives it, or as the standard does", () => {
    const verdict: Verdict = { equal: 0, disputed: 0, byStandard: [], different: [] };
    for (const row of wanted) judge(row, verdict);
    const wrongRows = new Set(verdict.different.map((text) => text.split(" ")[0]));
    const refused = unwanted.filter(({ hex }) => !mbusProtocol.decode(bytesOfHex(hex)).ok).length;
    console.info(
      `CORPUS mbus: ${rows.length} rows, ${wanted.length - wrongRows.size}/${wanted.length} decoded, ` +
        `${verdict.equal} values equal, ${verdict.different.length} different ` +
        `(${[...wrongRows].join(" ")}), ${verdict.byStandard.length} by the standard against the ` +
        `publisher (${verdict.byStandard.join(" ")}), ${verdict.disputed} disputed, ` +
        `${refused}/${unwanted.length} refused as they should be`,
    );
    expect(verdict.different).toEqual([]);
  });

  test("error frames and frames of masters are refused, and say why", () => {
    for (const { hex, expected } of unwanted) {
      const bytes = bytesOfHex(hex);
      const result = mbusProtocol.decode(bytes);
      expect(result.ok).toBe(false);
      if (result.ok || expected.slaveError === undefined) continue;
      expect(result.fault).toMatchObject({ kind: "unsupported" });
      expect(JSON.stringify(result.fault)).toContain("application error: ");
    }
  });

  test("a frame of a master can be read as one", () => {
    const fromMaster = unwanted.filter(({ hex }) => hex.startsWith("680f0f6853"));
    for (const { hex } of fromMaster) {
      expect(decodeMbusRequest(bytesOfHex(hex))).toMatchObject({
        ok: true,
        value: { kind: "data" },
      });
    }
  });
});

function readRows(): readonly Row[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
}

function judge(row: Row, verdict: Verdict): void {
  const bytes = bytesOfHex(row.hex);
  const key = row.key === undefined ? undefined : bytesOfHex(row.key);
  const iv = row.iv === undefined ? undefined : bytesOfHex(row.iv);
  const read = decodeMbusTelegram(bytes, { key, iv }, null);
  if (!read.ok) {
    verdict.different.push(`${row.id} refused: ${JSON.stringify(read.fault)}`);
    return;
  }
  const telegram = read.value;
  judgeHeader(row, telegram, verdict);
  const unused = [...telegram.records];
  const { records, mustDecode } = row.expected;
  for (const expected of records ?? mustDecode ?? []) {
    const place = unused.findIndex((record) => isSameRecord(bytes, record, expected));
    const [record] = place < 0 ? [] : unused.splice(place, 1);
    if (record === undefined) verdict.different.push(`${row.id} ${expected.drh} is missing`);
    else judgeRecord(row.id, bytes, record, expected, verdict);
  }
  if (records !== undefined && unused.length > 0) {
    verdict.different.push(`${row.id} has ${unused.length} more records`);
  }
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

function judgeHeader(row: Row, { address, state }: MbusTelegram, verdict: Verdict): void {
  const { slave } = row.expected;
  if (slave === undefined || address === null || state === null) return;
  const told: Readonly<Record<string, string>> = {
    id: address.identification.toUpperCase().replace(/^0+(?=.)/, ""),
    manufacturer: manufacturerName(address.manufacturer),
    version: String(address.version),
    accessNumber: String(state.accessNumber),
    statusHex: state.status.toString(16).padStart(2, "0"),
    signatureHex: state.configuration.toString(16).padStart(4, "0").toUpperCase(),
  };
  for (const [name, value] of Object.entries(told)) {
    const wanted = slave[name];
    if (wanted === undefined || wanted === value) continue;
    // The publisher prints hexadecimal digits of an identification in his own way.
    verdict.different.push(`${row.id} ${name} is ${value}, not ${wanted}`);
  }
  const medium = (mediumNames[address.medium] ?? "").split(/[ ,]/)[0] ?? "";
  if (!(slave["medium"] ?? "").toLowerCase().startsWith(medium)) {
    verdict.different.push(`${row.id} medium is ${medium}, not ${slave["medium"]}`);
  }
}

function judgeRecord(
  id: string,
  bytes: Uint8Array,
  record: MbusRecord,
  expected: ExpectedRecord,
  verdict: Verdict,
): void {
  if (expected.disputed === true) {
    verdict.disputed += 1;
    return;
  }
  const faults = [...placeFaults(record, expected)];
  faults.push(...meaningFaults(record, expected));
  const told = printValue(record.value);
  const isReal = ((bytes[record.from] ?? 0) & 0x0f) === 0x05;
  // The publisher prints reals with six decimals.
  const value = isReal ? Number(told).toFixed(6) : told;
  const isEqual = normalValue(value) === normalValue(expected.value ?? "missing");
  const reason = isEqual ? null : publisherIsWrong(bytes, record, expected);
  if (!isEqual && reason === null) faults.push(`value ${told}, not ${expected.value}`);
  if (faults.length > 0) verdict.different.push(`${id} ${expected.drh}: ${faults.join("; ")}`);
  else if (reason === null) verdict.equal += 1;
  else verdict.byStandard.push(`${expected.drh}:${reason}`);
}

function placeFaults(record: MbusRecord, expected: ExpectedRecord): readonly string[] {
  const pairs = [
    ["function", functionWords[expected.function ?? ""], record.function],
    ["storage", expected.storage, String(record.storage)],
    ["tariff", expected.tariff, String(record.tariff)],
    ["device", expected.device, String(record.subunit)],
  ] as const;
  return pairs.flatMap(([name, wanted, told]) => {
    return wanted === undefined || wanted === told ? [] : [`${name} ${told}, not ${wanted}`];
  });
}

function meaningFaults(record: MbusRecord, expected: ExpectedRecord): readonly string[] {
  const wanted = (expected.quantity ?? "").toLowerCase();
  const told = record.quantity.toLowerCase();
  const isText = (Number.parseInt(expected.drh.slice(2, 4), 16) & 0x7f) === 0x7c;
  const isUnknown = wanted === "reserved" && told.startsWith("unknown vif");
  const isSpecial = wanted === "" && told === "manufacturer data";
  const isSame = (quantityWords[wanted] ?? wanted) === told || isUnknown || isSpecial;
  const isUnsaid = expected.quantity === undefined;
  const quantity = isSame || isText || isUnsaid ? [] : [`quantity ${told}, not ${wanted}`];
  const unit = (expected.unit ?? "").toLowerCase();
  const isNone = unit === "" || unit === "-" || unit === "reserved";
  const wantedUnit = unitWords[unit] ?? expected.unit;
  const isOther = record.modifiers.some((modifier) => otherMeaning.test(modifier));
  const isSameUnit = isNone || isOther || wantedUnit === record.unit;
  return isSameUnit ? quantity : [...quantity, `unit ${record.unit}, not ${expected.unit}`];
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
  if (isBcd && record.value === null && [...data].some(hasLetter)) return "digits";
  const isTime = /^(time|date)/.test(record.quantity);
  const year = Number((value ?? "").slice(0, 4));
  const month = Number((value ?? "").slice(5, 7));
  // 127 stands for every year, which the program takes as a year.
  const [low = 0, high = 0] = data.subarray(-2);
  const isEveryYear = ((low >> 5) | ((high & 0xf0) >> 1)) === 127;
  const isNoDate = year < 1970 || month < 1 || month > 12 || isEveryYear;
  if (isTime && record.value === null && isNoDate) return "date";
  return record.modifiers.some((modifier) => otherMeaning.test(modifier)) ? "VIFE" : null;
}

/** VIFEs that make another kind of value of a quantity. */
const otherMeaning = /limit exceeded|^(begin|end|start|duration) of/;

function hasLetter(byte: number): boolean {
  return byte >> 4 > 9 || (byte & 0x0f) > 9;
}

/** Zeros at the end, the time zone that the program invents, and the letters of hexadecimal are no difference. */
function normalValue(text: string): string {
  if (/^-?\d+\.\d+$/.test(text)) return text.replace(/\.?0+$/, "");
  return text.replace(/(T[\d:]+)Z$/, "$1").replaceAll(" ", "");
}
