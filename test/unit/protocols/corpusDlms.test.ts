/** DLMS payloads with known answers, where a directory of them is at hand. They measure; the cards are ours. */
import { describe, expect, test } from "vitest";
import type { CipherOptions } from "#protocols/codec/security.ts";
import { dlmsProtocol } from "#protocols/dlms/protocol.ts";
import { bytesOfHex } from "./cards.ts";
import { isSame, leavesOf, rowsOf, type Row } from "./corpusLeaves.ts";
import { toldOf, type Told } from "./dlmsFacts.ts";

const rows = rowsOf("dlms.jsonl");

/** Words of one library about itself. */
const wordsOfTheirs: ReadonlySet<string> = new Set(["dlms.payloadType"]);

describe.skipIf(rows.length === 0)("frames with known answers: DLMS", () => {
  test("every value as the publisher gives it", () => {
    const judged = rows.map((row) => ({ row, ...differences(row) }));
    const different = judged.filter(({ wrong }) => wrong.length > 0);
    const disputed = judged.flatMap((one) => one.disputed.map((text) => `${one.row.id} ${text}`));
    const values = judged.reduce((sum, one) => sum + one.values, 0);
    const decoded = judged.filter((one) => one.values > 0).length;
    const refused = rows.filter(isAnError);
    console.info(
      `CORPUS dlms: ${rows.length} rows, ${decoded} decoded, ` +
        `${rows.length - different.length} equal (${values} values), ${different.length} different ` +
        `(${different.map(({ row }) => row.id).join(" ")}), ${refused.length} to be refused, ` +
        `disputed: ${disputed.join(", ") || "none"}`,
    );
    expect(different.map(({ row, wrong }) => `${row.id}: ${wrong.join("; ")}`)).toEqual([]);
  });

  test("pushes are taken; associations, services and link frames are not telegrams", () => {
    for (const row of rows) {
      const result = dlmsProtocol.decode(bytesOfHex(row.hex), optionsOf(row));
      const isPush = row.protocol === "dlms-push" || "body" in row.expected;
      expect([row.id, result.ok]).toEqual([row.id, isPush]);
    }
  });
});

function isAnError({ kind }: Row): boolean {
  return kind === "error" || kind === "unsupported";
}

function optionsOf({ id, key, authKey, systemTitle }: Row): CipherOptions {
  const bytes = (hex?: string | null) => (typeof hex === "string" ? bytesOfHex(hex) : undefined);
  return {
    key: bytes(key),
    authKey: bytes(authKey),
    systemTitle: bytes(systemTitle),
    // The switch of a meter that works against the standard.
    emptyAad: id.includes("without-aad"),
  };
}

interface Judgement {
  readonly values: number;
  readonly wrong: readonly string[];
  readonly disputed: readonly string[];
}

function differences(row: Row): Judgement {
  const told = toldOf(bytesOfHex(row.hex), row.protocol, optionsOf(row));
  const isRefused = told === undefined;
  if (isRefused) return { values: 0, wrong: isAnError(row) ? [] : ["refused"], disputed: [] };
  const byWay = new Map(leavesOf(told));
  const wrong: string[] = [];
  const disputed: string[] = [];
  const { cosem, ...rest } = row.expected as { readonly cosem?: Record<string, string[]> };
  const leaves = leavesOf(rest).filter(([way]) => !wordsOfTheirs.has(way));
  for (const [way, wanted] of leaves) {
    const ours = byWay.get(way);
    if (isSame(ours, wanted) || isNothing(wanted)) continue;
    if (isDisputed(way, ours, wanted)) disputed.push(way);
    else wrong.push(`${way} is ${JSON.stringify(ours)}, not ${JSON.stringify(wanted)}`);
  }
  if (cosem !== undefined && !hasTexts(told, cosem)) wrong.push("objects");
  return { values: leaves.length, wrong, disputed };
}

/** An empty list or tree has no leaves of its own. */
function isNothing(wanted: unknown): boolean {
  return wanted === undefined;
}

/**
 * One collection reads the invoke id without its last byte, and knows a maker by the shape of its list
 * where no word in it says so.
 */
function isDisputed(way: string, ours: unknown, wanted: unknown): boolean {
  if (way === "apdu.longInvokeIdAndPriority") return Number(ours) / 256 === wanted;
  return way === "decoded.meter_manufacturer" && ours === undefined;
}

function hasTexts(told: Told, cosem: Readonly<Record<string, string[]>>): boolean {
  const wanted = Object.values(cosem).flat().toSorted();
  return JSON.stringify(told["objectTexts"]) === JSON.stringify(wanted);
}
