/** The sink with a cursor in a folder, and what it says about itself. */
import { join } from "node:path";
import { timestampMs } from "#domain/units.ts";
import { fileCursor } from "#sinks/fileCursor.ts";
import { influxCursorTarget, startInfluxSink, type InfluxSinkOptions } from "#sinks/influx.ts";
import type { InfluxTarget } from "#sinks/influxServer.ts";

export function sinkOn(
  url: string,
  queries: InfluxSinkOptions["queries"],
  folder: string,
  more: Partial<InfluxTarget> = {},
) {
  const target = { url, org: "gas", bucket: "gas", token: null, writeTimeoutMs: 1_000, ...more };
  const cursor = fileCursor(join(folder, "cursor"), influxCursorTarget(target));
  const events: string[] = [];
  const codes: (string | number | undefined)[] = [];
  const state = { lag: Number.NaN };
  const start = () =>
    startInfluxSink({
      target,
      queries,
      cursor,
      observer: {
        note(event, fields) {
          events.push(event);
          if (event === "sink.failed") codes.push(fields?.["code"]);
        },
      },
      metrics: { sinkLag: (_, rows) => (state.lag = rows) },
      clock: { nowMs: () => timestampMs(Date.now()), monotonicMs: () => performance.now() },
      rng: { bytes: (length) => new Uint8Array(length), uuidV7: () => "" },
    });
  return { start, cursor, events, codes, state };
}
