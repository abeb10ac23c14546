/** CSV (RFC 4180), both ways, with the guard that keeps a cell from being run as a formula. */

import { fail, ok, type Result } from "#domain/result.ts";

/** A spreadsheet runs cells that begin like this; a leading apostrophe makes them text (OWASP). */
const formulaStart = /^[=+\-@\t\r]/;
const decimalNumber = /^-?\d+(\.\d+)?$/;

/** One line, with its end. A negative number is left a number. */
export function csvLine(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(value: string | number | boolean | null): string {
  if (value === null) return "";
  const plain = String(value);
  const isFormula = formulaStart.test(plain) && !decimalNumber.test(plain);
  const safe = isFormula ? `'${plain}` : plain;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export interface CsvFault {
  readonly kind: "strayQuote";
  /** Counted from 1, among the rows that are not empty. */
  readonly row: number;
}

/** A cell, quoted or bare, and what ends it; sticky, so that each character is looked at once. */
const cellPattern = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/** Rows of cells; quoted cells may hold commas, quotes and line ends. Empty lines are left out. */
export function parseCsv(text: string): Result<readonly (readonly string[])[], CsvFault> {
  const rows: string[][] = [];
  let row: string[] = [];
  cellPattern.lastIndex = text.startsWith("\ufeff") ? 1 : 0;
  for (;;) {
    const match = cellPattern.exec(text);
    if (match === null) return fail({ kind: "strayQuote", row: rows.length + 1 });
    const [, quoted, bare = "", end] = match;
    row.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    if (end === "") return ok(rows);
    row = [];
  }
}
