/** A stub, not InfluxDB: the answers of InfluxDB 2 that no server of Debian gives, and the sink's way with them. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dayMs, timestampMs } from "#domain/units.ts";
import { batchReadingsMax } from "#sinks/influx.ts";
import { readingLine } from "#sinks/readingPoint.ts";
import { sinkOn } from "../support/influxSink.ts";
import { namedReading, readingSource } from "../support/readingSource.ts";
import { until } from "../support/timeSeriesServer.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "mercaptan-answers-"))));
afterEach(() => rmSync(folder, { recursive: true }));

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
}

/** Gives the answers in turn, then 204; keeps the lines that it took. */
async function stub(answerTo: (lines: readonly string[], turn: number) => Answer) {
  const taken: string[] = [];
  const requests: { readonly path: string; readonly token: string; readonly atMs: number }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const body = Buffer.concat(chunks);
    const isPacked = request.headers["content-encoding"] === "gzip";
    const lines = (isPacked ? gunzipSync(body) : body).toString().split("\n");
    const token = request.headers.authorization ?? "";
    requests.push({ path: request.url ?? "", token, atMs: performance.now() });
    const { status, headers = {} } = answerTo(lines, requests.length);
    if (status === 204) taken.push(...lines);
    response.writeHead(status, headers).end();
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const close = () => (server.closeAllConnections(), server.close());
  return { url: `http://127.0.0.1:${port}`, taken, requests, close };
}

function linesUpTo(newest: number): readonly string[] {
  return Array.from({ length: newest }, (_, n) => readingLine(namedReading(n + 1)));
}

test("the token goes into the header, org and bucket into the path", async () => {
  const server = await stub(() => ({ status: 204 }));
  const { start, cursor } = sinkOn(server.url, readingSource(3), folder, { token: "t0ken" });
  const sink = start();
  await until(async () => (await cursor.load()) === 3);
  await sink.stop();
  server.close();
  expect(server.requests[0]).toMatchObject({
    path: "/api/v2/write?org=gas&bucket=gas&precision=ms",
    token: "Token t0ken",
  });
  expect(server.taken).toEqual(linesUpTo(3));
});

test.for([400, 401, 404, 422, 500, 503])(
  "after %d the same lines are sent again",
  async (status) => {
    const server = await stub((_, turn) => ({ status: turn === 1 ? status : 204 }));
    const { start, cursor, events, codes } = sinkOn(server.url, readingSource(5), folder);
    const sink = start();
    await until(async () => (await cursor.load()) === 5);
    await sink.stop();
    server.close();
    expect(server.taken).toEqual(linesUpTo(5));
    expect(codes).toEqual([`HTTP ${status}`]);
    expect(events).toEqual(["sink.failed", "sink.recovered"]);
  },
);

test("what is too large is halved until it fits, without being a failure", async () => {
  const server = await stub((lines) => ({ status: lines.length > 300 ? 413 : 204 }));
  const { start, cursor, events } = sinkOn(server.url, readingSource(batchReadingsMax), folder);
  const sink = start();
  await until(async () => (await cursor.load()) === batchReadingsMax);
  await sink.stop();
  server.close();
  expect(server.taken).toEqual(linesUpTo(batchReadingsMax));
  expect(events).toEqual([]);
});

test("a server that asks for time gets it", async () => {
  const server = await stub((_, turn) =>
    turn === 1 ? { status: 429, headers: { "retry-after": "1" } } : { status: 204 },
  );
  const { start, cursor } = sinkOn(server.url, readingSource(1), folder);
  const sink = start();
  await until(async () => (await cursor.load()) === 1);
  await sink.stop();
  server.close();
  const [first, second] = server.requests;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(950);
});

test("what the server no longer keeps is left out, and the copy goes on behind it", async () => {
  const server = await stub(() => ({ status: 204 }));
  const old = 4;
  const source = {
    newestReadingSeq: () => Promise.resolve(6),
    readingsAfterSeq: (afterSeq: number, limit: number) =>
      Promise.resolve(
        [1, 2, 3, 4, 5, 6]
          .filter((seq) => seq > afterSeq)
          .slice(0, limit)
          .map((seq) => ({
            ...namedReading(seq),
            measuredAtMs: timestampMs(Date.now() - (seq <= old ? 400 : 1) * dayMs),
          })),
      ),
  };
  const { start, cursor } = sinkOn(server.url, source, folder, { keepDays: 365 });
  const sink = start();
  await until(async () => (await cursor.load()) === 6);
  await sink.stop();
  server.close();
  expect(server.taken).toHaveLength(2);
});
