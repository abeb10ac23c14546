/** A Parquet file as another program reads it: hyparquet, which shares no code with what writes. */
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { expect, test } from "vitest";
import { ParquetFile, type ParquetColumn } from "#export/parquetFile.ts";

interface Row {
  readonly id: string;
  readonly atMs: number;
  readonly ml: number | null;
}

const columns: readonly ParquetColumn<Row>[] = [
  { name: "id", type: "text", of: ({ id }) => id },
  { name: "at", type: "instant", of: ({ atMs }) => atMs },
  { name: "index_ml", type: "integer", of: ({ ml }) => ml },
];

function fileOf(rows: readonly Row[]): ArrayBuffer {
  const pieces: Uint8Array[] = [];
  const file = new ParquetFile(columns, (bytes) => pieces.push(bytes));
  for (const row of rows) file.add(row);
  file.end();
  return Uint8Array.from(Buffer.concat(pieces)).buffer;
}

test("whole numbers stay whole, what is missing is missing, instants are instants", async () => {
  const rows: Row[] = [
    { id: "表-1", atMs: Date.UTC(2026, 10, 22, 8), ml: Number.MAX_SAFE_INTEGER },
    { id: "M2", atMs: 0, ml: null },
    { id: "M3", atMs: -1, ml: -5 },
  ];
  expect(await parquetReadObjects({ file: fileOf(rows) })).toEqual([
    { id: "表-1", at: new Date("2026-11-22T08:00:00Z"), index_ml: 9_007_199_254_740_991n },
    { id: "M2", at: new Date(0), index_ml: null },
    { id: "M3", at: new Date(-1), index_ml: -5n },
  ]);
});

test("more rows than one group holds, and none at all", async () => {
  const rows = Array.from({ length: 120_001 }, (_, no) => ({ id: `M${no % 7}`, atMs: no, ml: no }));
  const file = fileOf(rows);
  expect(parquetMetadata(file)).toMatchObject({ num_rows: 120_001n, created_by: "mercaptan" });
  expect(parquetMetadata(file).row_groups).toHaveLength(3);
  const last = await parquetReadObjects({ file, rowStart: 120_000, rowEnd: 120_001 });
  expect(last).toEqual([{ id: "M6", at: new Date(120_000), index_ml: 120_000n }]);
  expect(await parquetReadObjects({ file: fileOf([]) })).toEqual([]);
});
