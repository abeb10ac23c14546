/**
 * Radio telegrams with known answers, where a directory of them is at hand: MERCAPTAN_CORPORA, one JSON
 * object a line. They measure; the cards are what this repository stands on.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { manufacturerName, mediumNames } from "#protocols/mbus/header.ts";
import type { MbusRecord } from "#protocols/mbus/records.ts";
import { decodeMbusTelegram, type MbusTelegram } from "#protocols/mbus/telegram.ts";
import { printNumber, printValue } from "#protocols/mbus/values.ts";
import { decodeWmbusTelegram } from "#protocols/wmbus/telegram.ts";
import { bytesOfHex } from "./cards.ts";

interface Row {
  readonly id: string;
  readonly hex: string;
  readonly framing: string;
  readonly key: string | null;
  readonly comment?: string;
  readonly gas?: boolean;
  readonly precedingHex?: readonly string[];
  readonly expected: Readonly<Record<string, unknown>>;
}

const root = path.resolve(import.meta.dirname, "../../..");
const directory = path.resolve(root, process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora");
const file = path.join(directory, "wmbus.jsonl");
const isThere = existsSync(file);

if (!isThere) console.warn(`SKIPPED: no telegrams with known answers at ${file}`);

type Read = Result<MbusTelegram, DecodeFault>;

/** Where the publisher is wrong: the record says 5.648. */
const disputed = new Set(["wmbus/wmbusmeters/sim/metershell/2"]);
/** A maker's own cipher behind a word that is no security mode. */
const ownCipher = new Set(["wmbus/wmbusmeters/driver/rfmtx1/1"]);
/** Rows that must be refused, and one whose key is another meter's. */
const mustBeRefused = ({ expected }: Row) =>
  typeof expected["error"] === "string" && expected["error"] !== "";
/** One maker writes version and medium before the number, against the standard. */
const ownAddressOrder = /driver\/hydrus\/[45]$/;
const foreignKey = new Set(["wmbus/iobroker/demo-mad"]);
const isMakers = (read: Read) => {
  return !read.ok && read.fault.kind === "unsupported" && /^CI [AB]/.test(read.fault.what);
};
const isUnknownFormat = (read: Read) => {
  return !read.ok && read.fault.kind === "unsupported" && read.fault.what.startsWith("compact");
};

describe.skipIf(!isThere)("telegrams with known answers: wireless M-Bus", () => {
  const rows = isThere ? readRows() : [];
  const formats = formatsOf(rows);
  const reads = new Map(rows.map((row) => [row, decode(row, formats)]));
  const readOf = (row: Row): Read => reads.get(row) ?? decode(row, formats);

  test("every total value that stands in a standard record", () => {
    const misses: string[] = [];
    let equal = 0;
    let apart = 0;
    for (const row of rows) {
      for (const [name, value] of Object.entries(row.expected)) {
        if (!name.startsWith("total") || typeof value !== "number") continue;
        const read = readOf(row);
        if (read.ok && read.value.records.some((record) => isTotal(record, name, value)))
          equal += 1;
        else if (isMakers(read) || hasMakersStructure(read) || disputed.has(row.id)) apart += 1;
        else misses.push(`${row.id.replace("wmbus/wmbusmeters/", "")} ${name}`);
      }
    }
    const decoded = rows.filter((row) => readOf(row).ok).length;
    const makers = rows.filter((row) => isMakers(readOf(row))).length;
    const unknown = rows.filter((row) => isUnknownFormat(readOf(row)));
    const bad = rows.filter((row) => mustBeRefused(row));
    const refused = bad.filter((row) => !readOf(row).ok).length;
    const total = equal + misses.length;
    console.info(
      `CORPUS wmbus: ${rows.length} rows, ${decoded} decoded, ${makers} with a manufacturer's CI, ` +
        `${unknown.length} compact without a full frame to learn from, ` +
        `${equal}/${total} total values equal (${((100 * equal) / total).toFixed(1)} %), ` +
        `${apart} in manufacturers' structures or wrong at the publisher, ` +
        `different: ${misses.join(", ")}; ${refused}/${bad.length} refused as they should be`,
    );
    expect(equal / total).toBeGreaterThan(0.95);
    expect(refused).toBe(bad.length);
  });

  test("rows are refused only for a manufacturer's CI, a format never seen, or what is bad in them", () => {
    const others = rows.filter((row) => {
      const read = readOf(row);
      const isKnown = mustBeRefused(row) || foreignKey.has(row.id) || ownCipher.has(row.id);
      return !read.ok && !isMakers(read) && !isUnknownFormat(read) && !isKnown;
    });
    expect(others.map((row) => [row.id, readOf(row)])).toEqual([]);
  });

  test("gas telegrams: every field", () => {
    const gas = rows.filter((row) => row.gas === true || row.expected["media"] === "gas");
    expect(gas.length).toBeGreaterThan(3);
    for (const row of gas) expect([row.id, ...fieldFaults(row, readOf(row))]).toEqual([row.id]);
  });

  test("who speaks, in every telegram", () => {
    const faults = rows.flatMap((row) => {
      const read = readOf(row);
      const id = row.expected["id"];
      if (!read.ok || typeof id !== "string" || ownAddressOrder.test(row.id)) return [];
      const told = read.value.address?.identification.toUpperCase();
      return told === id.toUpperCase() ? [] : [`${row.id}: ${told}, not ${id}`];
    });
    expect(faults).toEqual([]);
  });

  test("keyed rows are deciphered, and under another key they are refused", () => {
    const keyed = rows.filter((row) => row.key !== null && !isMakers(readOf(row)));
    const opened = keyed.filter((row) => readOf(row).ok || isUnknownFormat(readOf(row)));
    const closed = keyed.filter((row) => !opened.includes(row));
    const expectedClosed = closed.filter((row) => mustBeRefused(row) || foreignKey.has(row.id));
    expect(closed).toEqual(expectedClosed);
    let refused = 0;
    const plain: string[] = [];
    for (const row of opened) {
      const key = bytesOfHex(row.key ?? "").map((byte) => byte ^ 0x5a);
      const other = decode({ ...row, key: Buffer.from(key).toString("hex") }, formats);
      if (!other.ok && other.fault.kind === "notAuthentic") refused += 1;
      else plain.push(row.id);
    }
    console.info(
      `CORPUS wmbus: ${opened.length}/${keyed.length} keyed rows deciphered ` +
        `(the others must not be: ${closed.map(({ id }) => id).join(" ")}), ` +
        `${refused} refused under another key, not ciphered: ${plain.join(" ")}`,
    );
    // Each of these has a key beside it but is sent in plain.
    for (const id of plain) {
      const row = rows.find((one) => one.id === id);
      expect(row === undefined ? false : decode({ ...row, key: null }, formats).ok).toBe(true);
    }
  });
});

function readRows(): readonly Row[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
}

function decode(row: Row, formats: Readonly<Record<string, string>>): Read {
  const key = row.key === null ? undefined : bytesOfHex(row.key);
  const bytes = bytesOfHex(row.hex);
  if (row.framing.startsWith("wired")) return decodeMbusTelegram(bytes, { key }, null);
  const checksums = row.framing.startsWith("DLL without") ? "absent" : undefined;
  const allowPlain = row.comment?.startsWith("not encrypted");
  return decodeWmbusTelegram(bytes, { key, formats, checksums, allowPlain }, null);
}

/** What full frames teach, from all rows and those that precede them. */
function formatsOf(rows: readonly Row[]): Readonly<Record<string, string>> {
  const formats: Record<string, string> = {};
  for (const row of rows) {
    for (const hex of [...(row.precedingHex ?? []), row.hex]) {
      const key = row.key === null ? undefined : bytesOfHex(row.key);
      if (row.framing.startsWith("wired")) continue;
      const read = decodeWmbusTelegram(bytesOfHex(hex), { key }, null);
      const learnt = read.ok ? read.value.learnt : null;
      if (learnt !== null) formats[learnt.signature] = learnt.format;
    }
  }
  return formats;
}

/** Our units and how many of the publisher's one of them is. */
const units: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  m3: [["m³", 1]],
  kwh: [
    ["Wh", 1e-3],
    ["J", 1 / 3.6e6],
  ],
  kvarh: [
    ["varh", 1e-3],
    ["Wh", 1e-3],
  ],
  kvah: [
    ["VAh", 1e-3],
    ["Wh", 1e-3],
  ],
  mj: [["J", 1e-6]],
  hca: [["HCA units", 1]],
  m3h: [["m³/h", 1]],
  c: [["°C", 1]],
  s: [["s", 1]],
};

/** The publisher's floating point has six decimals; nothing else is let through. */
function isValue(record: MbusRecord, unit: string, wanted: number): boolean {
  if (record.value?.kind !== "number") return false;
  const number = Number(printNumber(record.value));
  return (units[unit] ?? []).some(([ours, factor]) => {
    return ours === record.unit && Math.abs(number * factor - wanted) <= 5.01e-7;
  });
}

/** A plain total stands in storage 0 and is no extreme; a tariff's in that tariff. */
function isTotal(record: MbusRecord, name: string, wanted: number): boolean {
  const unit = name.split("_").at(-1) ?? "";
  const tariff = /tariff_?(\d)/.exec(name)?.[1];
  if (tariff !== undefined && record.tariff !== Number(tariff)) return false;
  const plain = /^total_(?:(?:energy_|heating_|water_)*(?:consumption_)?|volume_)?(?:m3|kwh)$/;
  const isOfNow = record.storage === 0 && record.function === "instantaneous";
  return isValue(record, unit, wanted) && (isOfNow || !plain.test(name));
}

/** Values inside a block or a field that only the manufacturer can read. */
function hasMakersStructure(read: Read): boolean {
  if (!read.ok) return false;
  return read.value.records.some(({ quantity, value }) => {
    const isMakersBlock = quantity === "manufacturer data" || quantity === "manufacturer specific";
    return (isMakersBlock && value?.kind === "bytes") || quantity === "unreadable rest";
  });
}

/** Fields of a gas telegram that are not as the publisher gives them. */
function fieldFaults(row: Row, read: Read): readonly string[] {
  if (!read.ok) return [`refused: ${JSON.stringify(read.fault)}`];
  const { records, address } = read.value;
  return Object.entries(row.expected).flatMap(([name, wanted]) => {
    const isEqual = (): boolean => {
      if (name === "status" || name === "id") return true;
      if (name === "media" || name === "medium") {
        // A radio module in front of the meter may call itself one.
        return [mediumNames[address?.medium ?? -1], "radio converter, meter side"].includes(
          String(wanted),
        );
      }
      if (name === "manufacturer") return manufacturerName(address?.manufacturer ?? 0) === wanted;
      if (name === "recordCount") return records.length === wanted;
      const unit = name.split("_").at(-1) ?? "";
      const isStored = name.startsWith("target");
      const ofTime = records.filter(({ storage }) => storage > 0 === isStored);
      if (typeof wanted === "number") return ofTime.some((record) => isValue(record, unit, wanted));
      const told = ofTime.map(({ value }) => printValue(value).replace("T", " ").slice(0, 16));
      // The publisher makes 1999-11-30 of a date that is none.
      return told.includes(String(wanted)) || (wanted === "1999-11-30" && told.includes("missing"));
    };
    return isEqual() ? [] : [`${name}, wanted ${String(wanted)}`];
  });
}
