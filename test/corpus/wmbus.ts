/**
 * Judges wireless M-Bus rows: who speaks, every total value, and of gas meters every field. The other names of the
 * publisher are those of his drivers, one for each model; a generic decoder has no such names, so they are not asked.
 */
import type { Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { manufacturerName, mediumNames } from "#protocols/mbus/header.ts";
import type { MbusRecord } from "#protocols/mbus/records.ts";
import { decodeMbusTelegram, type MbusTelegram } from "#protocols/mbus/telegram.ts";
import { printNumber, printValue } from "#protocols/mbus/values.ts";
import { decodeWmbusTelegram } from "#protocols/wmbus/telegram.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import { isInUnit } from "./decimals.ts";
import { cipherOf, keysOf, underAnotherKey, type CipherKeys } from "./keys.ts";
import { knownReason } from "./known.ts";
import type { Row } from "./rows.ts";
import {
  difference,
  judgement,
  notApplicable,
  refusal,
  refusedWrongly,
  type Apart,
  type Difference,
  type Judgement,
} from "./verdict.ts";

type Read = Result<MbusTelegram, DecodeFault>;
type Formats = Readonly<Record<string, string>>;

/** Full frames teach the formats of compact ones, so the whole file is looked through first. */
export function wmbusJudge(rows: readonly Row[]): (row: Row) => Judgement {
  const formats = formatsOf(rows);
  return (row) => judgeRow(row, formats);
}

function judgeRow(row: Row, formats: Formats): Judgement {
  if (row.protocol !== "wmbus" && row.protocol !== "mbus-wired") {
    return notApplicable(`protocol ${row.protocol}`);
  }
  const { options: keys, apart: switches } = cipherOf(row, (one) => decode(row, one, formats));
  const read = decode(row, keys, formats);
  const { error } = row.expected;
  if (typeof error === "string" && error !== "") return refusal(read.ok ? null : read.fault);
  if (!read.ok) return judgeRefused(row, read.fault);
  const differences: Difference[] = [];
  const apart: Apart[] = [...switches];
  let equalValues = 0;
  const isMakers = hasMakersStructure(read.value);
  for (const [name, wanted] of Object.entries(row.expected)) {
    const told = valueOf(row, read.value, name, wanted);
    if (told === undefined) continue;
    const makers =
      isMakers && name.startsWith("total") ? "in a manufacturer's structure" : undefined;
    const reason = knownReason(row.id, name) ?? makers;
    if (told === true) equalValues += 1;
    else if (reason === undefined) differences.push(difference(name, wanted, told));
    else apart.push({ where: name, reason });
  }
  const keyed = underAnotherKey(keys, (other) => decode(row, other, formats));
  return judgement({ isDecoded: true, equalValues, differences, apart, keyed });
}

/** What nobody but the maker can read, and what needs a frame that is not in the file. */
function judgeRefused(row: Row, fault: DecodeFault): Judgement {
  const what = fault.kind === "unsupported" ? fault.what : "";
  const makers = /^CI [AB]/.test(what) ? "a manufacturer's own CI" : undefined;
  const compact = what.startsWith("compact") ? "no full frame to learn the format from" : undefined;
  const reason = knownReason(row.id, "*") ?? makers ?? compact;
  if (reason === undefined) return refusedWrongly(fault);
  return judgement({ apart: [{ where: "*", reason }] });
}

function decode(row: Row, keys: CipherKeys, formats: Formats): Read {
  const bytes = bytesOfHex(row.hex);
  const framing = row.framing ?? "";
  if (isWired(row)) return decodeMbusTelegram(bytes, keys, null);
  const checksums = framing.startsWith("DLL without") ? "absent" : undefined;
  return decodeWmbusTelegram(bytes, { ...keys, formats, checksums }, null);
}

function isWired({ framing, protocol }: Row): boolean {
  return framing?.startsWith("wired") ?? protocol === "mbus-wired";
}

function formatsOf(rows: readonly Row[]): Formats {
  const formats: Record<string, string> = {};
  for (const row of rows.filter((one) => !isWired(one))) {
    const { key } = keysOf(row);
    for (const hex of [...(row.precedingHex ?? []), row.hex]) {
      const read = decodeWmbusTelegram(bytesOfHex(hex), { key }, null);
      const learnt = read.ok ? read.value.learnt : null;
      if (learnt !== null) formats[learnt.signature] = learnt.format;
    }
  }
  return formats;
}

/** True: as wanted; undefined: not asked; else what is told in its place. */
function valueOf(row: Row, read: MbusTelegram, name: string, wanted: unknown): unknown {
  if (name === "id") {
    const told = read.address?.identification.toUpperCase();
    return told === String(wanted).toUpperCase() || told;
  }
  if (name.startsWith("total") && typeof wanted === "number") {
    const isTold = read.records.some((record) => isTotal(record, name, wanted));
    return isTold || printedValues(read.records, unitOf(name));
  }
  const isGas = row.gas === true || row.expected["media"] === "gas";
  return isGas && name !== "status" ? gasValue(read, name, wanted) : undefined;
}

function unitOf(name: string): string {
  return name.split("_").at(-1) ?? "";
}

/** The values of that unit, for people who look for the right one. */
function printedValues(records: readonly MbusRecord[], unit: string): string {
  const ours = units[unit]?.map(([name]) => name) ?? [];
  const told = records.filter((record) => ours.includes(record.unit ?? ""));
  return told.map(({ value }) => printValue(value)).join(" ") || "nothing in this unit";
}

/** Our units, and how many of them are one of the publisher's, as a fraction. */
const units: Readonly<Record<string, readonly (readonly [unit: string, ours: number])[]>> = {
  m3: [["m³", 1]],
  kwh: [
    ["Wh", 1_000],
    ["J", 3_600_000],
  ],
  kvarh: [
    ["varh", 1_000],
    ["Wh", 1_000],
  ],
  kvah: [
    ["VAh", 1_000],
    ["Wh", 1_000],
  ],
  mj: [["J", 1_000_000]],
  hca: [["HCA units", 1]],
  m3h: [["m³/h", 1]],
  c: [["°C", 1]],
  s: [["s", 1]],
};

function isValue(record: MbusRecord, unit: string, wanted: number): boolean {
  if (record.value?.kind !== "number") return false;
  const told = printNumber(record.value);
  return (units[unit] ?? []).some(
    ([ours, divisor]) => ours === record.unit && isInUnit(told, divisor, wanted),
  );
}

/** A plain total stands in storage 0 and is no extreme; a tariff's in that tariff. */
function isTotal(record: MbusRecord, name: string, wanted: number): boolean {
  const tariff = /tariff_?(\d)/.exec(name)?.[1];
  if (tariff !== undefined && record.tariff !== Number(tariff)) return false;
  const plain = /^total_(?:(?:energy_|heating_|water_)*(?:consumption_)?|volume_)?(?:m3|kwh)$/;
  const isOfNow = record.storage === 0 && record.function === "instantaneous";
  return isValue(record, unitOf(name), wanted) && (isOfNow || !plain.test(name));
}

/** A block or a field that only the manufacturer can read. */
function hasMakersStructure({ records }: MbusTelegram): boolean {
  return records.some(({ quantity, value }) => {
    const isMakersBlock = quantity === "manufacturer data" || quantity === "manufacturer specific";
    return (isMakersBlock && value?.kind === "bytes") || quantity === "unreadable rest";
  });
}

/** Any field of a gas telegram. */
function gasValue({ records, address }: MbusTelegram, name: string, wanted: unknown): unknown {
  if (name === "media" || name === "medium") {
    const told = mediumNames[address?.medium ?? -1];
    // A radio module in front of the meter may call itself one.
    return [told, "radio converter, meter side"].includes(String(wanted)) || told;
  }
  if (name === "manufacturer") {
    const told = manufacturerName(address?.manufacturer ?? 0);
    return told === wanted || told;
  }
  if (name === "recordCount") return records.length === wanted || records.length;
  const ofTime = records.filter(({ storage }) => storage > 0 === name.startsWith("target"));
  if (typeof wanted === "number") {
    const isTold = ofTime.some((record) => isValue(record, unitOf(name), wanted));
    return isTold || printedValues(ofTime, unitOf(name));
  }
  const told = ofTime.map(({ value }) => printValue(value).replace("T", " ").slice(0, 16));
  // The publisher makes 1999-11-30 of a date that is none.
  const isNoDate = wanted === "1999-11-30" && told.includes("missing");
  return told.includes(String(wanted)) || isNoDate || told.join(" ");
}
