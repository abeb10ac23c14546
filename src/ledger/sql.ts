/** Typed access to prepared statements: a SELECT names the fields of the type it is read as. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

// node:sqlite cannot know a row's type; the statement beside each call fixes it.
/* oxlint-disable typescript/no-unnecessary-type-parameters */

/** All rows of a statement whose columns are aliased to the fields of `Row`. */
export function all<Row>(statement: StatementSync, ...values: SQLInputValue[]): readonly Row[] {
  return statement.all(...values) as unknown as readonly Row[];
}

/** The same, one row at a time. */
export function each<Row>(statement: StatementSync, ...values: SQLInputValue[]): Iterable<Row> {
  return statement.iterate(...values) as unknown as Iterable<Row>;
}

/** The first row, or undefined. */
export function one<Row>(statement: StatementSync, ...values: SQLInputValue[]): Row | undefined {
  return statement.get(...values) as unknown as Row | undefined;
}

/** The one number that an expression yields; 0 where it is NULL. */
export function numberOf(db: DatabaseSync, expression: string): number {
  const row = one<{ value: number | null }>(db.prepare(`SELECT (${expression}) AS value`));
  return row?.value ?? 0;
}

/** `table.column AS field, …` for a table of field → column. */
export function selectList(columns: Readonly<Record<string, string>>, table: string): string {
  return Object.entries(columns)
    .map(([field, column]) => `${table}.${column} AS ${field}`)
    .join(", ");
}

/** An INSERT that binds every column by its field's name and replaces the row with the same key. */
export function upsertSql(
  table: string,
  columns: Readonly<Record<string, string>>,
  key: string,
): string {
  const names = Object.values(columns);
  const values = Object.keys(columns).map((field) => `$${field}`);
  const changes = names.map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO ${table} (${names.join(", ")}) VALUES (${values.join(", ")})
    ON CONFLICT (${key}) DO UPDATE SET ${changes.join(", ")}`;
}
