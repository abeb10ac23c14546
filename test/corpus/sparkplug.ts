/** Judges the specification's own examples of Sparkplug: arrays, and payloads written by the published schema. */
import { readArray } from "#protocols/sparkplug/arrays.ts";
import { dataTypeOf } from "#protocols/sparkplug/dataTypes.ts";
import { decodeHostState } from "#protocols/sparkplug/downlink.ts";
import { decodePayload } from "#protocols/sparkplug/payload.ts";
import { parseTopic } from "#protocols/sparkplug/topic.ts";
import { valueOf } from "#protocols/sparkplug/values.ts";
import { bytesOfHex, utf8 } from "../unit/protocols/cards.ts";
import { writtenPayload, type WrittenMetric } from "../unit/protocols/sparkplugSchema.ts";
import type { Row } from "./rows.ts";
import { compared, judgement, notApplicable, refusedWrongly, type Judgement } from "./verdict.ts";

type Facts = Readonly<Record<string, unknown>>;

export function judgeSparkplug(row: Row): Judgement {
  if (!row.protocol.startsWith("sparkplug")) return notApplicable(`protocol ${row.protocol}`);
  if (row.kind === "array-vector") return judgeArray(row);
  const expected = row.expected["payload"];
  const topic = parseTopic(row.topic ?? "");
  if (topic === undefined || typeof expected !== "object" || expected === null) {
    return notApplicable("neither an array nor a payload with its topic");
  }
  const wanted = expected as Facts;
  if (topic.type === "STATE") return judgement(compared(stateFacts(wanted), wanted));
  const payload = decodePayload(row.hex === "" ? writtenPayload(wanted) : bytesOfHex(row.hex));
  if (!payload.ok) return refusedWrongly(payload.fault);
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
  return judgement(compared(facts, rounded(wanted)));
}

/** The specification contradicts itself: its rule is low byte first, and some of its examples are not. */
function judgeArray(row: Row): Judgement {
  const breaksRule = row.matchesLittleEndianRule === false;
  const reason = "the example breaks the specification's rule of low byte first";
  const apart = breaksRule ? [{ where: "values", reason }] : [];
  // Nobody has said what the bytes by the rule would be: nothing to measure by.
  if (breaksRule && typeof row.littleEndianHex !== "string") return judgement({ apart });
  return judgement({ ...compared(arrayFacts(row), row.expected), apart });
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
