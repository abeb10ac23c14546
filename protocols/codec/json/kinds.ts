/** The kinds of value that JSON v1 knows. Each reads itself from a cursor and writes itself as text. */
import type { VolumeRegister } from "#domain/telegram.ts";
import { formatInstant, volumeFromCount, type TimestampMs } from "#domain/units.ts";
import { printDecimal, scaleDecimal, wholeNumber, type Decimal } from "../decimal.ts";
import { refuse, sameBytes, skipSpace, spanText, take, takeString, type Cursor } from "./cursor.ts";
import { epochInstant, isNumberHere, readNumber, spanDecimal, spanInstant } from "./numbers.ts";

/** A kind of JSON value: how it is read, written and shown. */
export interface Kind<Value> {
  /** The value at the cursor; undefined when there is none, with the fault on the cursor. */
  read(cursor: Cursor, name: string): Value | undefined;
  write(value: Value): string;
  readonly unit: string | null;
  /** Its parts are traced one by one instead of the whole. */
  readonly isContainer: boolean;
}

/** Decimals of a JSON number; a string may have more, because it is exact. */
const numberDecimalsMax = 3;

/** A whole number in the safe range. */
export function integer(unit: string | null = null): Kind<number> {
  return leaf(unit, String, (cursor, name) => {
    if (!isNumberHere(cursor)) return refuse(cursor, name, "not a number");
    const decimal = readNumber(cursor, name);
    if (decimal === undefined) return undefined;
    return wholeNumber(decimal) ?? refuse(cursor, name, "not a whole number in the safe range");
  });
}

/** A whole number that is not negative. */
export const natural = checked(integer(), (value) => value >= 0, "negative");

/** This number and no other. */
export function exactly(only: number): Kind<number> {
  return checked(integer(), (value) => value === only, `not ${only}`);
}

/** A register in cubic metres: a decimal that is a whole number of millilitres. */
export const register: Kind<VolumeRegister> = leaf(
  "m³",
  (value) => `"${printDecimal(value)}"`,
  (cursor, name) => {
    const value = readDecimal(cursor, name);
    if (value === undefined) return undefined;
    const ml = volumeFromCount(value.count, value.exponent);
    if (ml === undefined) return refuse(cursor, name, "not millilitres in the safe range");
    return { ml, count: value.count, exponent: value.exponent };
  },
);

/** A decimal in units of `10^-decimals`, rounded: never for a register. */
export function scaled(unit: string, decimals: number): Kind<number> {
  const write = (count: number) => `"${printDecimal({ count, exponent: -decimals })}"`;
  return leaf(unit, write, (cursor, name) => {
    const value = readDecimal(cursor, name);
    if (value === undefined) return undefined;
    return scaleDecimal(value, decimals) ?? refuse(cursor, name, "too large");
  });
}

function readDecimal(cursor: Cursor, name: string): Decimal | undefined {
  if (takeString(cursor, name)) return spanDecimal(cursor, name);
  if (!isNumberHere(cursor)) return refuse(cursor, name, "not a decimal");
  const value = readNumber(cursor, name);
  if (value !== undefined && value.exponent < -numberDecimalsMax) {
    return refuse(cursor, name, "a number with more than 3 decimals; send a string");
  }
  return value;
}

/** RFC 3339 with an offset, or epoch milliseconds; null: no such time. Written as RFC 3339. */
export const instant: Kind<TimestampMs | null> = leaf(
  null,
  (value) => (value === null ? "null" : `"${formatInstant(value)}"`),
  (cursor, name) => {
    if (takeString(cursor, name)) return spanInstant(cursor, name);
    const epochMs = integer().read(cursor, name);
    return epochMs === undefined ? undefined : epochInstant(epochMs);
  },
);

/** Free text of 1 to `charsMax` characters. */
export function text(charsMax: number): Kind<string> {
  return leaf(null, JSON.stringify, (cursor, name) => {
    if (!takeString(cursor, name)) return refuse(cursor, name, "not a string");
    const value = spanText(cursor);
    const fits = value.length >= 1 && value.length <= charsMax;
    return fits ? value : refuse(cursor, name, `not 1 to ${charsMax} characters`);
  });
}

/** One of a closed list; `otherwise` stands for words that are not in it, where that is harmless. */
export function oneWord<const Word extends string>(
  words: readonly Word[],
  otherwise?: NoInfer<Word>,
): Kind<Word> {
  const find = wordFinder(words);
  return leaf(null, JSON.stringify, (cursor, name) => {
    if (!takeString(cursor, name)) return refuse(cursor, name, "not a string");
    return find(cursor) ?? otherwise ?? refuse(cursor, name, `not one of ${words.join(", ")}`);
  });
}

/** A list of words. Words that we do not know are passed over, so that they cannot hide one we do. */
export function words<Word extends string>(
  known: readonly Word[],
  max: number,
): Kind<readonly Word[]> {
  const find = wordFinder(known);
  return leaf(null, JSON.stringify, (cursor, name) => {
    const found: Word[] = [];
    const readOne = () => {
      if (!takeString(cursor, name)) return refuse(cursor, name, "not a string");
      const word = find(cursor);
      if (word !== undefined) found.push(word);
      return true;
    };
    return readItems(cursor, name, max, readOne) ? found : undefined;
  });
}

/** A list of at most `max` containers. */
export function listOf<Value>(item: Kind<Value>, max: number): Kind<readonly Value[]> {
  return {
    unit: null,
    isContainer: true,
    write: (values) => `[${values.map((value) => item.write(value)).join(",")}]`,
    read(cursor, name) {
      const values: Value[] = [];
      const readOne = () => {
        const value = item.read(cursor, `${name}[${values.length}]`);
        if (value !== undefined) values.push(value);
        return value !== undefined;
      };
      return readItems(cursor, name, max, readOne) ? values : undefined;
    },
  };
}

function checked(
  kind: Kind<number>,
  isRight: (value: number) => boolean,
  problem: string,
): Kind<number> {
  return leaf(kind.unit, String, (cursor, name) => {
    const value = kind.read(cursor, name);
    return value === undefined || isRight(value) ? value : refuse(cursor, name, problem);
  });
}

/** A kind of value that is traced as a whole. */
export function leaf<Value>(
  unit: string | null,
  write: (value: Value) => string,
  read: Kind<Value>["read"],
): Kind<Value> {
  return { read, write, unit, isContainer: false };
}

function wordFinder<Word extends string>(known: readonly Word[]) {
  const table = known.map((word) => ({ word, bytes: Buffer.from(word) }));
  return ({ span, spanFrom, spanTo }: Cursor): Word | undefined => {
    for (const { word, bytes } of table) {
      if (sameBytes(span, spanFrom, spanTo, bytes)) return word;
    }
    return undefined;
  };
}

const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

function readItems(
  cursor: Cursor,
  name: string,
  max: number,
  readOne: () => boolean | undefined,
): boolean {
  if (!take(cursor, openBracket)) return refuse(cursor, name, "not a list") ?? false;
  skipSpace(cursor);
  if (take(cursor, closeBracket)) return true;
  for (let count = 1; ; count += 1) {
    if (count > max) return refuse(cursor, name, `more than ${max} entries`) ?? false;
    skipSpace(cursor);
    if (readOne() !== true) return false;
    skipSpace(cursor);
    if (take(cursor, closeBracket)) return true;
    if (!take(cursor, comma)) return refuse(cursor, name, "no comma between entries") ?? false;
  }
}
