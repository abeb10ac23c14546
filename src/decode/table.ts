/** Lines of a table for a terminal: columns stand under each other also where characters are wide. */
import type { FieldTrace } from "#protocols/contract.ts";
import { isText as isTextFrame } from "./frameText.ts";
import { padTo, piecesOf, shown, widthOf } from "./width.ts";
import { headings, phrases, type Language } from "./words.ts";

/** How much of long values is shown. */
export interface TableLimits {
  readonly rawLinesMax: number;
  readonly valueLinesMax: number;
}

export const shortTable: TableLimits = { rawLinesMax: 3, valueLinesMax: 3 };
export const fullTable: TableLimits = { rawLinesMax: Infinity, valueLinesMax: Infinity };

const rawBytesPerLine = 8;
const rawColumnsMax = 3 * rawBytesPerLine - 1;
const rawTextColumnsMax = 32;
const valueColumnsMax = 48;
const gap = "  ";

/** A cell of several lines. */
type Cell = readonly string[];

/** Every field with its bytes, under its headings. */
export function fieldTable(
  bytes: Uint8Array,
  fields: readonly FieldTrace[],
  language: Language,
  limits: TableLimits,
): readonly string[] {
  const names = ["bytes", "raw", "field", "value", "unit"] as const;
  const head = names.map((name) => [headings[name][language]]);
  const isText =
    /^\s*[{[/]/.test(String.fromCharCode(...bytes.subarray(0, 8))) && isTextFrame(bytes);
  let before: FieldTrace | null = null;
  const rows = fields.map((field): readonly Cell[] => {
    const isSame = before !== null && before.from === field.from && before.to === field.to;
    before = field;
    const place = isSame ? [""] : [placeOf(field)];
    const raw = isSame
      ? [""]
      : rawCell(bytes.subarray(field.from, field.to), isText, language, limits);
    const value = valueCell(shown(field.value), language, limits);
    return [place, raw, [shown(field.name)], value, [shown(field.unit ?? "")]];
  });
  return linesOf([head, ...rows]);
}

/** Rows of cells as lines, each column as wide as its widest cell. */
export function linesOf(rows: readonly (readonly Cell[])[]): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    rows.reduce((most, row) => Math.max(most, ...(row[column] ?? []).map(widthOf)), 0),
  );
  return rows.flatMap((row) => {
    const height = Math.max(1, ...row.map((cell) => cell.length));
    return Array.from({ length: height }, (_, line) => {
      const cells = row.map((cell, column) => padTo(cell[line] ?? "", widths[column] ?? 0));
      return cells.join(gap).trimEnd();
    });
  });
}

/** The same, of one-line cells. */
export function plainLines(rows: readonly (readonly string[])[]): readonly string[] {
  return linesOf(rows.map((row) => row.map((text) => [text])));
}

function placeOf({ from, to }: FieldTrace): string {
  return to - from <= 1 ? String(from) : `${from}-${to - 1}`;
}

/** Bytes in hexadecimal; of a frame that is text, its characters. */
function rawCell(part: Uint8Array, isText: boolean, language: Language, limits: TableLimits): Cell {
  const hexDigits = () => Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const text = isText ? shown(Buffer.from(part).toString("utf8")) : hexDigits();
  const pieces = piecesOf(text, isText ? rawTextColumnsMax : rawColumnsMax);
  if (pieces.length <= limits.rawLinesMax + 1) return pieces;
  const kept = pieces.slice(0, limits.rawLinesMax);
  // Of a text it is the characters on the screen that are counted, of bytes their digits and blanks.
  const columns = kept.reduce((sum, piece) => sum + piece.length, 0);
  const left = isText ? text.length - columns : part.length - kept.length * rawBytesPerLine;
  const words = isText ? phrases.moreText : phrases.moreBytes;
  return [...kept, `+${left} ${words[language]}`];
}

function valueCell(text: string, language: Language, { valueLinesMax }: TableLimits): Cell {
  const pieces = piecesOf(text, valueColumnsMax);
  if (pieces.length <= valueLinesMax + 1) return pieces;
  const left = pieces.slice(valueLinesMax).join("").length;
  const more = `+${left} ${phrases.moreText[language]}`;
  return [...pieces.slice(0, valueLinesMax), more];
}
