/** Judges CJ/T 188 rows, and those of CAT-1, which stand in the same file. */
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import { judgeCat1 } from "./cat1.ts";
import { factsOf, rewritten } from "./cjt188Facts.ts";
import type { Row } from "./rows.ts";
import {
  difference,
  isEqual,
  judgement,
  notApplicable,
  refusal,
  refusedWrongly,
  type Judgement,
} from "./verdict.ts";

export function judgeCjt188(row: Row): Judgement {
  if (row.protocol === "cjt188-cat1") return judgeCat1(row);
  if (row.protocol !== "cjt188") return notApplicable(`protocol ${row.protocol}`);
  const bytes = bytesOfHex(row.hex);
  const decoded = cjt188Protocol.decode(bytes);
  const fault = decoded.ok ? null : decoded.fault;
  const isWrongSum = row.checksum?.valid === false || row.kind === "bad-checksum";
  if (isWrongSum) return refusal(fault, "checksumMismatch");
  if (!fillsItsLength(bytes)) {
    const reason = "its bytes do not fill its own length, so it must be refused";
    return refusal(fault, undefined, [{ where: "*", reason }]);
  }
  const facts = factsOf(bytes);
  if (facts === undefined) return refusedWrongly(fault);
  const isAnswer = (Number.parseInt(String(facts["control"]), 16) & 0x80) !== 0;
  const names = Object.keys(row.expected);
  const differences = names
    .filter((name) => !isEqual(spelled(facts[name]), spelled(row.expected[name])))
    .map((name) => difference(name, row.expected[name], facts[name]));
  // An order to a meter is no telegram; an answer must be one.
  if (isAnswer !== decoded.ok) differences.push(difference("telegram", isAnswer, decoded.ok));
  const isEncoded = row.encodeVector === true ? isRewritten(bytes) : null;
  if (isEncoded === false) differences.push(difference("encoded", row.hex, again(bytes)));
  return judgement({
    isDecoded: true,
    equalValues: names.length - differences.length,
    differences,
    isEncoded,
  });
}

/** 13 bytes around the data, and the data as long as L says. */
function fillsItsLength(bytes: Uint8Array): boolean {
  const startAt = bytes.findIndex((byte) => byte !== 0xfe);
  return bytes.length - startAt === 13 + (bytes[startAt + 10] ?? 0);
}

/** The same word in another spelling is the same. */
function spelled(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const spellings: Readonly<Record<string, string>> = {
    "open (forced)": "open",
    "close (forced)": "close",
    "open (not forced)": "open, not forced",
    "close (not forced)": "close, not forced",
    "read valve state": "read position",
  };
  const lower = value.toLowerCase();
  return Object.hasOwn(spellings, lower) ? spellings[lower] : lower;
}

function again(bytes: Uint8Array): string | undefined {
  const written = rewritten(bytes);
  return written === undefined ? undefined : Buffer.from(written).toString("hex");
}

function isRewritten(bytes: Uint8Array): boolean {
  return again(bytes) === Buffer.from(bytes).toString("hex");
}
