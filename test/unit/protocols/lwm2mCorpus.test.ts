/** LwM2M payloads with known answers. They measure; the cards are what this repository stands on. */
import { describe, expect, test } from "vitest";
import { formatInstant } from "#domain/units.ts";
import { decodeRecords, encodingOf, guessEncoding } from "#protocols/lwm2m/decode.ts";
import { omaObjects, resourceTypes, type ObjectTable } from "#protocols/lwm2m/objects.ts";
import { parsePath, printPath } from "#protocols/lwm2m/path.ts";
import type { ResourceRecord } from "#protocols/lwm2m/record.ts";
import { printValue } from "#protocols/lwm2m/values.ts";
import { corpusRows, differencesOf, type CorpusRow } from "./corpusRows.ts";
import { bytesOfHex } from "./cards.ts";

const { string, float, boolean, link } = resourceTypes;

/** Objects that the publisher's own tests made up; no registry has them. */
const madeUp: ObjectTable = {
  66: { 0: string("service"), 1: string("address"), 2: link("next") },
  1024: { 0: string("text"), 1: float("number"), 2: boolean("yes or no") },
};
const nowhere = { object: null, instance: null, resource: null, item: null };

type Row = CorpusRow & { readonly format?: string; readonly path?: string };
type Tree = Record<string, unknown>;

const found = corpusRows("lwm2m.jsonl");
const rows: readonly Row[] = found ?? [];

describe.skipIf(found === undefined)("payloads with known answers: LwM2M", () => {
  test("every value as the publisher gives it", () => {
    const wrong = rows.flatMap((row) => differences(row).map((text) => `${row.id}: ${text}`));
    const wrongRows = new Set(wrong.map((text) => text.split(":")[0])).size;
    console.info(`CORPUS lwm2m: ${rows.length - wrongRows}/${rows.length} decoded`);
    expect(wrong).toEqual([]);
  });

  test("the encoding can be told from the bytes", () => {
    for (const { id, hex, format } of rows) {
      const named = Number(/\((\d+)\)/.exec(format ?? "")?.[1]);
      expect([id, guessEncoding(bytesOfHex(hex))]).toEqual([id, encodingOf(named)]);
    }
  });
});

function differences(row: Row): readonly string[] {
  const records = recordsOf(row);
  if (records === undefined) return ["refused"];
  const { instances, ...rest } = row.expected;
  if (instances === undefined) return differencesOf({ records: records.map(factsOf) }, rest);
  // Some rows name only a part of what their bytes say, so they are compared leaf by leaf.
  const told = Object.fromEntries(leavesOf(treeOf(records)));
  return differencesOf(told, Object.fromEntries(leavesOf(instances)));
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

function leavesOf(tree: unknown, way = ""): readonly (readonly [string, unknown])[] {
  if (typeof tree !== "object" || tree === null) return [[way, tree]];
  return Object.entries(tree).flatMap(([key, inner]) => leavesOf(inner, `${way}/${key}`));
}
