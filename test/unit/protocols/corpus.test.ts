/**
 * Frames with known answers, where a directory of them is at hand: MERCAPTAN_CORPORA, one JSON object
 * a line. They measure; the cards are what this repository stands on.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { bytesOfHex } from "./cards.ts";
import { factsOf, rewritten } from "./corpusFacts.ts";

interface Row {
  readonly id: string;
  readonly protocol: string;
  readonly hex: string;
  readonly kind?: string;
  readonly expected: Readonly<Record<string, unknown>>;
  readonly checksum?: { readonly valid: boolean };
  readonly encodeVector?: boolean;
}

const root = path.resolve(import.meta.dirname, "../../..");
const directory = path.resolve(root, process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora");
const file = path.join(directory, "cjt188.jsonl");
const isThere = existsSync(file);

if (!isThere) console.warn(`SKIPPED: no frames with known answers at ${file}`);

describe.skipIf(!isThere)("frames with known answers: CJ/T 188", () => {
  const rows = isThere ? readRows() : [];
  const own = rows.filter(({ protocol }) => protocol === "cjt188");
  const foreign = rows.filter(({ protocol }) => protocol !== "cjt188");
  const wrongSum = own.filter(({ checksum }) => checksum?.valid === false);
  const misprinted = own.filter((row) => !wrongSum.includes(row) && !fillsItsLength(row));
  const good = own.filter((row) => !wrongSum.includes(row) && !misprinted.includes(row));

  test("every value as the publisher gives it", () => {
    const wrong = good.flatMap((row) => differences(row).map((text) => `${row.id}: ${text}`));
    const wrongRows = new Set(wrong.map((text) => text.split(":")[0])).size;
    const encodable = own.filter((row) => row.encodeVector === true);
    const encoded = encodable.filter(isRewritten).length;
    console.info(
      `CORPUS cjt188: ${good.length - wrongRows}/${good.length} decoded, ` +
        `${encoded}/${encodable.length} encoded, ${wrongSum.length} wrong checksums, ` +
        `${misprinted.length} whose bytes do not fill their own length ` +
        `(${misprinted.map(({ id }) => id).join(" ")}), ${foreign.length} frames of another protocol`,
    );
    expect(wrong).toEqual([]);
    expect(encoded).toBe(encodable.length);
  });

  test("wrong checksums are refused for their checksum", () => {
    for (const { hex } of wrongSum) {
      expect(cjt188Protocol.decode(bytesOfHex(hex))).toMatchObject({
        ok: false,
        fault: { kind: "checksumMismatch" },
      });
    }
  });

  test("frames that lie about their length, and frames of another protocol, are refused", () => {
    for (const { hex } of [...misprinted, ...foreign]) {
      const result = cjt188Protocol.decode(bytesOfHex(hex));
      expect(result.ok).toBe(false);
      expect(cjt188Protocol.explain(bytesOfHex(hex)).fault).not.toBeNull();
    }
  });

  test("every good answer becomes a telegram", () => {
    for (const { id, hex } of good) {
      const bytes = bytesOfHex(hex);
      const isAnswer = (Number.parseInt(String(factsOf(bytes)?.["control"]), 16) & 0x80) !== 0;
      expect([id, cjt188Protocol.decode(bytes).ok]).toEqual([id, isAnswer]);
    }
  });
});

function readRows(): readonly Row[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
}

/** 13 bytes around the data, and the data as long as L says. */
function fillsItsLength({ hex }: Row): boolean {
  const bytes = bytesOfHex(hex.replace(/^(?:fe)*/, ""));
  return bytes.length === 13 + (bytes[10] ?? 0);
}

/** What one frame says otherwise than the publisher; strict, and a fact we cannot tell is a difference. */
function differences({ hex, expected }: Row): readonly string[] {
  const facts = factsOf(bytesOfHex(hex));
  if (facts === undefined) return ["refused"];
  return Object.entries(expected).flatMap(([name, wanted]) => {
    const told = normal(facts[name]);
    return JSON.stringify(told) === JSON.stringify(normal(wanted))
      ? []
      : [`${name} is ${String(told)}`];
  });
}

/** The same word in another spelling is the same. */
function normal(value: unknown): unknown {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).sort(([a], [b]) => a.localeCompare(b));
  }
  if (typeof value !== "string") return value;
  const spellings: Readonly<Record<string, string>> = {
    "open (forced)": "open",
    "close (forced)": "close",
    "open (not forced)": "open, not forced",
    "close (not forced)": "close, not forced",
    "read valve state": "read position",
  };
  const lower = value.toLowerCase();
  return spellings[lower] ?? lower;
}

function isRewritten({ hex }: Row): boolean {
  const bytes = bytesOfHex(hex);
  const again = rewritten(bytes);
  return again !== undefined && Buffer.from(again).equals(bytes);
}
