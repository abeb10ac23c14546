/** ClickHouse in the process (chdb), on one thread: one table by meter and time, repetitions removed by merges. */
import { join } from "node:path";
import { valuesOf, type Batch, type Peer, type Span } from "./peer.ts";

// This folder has a package.json of its own, and what it installs is not there when the program is checked.
interface Session {
  query(sql: string, format?: string): string;
  insert(insert: { table: string; values: Buffer; format: "TSV" }): Promise<unknown>;
  close(): void;
}
interface Chdb {
  readonly Session: new (folder: string) => Session;
}

export async function openClickHouse(folder: string): Promise<Peer> {
  const specifier: string = "chdb";
  const chdb = (await import(specifier)) as Chdb;
  const session = new chdb.Session(join(folder, "clickhouse"));
  const ask = (sql: string): Promise<string> =>
    Promise.resolve(session.query(`${sql} SETTINGS max_threads = 1`, "TSV"));
  session.query("CREATE DATABASE IF NOT EXISTS d");
  session.query(`CREATE TABLE d.r (
    m UInt32 CODEC(Delta, ZSTD(1)), ts UInt32 CODEC(DoubleDelta, ZSTD(1)),
    vol UInt32 CODEC(Delta, ZSTD(1)), quality UInt8, flags UInt8, flow UInt32 CODEC(T64, ZSTD(1)),
    temp Int16 CODEC(Delta, ZSTD(1)), batt UInt16 CODEC(Delta, ZSTD(1)), valve UInt8, status UInt16
  ) ENGINE = ReplacingMergeTree ORDER BY (m, ts) PARTITION BY toYYYYMM(toDateTime(ts, 'UTC'))
  SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`);
  const within = ({ fromSeconds, toSeconds }: Span): string =>
    `ts > ${fromSeconds} AND ts <= ${toSeconds}`;
  return {
    versions: `chdb, ClickHouse ${session.query("SELECT version()", "TSV").trim()}`,
    async append(batch: Batch) {
      const columns = valuesOf(batch);
      const lines: string[] = [];
      for (let row = 0; row < batch.count; row += 1) {
        lines.push(columns.map((column) => column[row] ?? 0).join("\t"));
      }
      const values = Buffer.from(`${lines.join("\n")}\n`);
      await session.insert({ table: "d.r", values, format: "TSV" });
    },
    closeDay: () => Promise.resolve(),
    settle: () => Promise.resolve(session.query("OPTIMIZE TABLE d.r FINAL")),
    bytes: async () =>
      Number(await ask("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'r'")),
    rows: async () => Number(await ask("SELECT count() FROM d.r FINAL")),
    last: (meter) => ask(`SELECT max(ts), argMax(vol, ts) FROM d.r WHERE m = ${meter}`),
    range: (meter, span) =>
      ask(`SELECT * FROM d.r FINAL WHERE m = ${meter} AND ${within(span)} ORDER BY ts`),
    registers: (span) =>
      ask(`SELECT m, max(ts), argMax(vol, ts) FROM d.r WHERE ${within(span)} GROUP BY m`),
    district: (first, last, span) =>
      ask(`SELECT m, intDiv(ts, 86400) AS day, max(vol) - min(vol) FROM d.r
           WHERE m BETWEEN ${first} AND ${last} AND ${within(span)} GROUP BY m, day`),
    topFlow: (span, count) =>
      ask(`SELECT m, max(flow) AS f FROM d.r WHERE ${within(span)}
           GROUP BY m ORDER BY f DESC LIMIT ${count}`),
    close: () => Promise.resolve(session.close()),
  };
}
