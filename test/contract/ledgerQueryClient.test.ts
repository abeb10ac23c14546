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
let workers: Worker[];

beforeEach(() => {
  const directory = temporaryDirectory();
  ledger = openedLedger(directory);
  workers = [];
  queries = openQueries(directory, (workerDirectory) => {
    const worker = new Worker(script, { workerData: { directory: workerDirectory } });
    workers.push(worker);
    return worker;
  });
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

test("a question that cannot be answered is refused with its code, and the worker lives", async () => {
  await expect(queries.meters("no cursor", 10, null)).rejects.toEqual(codeIs("CURSOR_INVALID"));
  // A value that SQLite cannot take, as a caller without types could send it.
  const wrong: unknown = { not: "an id" };
  await expect(queries.meter(wrong as string)).rejects.toEqual(codeIs("QUERY_FAILED"));
  expect(await queries.gateways()).toEqual([]);
  expect(workers).toHaveLength(1);
});

test("more questions than the limit are refused at once; the others are answered", async () => {
  const asked = Array.from({ length: queriesOutstandingMax }, () => queries.settings());
  await expect(queries.settings()).rejects.toEqual(codeIs("QUERIES_OVERLOADED"));
  expect(await Promise.all(asked)).toHaveLength(queriesOutstandingMax);
  expect(await queries.settings()).toEqual({});
});

test("a worker that dies takes its questions with it; the next question starts another", async () => {
  expect(await queries.gateways()).toEqual([]);
  const waiting = queries.gateways();
  void workers[0]?.terminate();
  await expect(waiting).rejects.toEqual(codeIs("QUERY_WORKER_DIED"));
  expect(await queries.gateways()).toEqual([]);
  expect(workers).toHaveLength(2);
});

test("a worker that cannot open the ledger refuses with the reason", async () => {
  const nowhere = openQueries("/nonexistent", (directory) => {
    return new Worker(script, { workerData: { directory } });
  });
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
