/** The query worker as the main thread sees it: a real thread on a real file. */
import { Worker } from "node:worker_threads";
import { openQueries, queriesOutstandingMax, type QueryClient } from "#ledger/queryClient.ts";
import type { Ledger } from "#ports/ledger.ts";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { openedLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import { inTransaction, meterRow, startMs, uplinkRow } from "../support/ledgerRows.ts";

const script = new URL("../../src/queryWorker.ts", import.meta.url);

let ledger: Ledger;
let queries: QueryClient;
let directory: string;
let started: number;

function queryWorker(of: string): Worker {
  started += 1;
  return new Worker(script, { workerData: { directory: of, fileKeys: null } });
}

beforeEach(() => {
  directory = temporaryDirectory();
  ledger = openedLedger(directory);
  started = 0;
  queries = openQueries(directory, queryWorker);
  onTestFinished(() => queries.close());
});

function codeIs(code: string): unknown {
  return expect.objectContaining({ name: "QueryError", code });
}

test("answers carry what was committed a moment ago, bytes included", async () => {
  inTransaction(ledger, () => {
    ledger.putMeter(meterRow(1));
    ledger.putUplink(uplinkRow(1));
  });
  expect(await queries.uplinks(0, 10)).toEqual([{ ...uplinkRow(1), meterId: "M0001" }]);
  inTransaction(ledger, () =>
    ledger.putEvent({ seq: 1, json: "{}" }, startMs, "system.started", null),
  );
  expect(await queries.eventRange()).toEqual({ oldest: 1, newest: 1 });
  expect(await queries.verifyAudit()).toMatchObject({ ok: true, entries: 0 });
});

test("a question that cannot be answered is refused by code, and the worker lives", async () => {
  await expect(queries.meters("no cursor", 10, null)).rejects.toEqual(codeIs("CURSOR_INVALID"));
  // A value that SQLite cannot take, as a caller without types could send it.
  const wrong: unknown = { not: "an id" };
  await expect(queries.meter(wrong as string)).rejects.toEqual(codeIs("QUERY_FAILED"));
  expect(await queries.gateways()).toEqual([]);
  expect(started).toBe(1);
});

test("more questions than the limit are refused at once; the others are answered", async () => {
  const asked = Array.from({ length: queriesOutstandingMax }, () => queries.settings());
  await expect(queries.settings()).rejects.toEqual(codeIs("QUERIES_OVERLOADED"));
  expect(await Promise.all(asked)).toHaveLength(queriesOutstandingMax);
  expect(await queries.settings()).toEqual({});
});

test("a worker that dies takes its questions along; the next one starts another", async () => {
  // The first worker lives, but never answers.
  const mute = new Worker("setInterval(() => {}, 60_000)", { eval: true });
  const lives = [mute];
  const client = openQueries(directory, () => lives.shift() ?? queryWorker(directory));
  onTestFinished(() => client.close());
  const waiting = expect(client.gateways()).rejects.toEqual(codeIs("QUERY_WORKER_DIED"));
  await mute.terminate();
  await waiting;
  expect(await client.gateways()).toEqual([]);
});

test("a worker that cannot open the ledger refuses with the reason", async () => {
  const nowhere = openQueries("/nonexistent", queryWorker);
  await expect(nowhere.gateways()).rejects.toMatchObject({
    code: "QUERY_WORKER_DIED",
    cause: { message: expect.stringMatching(/unable to open/) },
  });
  await nowhere.close();
});

test("after closing, and for what still waits then, questions are refused", async () => {
  const waiting = queries.gateways();
  const closed = queries.close();
  await expect(waiting).rejects.toEqual(codeIs("QUERIES_CLOSED"));
  await closed;
  await expect(queries.gateways()).rejects.toEqual(codeIs("QUERIES_CLOSED"));
});
