/** A Parquet file, written a group of rows at a time: a year of a city never stands in memory. */
import { ByteWriter, ParquetWriter, type ColumnSource, type SchemaElement } from "hyparquet-writer";

export type ParquetValue = string | number | null;

/** One column: its name with its unit, and its value in a row. */
export interface ParquetColumn<Row> {
  readonly name: string;
  readonly type: "text" | "integer" | "instant";
  readonly of: (row: Row) => ParquetValue;
}

const rowsOfGroup = 50_000;

export class ParquetFile<Row> {
  readonly #columns: readonly ParquetColumn<Row>[];
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  readonly #sink: (bytes: Uint8Array) => void;
  #rows: Row[] = [];

  /** What is written goes to the sink, in order. */
  constructor(columns: readonly ParquetColumn<Row>[], sink: (bytes: Uint8Array) => void) {
    this.#columns = columns;
    this.#sink = sink;
    const schema = [{ name: "root", num_children: columns.length }, ...columns.map(elementOf)];
    this.#writer = new ParquetWriter({ writer: this.#bytes, schema, createdBy: "mercaptan" });
  }

  add(row: Row): void {
    this.#rows.push(row);
    if (this.#rows.length >= rowsOfGroup) this.#writeGroup();
  }

  /** The footer: without it the file is none. */
  end(): void {
    if (this.#rows.length > 0) this.#writeGroup();
    void this.#writer.finish();
    this.#pour();
  }

  #writeGroup(): void {
    const columnData = this.#columns.map(({ name, type, of }): ColumnSource => {
      return { name, data: this.#rows.map((row) => stored(type, of(row))) };
    });
    // It only waits for a sink that does; this one takes bytes at once.
    void this.#writer.write({ columnData, rowGroupSize: rowsOfGroup });
    this.#rows = [];
    this.#pour();
  }

  #pour(): void {
    this.#sink(this.#bytes.getBytes().slice());
    this.#bytes.index = 0;
  }
}

const elements = {
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  integer: { type: "INT64" },
  instant: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
} as const;

function elementOf<Row>({ name, type }: ParquetColumn<Row>): SchemaElement {
  return { name, repetition_type: "OPTIONAL", ...elements[type] };
}

function stored(type: ParquetColumn<never>["type"], value: ParquetValue): unknown {
  if (value === null) return null;
  if (type === "integer") return BigInt(value);
  return type === "instant" ? new Date(value) : value;
}
