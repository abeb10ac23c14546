/** How a column's bytes begin, for whoever reads all of its rows and whoever reads some. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { readIntegers } from "./byteWriter.ts";

export const shapes = ["plain", "delta", "deltaOfDelta", "runs"] as const;

/** Bits of the form byte: 0..1 which rows have a value, 2..3 the shape, then these. */
export const form = {
  some: 1,
  none: 2,
  shapeShift: 2,
  sloped: 16,
  flat: 32,
  relative: 64,
} as const;

/** What is taken off the column's own values before they are written: what another column lets expect. */
export interface Reference {
  /** The values are differences to another column, or to a share of it. */
  readonly relative: boolean;
  /** The share: what is expected of a row is how far the other column's value lies above its first, times this. */
  readonly slope: Slope | null;
}

/** A ratio of safe integers. */
export interface Slope {
  readonly rise: number;
  readonly run: number;
}

export const noReference: Reference = { relative: false, slope: null };

export interface ColumnForm {
  readonly reference: Reference;
  readonly shape: (typeof shapes)[number];
  /** No row has a value, and nothing follows. */
  readonly isNone: boolean;
  /** Every value is the base. */
  readonly isFlat: boolean;
  /** Which rows have a value; null: all. */
  readonly bitmap: Uint8Array | null;
  /** Where the base stands. */
  readonly baseAt: number;
}

/** What stands in front of a column's values. */
export function readForm(bytes: Uint8Array, count: number): Result<ColumnForm, ReadingFault> {
  const head = bytes[0];
  if (head === undefined) return fail({ kind: "truncated", what: "column" });
  const relative = (head & form.relative) !== 0;
  const isNone = (head & form.none) !== 0;
  const isSloped = (head & form.sloped) !== 0;
  const isKnown = isNone
    ? (head & ~(form.none | form.relative)) === 0
    : head < 0x80 && (relative || !isSloped);
  if (!isKnown) return fail({ kind: "unexpectedValue", what: "column form" });
  if (isNone && bytes.length > 1) return fail({ kind: "trailingBytes", what: "column" });
  const slope = isSloped ? readSlope(bytes) : null;
  if (slope !== null && slope.endAt < 0) return fail({ kind: "truncated", what: "slope" });
  if (slope !== null && slope.run <= 0) return fail({ kind: "unexpectedValue", what: "slope" });
  const bitmapAt = slope?.endAt ?? 1;
  const hasBitmap = (head & form.some) !== 0;
  const baseAt = bitmapAt + (hasBitmap ? Math.ceil(count / 8) : 0);
  if (bytes.length < baseAt) return fail({ kind: "truncated", what: "bitmap" });
  return ok({
    reference: relative ? { relative, slope } : noReference,
    shape: shapes[(head >> form.shapeShift) & 3] ?? "plain",
    isNone,
    isFlat: (head & form.flat) !== 0,
    bitmap: hasBitmap ? bytes.subarray(bitmapAt, baseAt) : null,
    baseAt,
  });
}

function readSlope(bytes: Uint8Array): Slope & { readonly endAt: number } {
  const ratio = new Float64Array(2);
  const endAt = readIntegers(bytes, 1, ratio, 0, 2);
  return { rise: ratio[0] ?? 0, run: ratio[1] ?? 0, endAt };
}
