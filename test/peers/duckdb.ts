/** DuckDB in the process, on one thread: an unsorted table for today, a sorted one for closed days. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { valuesOf, type Batch, type Peer, type Span } from "./peer.ts";

// This folder has a package.json of its own, and what it installs is not there when the program is checked.
interface Connection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getRows(): (number | bigint | string)[][] }>;
  createAppender(table: string): Promise<Appender>;
}
interface Appender {
  appendDataChunk(chunk: DataChunk): void;
  flushSync(): void;
  closeSync(): void;
}
interface DataChunk {
  setColumns(columns: readonly (readonly number[])[]): void;
}
interface DuckDb {
  readonly DuckDBInstance: {
    create(
      path: string,
      options: Record<string, string>,
    ): Promise<{
      connect(): Promise<Connection>;
      closeSync(): void;
    }>;
  };
  readonly DuckDBDataChunk: { create(types: readonly unknown[], rows: number): DataChunk };
  readonly INTEGER: unknown;
  version(): string;
}

const chunkRows = 2_048;
const columns = `m INTEGER, ts INTEGER, vol INTEGER, quality INTEGER, flags INTEGER, flow INTEGER,
  temp INTEGER, batt INTEGER, valve INTEGER, status INTEGER`;

export async function openDuckDb(folder: string): Promise<Peer> {
  const specifier: string = "@duckdb/node-api";
  const duckdb = (await import(specifier)) as DuckDb;
  const path = join(folder, "readings.duckdb");
  const instance = await duckdb.DuckDBInstance.create(path, {
    threads: "1",
    memory_limit: "4GB",
  });
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE today (${columns}); CREATE TABLE sorted (${columns})`);
  const appender = await connection.createAppender("today");
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const both = "(SELECT * FROM sorted UNION ALL SELECT * FROM today)";
  const within = ({ fromSeconds, toSeconds }: Span): string =>
    `ts > ${fromSeconds} AND ts <= ${toSeconds}`;
  const append = (batch: Batch): void => {
    const values = valuesOf(batch);
    const types = values.map(() => duckdb.INTEGER);
    for (let from = 0; from < batch.count; from += chunkRows) {
      const to = Math.min(batch.count, from + chunkRows);
      const chunk = duckdb.DuckDBDataChunk.create(types, to - from);
      chunk.setColumns(values.map((column) => [...column.subarray(from, to)]));
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  };
  return {
    versions: `DuckDB ${duckdb.version()}`,
    append: (batch) => Promise.resolve().then(() => append(batch)),
    async closeDay() {
      await connection.run("BEGIN");
      await connection.run("INSERT INTO sorted SELECT DISTINCT * FROM today ORDER BY m, ts");
      await connection.run("DELETE FROM today");
      await connection.run("COMMIT");
      await connection.run("CHECKPOINT");
    },
    settle: () => connection.run("CHECKPOINT"),
    bytes: () => Promise.resolve(statSync(path).size),
    rows: async () => Number((await ask(`SELECT count(*) FROM ${both}`))[0]?.[0]),
    last: (meter) => ask(`SELECT max(ts), arg_max(vol, ts) FROM ${both} WHERE m = ${meter}`),
    range: (meter, span) =>
      ask(`SELECT * FROM ${both} WHERE m = ${meter} AND ${within(span)} ORDER BY ts`),
    registers: (span) =>
      ask(`SELECT m, max(ts), arg_max(vol, ts) FROM ${both} WHERE ${within(span)} GROUP BY m`),
    district: (first, last, span) =>
      ask(`SELECT m, ts // 86400, max(vol) - min(vol) FROM ${both}
           WHERE m BETWEEN ${first} AND ${last} AND ${within(span)} GROUP BY ALL`),
    topFlow: (span, count) =>
      ask(`SELECT m, max(flow) AS f FROM ${both} WHERE ${within(span)}
           GROUP BY m ORDER BY f DESC LIMIT ${count}`),
    async close() {
      appender.closeSync();
      await connection.run("CHECKPOINT");
      instance.closeSync();
    },
  };
}
