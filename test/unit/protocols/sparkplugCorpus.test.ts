/** Arrays and message examples of the specification. They measure; the cards are what we stand on. */
import { describe, expect, test } from "vitest";
import { readArray } from "#protocols/sparkplug/arrays.ts";
import { dataTypeOf } from "#protocols/sparkplug/dataTypes.ts";
import { decodeHostState } from "#protocols/sparkplug/downlink.ts";
import { decodePayload } from "#protocols/sparkplug/payload.ts";
import { parseTopic } from "#protocols/sparkplug/topic.ts";
import { valueOf } from "#protocols/sparkplug/values.ts";
import { corpusRows, differencesOf, type CorpusRow } from "./corpusRows.ts";
import { bytesOfHex, utf8 } from "./cards.ts";
import { writtenPayload, type WrittenMetric } from "./sparkplugSchema.ts";

type Row = CorpusRow & {
  readonly datatype?: number;
  readonly topic?: string;
  readonly matchesLittleEndianRule?: boolean | null;
  readonly littleEndianHex?: string;
};
type Facts = Readonly<Record<string, unknown>>;

const found = corpusRows("sparkplug.jsonl");
const rows: readonly Row[] = found ?? [];
/** The specification contradicts itself here: its rule is low byte first, its example is not. */
const contradicting = rows.filter((row) => row.matchesLittleEndianRule === false);
/** Nobody has said what the bytes by the rule would be: nothing to measure by. */
const disputed = contradicting.filter((row) => row.littleEndianHex === undefined);
const judged = rows.filter((row) => !disputed.includes(row));

describe.skipIf(found === undefined)("examples with known answers: Sparkplug", () => {
  test("every value as the specification gives it", () => {
    const wrong = judged.flatMap((row) => differences(row).map((text) => `${row.id}: ${text}`));
    const wrongRows = new Set(wrong.map((text) => text.split(": ")[0])).size;
    const names = contradicting.map(({ id }) => id).join(" ");
    console.info(
      `CORPUS sparkplug: ${judged.length - wrongRows}/${judged.length} decoded, ` +
        `${contradicting.length} examples that break the rule (${names}), ` +
        `of them ${disputed.length} without bytes by the rule, not counted`,
    );
    expect(wrong).toEqual([]);
  });
});

function differences(row: Row): readonly string[] {
  if (row.kind === "array-vector") return differencesOf(arrayFacts(row), row.expected);
  const topic = parseTopic(row.topic ?? "");
  if (topic === undefined) return ["topic"];
  const expected = row.expected["payload"] as Facts;
  if (topic.type === "STATE") return differencesOf(stateFacts(expected), expected);
  const payload = decodePayload(writtenPayload(expected));
  if (!payload.ok) return ["refused"];
  const { atMs, seq, metrics } = payload.value;
  const facts = {
    timestamp: atMs,
    seq,
    metrics: metrics.map((metric) => ({
      name: metric.name,
      timestamp: metric.atMs,
      dataType: metric.dataType,
      value: plain(metric.dataType === null ? null : valueOf(metric.wire, metric.dataType)),
    })),
  };
  return differencesOf(facts, rounded(expected));
}

/** Of an example that breaks the rule the bytes by the rule are read. */
function arrayFacts({ hex, littleEndianHex, datatype, expected }: Row): Facts {
  const type = dataTypeOf(datatype ?? 0) ?? "String";
  const values = readArray(bytesOfHex(littleEndianHex ?? hex), type) ?? [];
  const wanted = expected["values"] as readonly unknown[];
  return { values: values.map((value, index) => sameFloat(type, value, wanted[index])) };
}

function sameFloat(type: string, value: unknown, wanted: unknown): unknown {
  const isSame = type === "FloatArray" && Math.fround(Number(wanted)) === value;
  return isSame ? wanted : value;
}

function stateFacts(expected: Facts): Facts {
  const state = decodeHostState(utf8(JSON.stringify(expected)));
  return { online: state?.isOnline, timestamp: state?.atMs };
}

function plain(value: ReturnType<typeof valueOf> | null): unknown {
  return value === null || value.kind === "unread" ? null : value.value;
}

/** A float of four bytes holds 12.1 only nearly. */
function rounded(expected: Facts): Facts {
  const { metrics, ...rest } = expected;
  if (!Array.isArray(metrics)) return rest;
  const inFloat = (metrics as readonly WrittenMetric[]).map((metric) => {
    const { dataType, value } = metric;
    const isFloat = dataType === "Float" && typeof value === "number";
    return isFloat ? { ...metric, value: Math.fround(value) } : metric;
  });
  return { ...rest, metrics: inFloat };
}
