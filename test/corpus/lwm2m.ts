/** Judges LwM2M rows: records of SenML, trees of TLV, and whether the encoding is told from the bytes. */
import { formatInstant } from "#domain/units.ts";
import { decodeRecords, encodingOf, guessEncoding } from "#protocols/lwm2m/decode.ts";
import { omaObjects, resourceTypes, type ObjectTable } from "#protocols/lwm2m/objects.ts";
import { parsePath, printPath } from "#protocols/lwm2m/path.ts";
import type { ResourceRecord } from "#protocols/lwm2m/record.ts";
import { printValue } from "#protocols/lwm2m/values.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import type { Row } from "./rows.ts";
import {
  compared,
  difference,
  judgement,
  leavesOf,
  notApplicable,
  refusal,
  refusedWrongly,
  type Judgement,
} from "./verdict.ts";

const { string, float, boolean, link } = resourceTypes;

/** Objects that the publisher's own tests made up; no registry has them. */
const madeUp: ObjectTable = {
  66: { 0: string("service"), 1: string("address"), 2: link("next") },
  1024: { 0: string("text"), 1: float("number"), 2: boolean("yes or no") },
};
const nowhere = { object: null, instance: null, resource: null, item: null };

type Tree = Record<string, unknown>;

export function judgeLwm2m(row: Row): Judgement {
  if (row.protocol !== "lwm2m") return notApplicable(`protocol ${row.protocol}`);
  const encoding = encodingOf(Number(/\((\d+)\)/.exec(row.format ?? "")?.[1]));
  if (encoding === undefined) return notApplicable(`format ${row.format}`);
  const records = recordsOf(row);
  const isBad = row.kind === "error" || row.kind === "unsupported";
  if (isBad) return refusal(records === undefined ? { kind: "refused" } : null);
  if (records === undefined) return refusedWrongly("the payload");
  const { instances, ...rest } = row.expected;
  // Some rows name only a part of what their bytes say, so they are compared leaf by leaf.
  const values =
    instances === undefined
      ? compared({ records: records.map(factsOf) }, rest)
      : compared(byWay(treeOf(records)), byWay(instances));
  const guessed = guessEncoding(bytesOfHex(row.hex));
  const isGuessed = guessed === encoding;
  const differences = isGuessed ? [] : [difference("encoding", encoding, guessed)];
  return judgement({ ...values, differences: [...values.differences, ...differences] });
}

function byWay(tree: unknown): Tree {
  return Object.fromEntries(leavesOf(tree));
}

function recordsOf({ hex, format, path }: Row): readonly ResourceRecord[] | undefined {
  const encoding = encodingOf(Number(/\((\d+)\)/.exec(format ?? "")?.[1]));
  if (encoding === undefined) return undefined;
  const context = {
    path: parsePath(path ?? "") ?? nowhere,
    objects: { ...omaObjects, ...madeUp },
    receivedAtMs: null,
  };
  const records = decodeRecords(bytesOfHex(hex), encoding, context, null);
  return records.ok ? records.value : undefined;
}

/** A record by the names of the corpus: the value of a time resource stands under `time`. */
function factsOf({ path, at, value }: ResourceRecord): Tree {
  const facts: Tree = { path: printPath(path) };
  if (typeof at === "number") facts["time"] = at / 1_000;
  facts[value.kind === "time" ? "time" : "value"] = plain(value);
  return facts;
}

function plain(value: ResourceRecord["value"]): unknown {
  if (value.kind === "time")
    return value.value === null ? null : formatInstant(value.value).replace(".000", "");
  if (value.kind === "bytes") return printValue(value).toLowerCase();
  return value.kind === "missing" ? null : value.value;
}

function treeOf(records: readonly ResourceRecord[]): Tree {
  const tree: Tree = {};
  for (const { path, value } of records) {
    const instance = (tree[path.instance] ??= {}) as Tree;
    if (path.item === null) instance[path.resource] = plain(value);
    else ((instance[path.resource] ??= {}) as Tree)[path.item] = plain(value);
  }
  return tree;
}
