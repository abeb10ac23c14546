/** Opaque page cursors: the sort key of the last row, base64url of a JSON array. */
import type { Page } from "#ports/queries.ts";
import { QueryError } from "./queryError.ts";

/** A sort key, by its parts. */
export type SortKey = readonly (number | string)[];

/** No cursor of ours is longer; a longer text is not parsed. */
const cursorLengthMax = 512;

export function encodeCursor(key: SortKey): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** The parts of a cursor, of the same types as those of `start`; `start` itself without one. */
export function decodeCursor<Key extends SortKey>(cursor: string | null, start: Key): Key {
  if (cursor === null) return start;
  const key = cursor.length <= cursorLengthMax ? parsed(cursor) : undefined;
  const isLike =
    Array.isArray(key) &&
    key.length === start.length &&
    start.every((part, i) => typeof key[i] === typeof part);
  if (!isLike) throw new QueryError("CURSOR_INVALID", "the cursor is not one that was given out");
  return key as unknown as Key;
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    // Text from outside that is no JSON: the caller makes CURSOR_INVALID of it.
    return undefined;
  }
}

/** Rows of a SELECT that asked for one row more than the limit, as a page. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => SortKey,
): Page<Row> {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    items: rows.slice(0, limit),
    next: last === undefined ? null : encodeCursor(keyOf(last)),
  };
}

/** No answer has more rows, whatever is asked for; the next page continues. */
const answerRowsMax = 10_000;

export function clampLimit(limit: number): number {
  return Math.max(1, Math.min(Math.trunc(limit) || 1, answerRowsMax));
}

/** The same page with each row made into what is shown. */
export function mapPage<From, To>(page: Page<From>, show: (row: From) => To): Page<To> {
  return { items: page.items.map(show), next: page.next };
}
