/** The score of a file, and of every file of a directory. A row never stops the run. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { kindOf, kinds, type Kind } from "./kinds.ts";
import { isMalformed, readRows, type Malformed, type Row } from "./rows.ts";
import { difference, judgement, type Apart, type Difference, type Judgement } from "./verdict.ts";

/** A row that is not as it should be. */
export interface DifferentRow {
  readonly id: string;
  readonly line: number;
  readonly hex: string;
  readonly differences: readonly Difference[];
}

/** What is said of one file. */
export interface FileScore {
  readonly file: string;
  readonly kind: Kind;
  readonly rows: number;
  readonly decoded: number;
  /** Rows of which nothing differs and something was compared. */
  readonly equal: number;
  readonly equalValues: number;
  readonly different: readonly DifferentRow[];
  readonly refusedRightly: number;
  /** Vectors that were written byte for byte. */
  readonly encoded: { readonly equal: number; readonly of: number };
  readonly keyed: {
    readonly of: number;
    readonly opened: number;
    readonly refusedUnderAnother: number;
  };
  readonly apart: readonly (Apart & { readonly id: string; readonly line: number })[];
  readonly notApplicable: readonly {
    readonly id: string;
    readonly line: number;
    readonly reason: string;
  }[];
  readonly malformed: readonly Malformed[];
}

/** What is said of a directory. */
export interface DirectoryScore {
  readonly files: readonly FileScore[];
  /** Files that hold rows of no kind that we know. */
  readonly unknown: readonly string[];
}

/** Every `*.jsonl` of a directory, or those of one kind. */
export function scoreDirectory(directory: string, only?: Kind): DirectoryScore {
  const names = readdirSync(directory)
    .filter((name) => name.endsWith(".jsonl"))
    .toSorted();
  const unknown = names.filter((name) => kindOf(name) === undefined);
  const files = names.flatMap((name) => {
    const kind = kindOf(name);
    const isAsked = kind !== undefined && (only === undefined || only === kind);
    return isAsked ? [scoreFile(path.join(directory, name), kind)] : [];
  });
  return { files, unknown };
}

/** One file, of this kind whatever its name. */
export function scoreFile(file: string, kind: Kind): FileScore {
  const lines = readRows(file);
  const rows = lines.filter((one): one is Row => !isMalformed(one));
  const malformed = lines.filter(isMalformed);
  const judge = makeJudge(kind, rows);
  const judged = rows.map((row) => ({ row, verdict: judgeSafely(judge, row) }));
  const verdicts = judged.map(({ verdict }) => verdict);
  const keyed = verdicts.flatMap((one) => one.keyed ?? []);
  const asked = verdicts.flatMap((one) => one.isEncoded ?? []);
  const count = (fits: (one: Judgement) => boolean) => verdicts.filter(fits).length;
  return {
    file: path.basename(file),
    kind,
    rows: lines.length,
    decoded: count((one) => one.isDecoded),
    equal: count((one) => one.differences.length === 0 && one.equalValues > 0),
    equalValues: verdicts.reduce((sum, one) => sum + one.equalValues, 0),
    different: judged.flatMap(({ row, verdict }) => different(row, verdict)),
    refusedRightly: count((one) => one.isRefusedRightly),
    encoded: { equal: asked.filter(Boolean).length, of: asked.length },
    keyed: {
      of: keyed.length,
      opened: keyed.filter(({ isOpened }) => isOpened).length,
      refusedUnderAnother: keyed.filter((one) => one.isRefusedUnderAnother).length,
    },
    apart: judged.flatMap(({ row: { id, line }, verdict }) =>
      verdict.apart.map((one) => ({ id, line, ...one })),
    ),
    notApplicable: judged.flatMap(({ row: { id, line }, verdict: { notApplicable: reason } }) =>
      reason === null ? [] : [{ id, line, reason }],
    ),
    malformed,
  };
}

type Judge = (row: Row) => Judgement;

/** What the whole file teaches may fail over one row of it: then each row stands for itself. */
function makeJudge(kind: Kind, rows: readonly Row[]): Judge {
  try {
    return kinds[kind](rows);
  } catch {
    return (row) => kinds[kind]([row])(row);
  }
}

/** A judge that fails over a hostile row has not seen it right: that is a difference, and the run goes on. */
function judgeSafely(judge: Judge, row: Row): Judgement {
  try {
    const verdict = judge(row);
    return row.disputed === true ? disputed(verdict) : verdict;
  } catch (cause) {
    const found = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return judgement({ differences: [difference("judge", "an answer", found)] });
  }
}

/** By the standard, not by the row: what differs from it is told and not counted. */
function disputed(verdict: Judgement): Judgement {
  const { differences, apart } = verdict;
  const told = differences.map(({ where, expected, found }) => ({
    where,
    reason: `disputed: the row says ${expected}, we say ${found}`,
  }));
  const whole = { where: "*", reason: "disputed by its publisher" };
  return {
    ...verdict,
    differences: [],
    apart: [...apart, ...(told.length === 0 ? [whole] : told)],
  };
}

/** A frame that opens under a wrong key is as wrong as a value. */
function different({ id, line, hex }: Row, { differences, keyed }: Judgement): DifferentRow[] {
  const isKeyWrong = keyed !== null && !(keyed.isOpened && keyed.isRefusedUnderAnother);
  const all = isKeyWrong
    ? [...differences, difference("another key", "refused", keyed)]
    : differences;
  return all.length === 0 ? [] : [{ id, line, hex, differences: all }];
}
