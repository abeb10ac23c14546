/** A score as people read it: a line a file, and under it what differs and what is counted apart. */
import type { DirectoryScore, FileScore } from "./score.ts";

const differentShownMax = 10;
const charsMax = 120;

export interface PrintOptions {
  /** All that differs, with whole values and frames. */
  readonly isAll: boolean;
}

/** The whole report. */
export function scoreLines(
  { files, unknown }: DirectoryScore,
  options: PrintOptions,
): readonly string[] {
  const width = Math.max(0, ...files.map(({ file }) => file.length));
  return [
    ...files.flatMap((score) => [
      `${score.file.padEnd(width)}  ${summaryOf(score)}`,
      ...differentLines(score, options),
      ...groupedLines(
        "apart",
        score.apart.map(({ id, reason }) => [id, reason]),
      ),
      ...groupedLines(
        "not applicable",
        score.notApplicable.map(({ id, reason }) => [id, reason]),
      ),
      ...score.malformed.map(
        ({ line, trouble }) => `    line ${line} is no row: ${short(trouble)}`,
      ),
    ]),
    ...unknown.map((file) => `${file}  unknown kind, not judged`),
  ];
}

/** Counts of one file. */
export function summaryOf(score: FileScore): string {
  const { encoded, keyed } = score;
  const parts = [
    `${score.rows} rows`,
    `${score.decoded} decoded`,
    `${score.equal} equal (${score.equalValues} values)`,
    `${score.different.length} different`,
    `${score.refusedRightly} refused as they should be`,
    ...(encoded.of === 0 ? [] : [`${encoded.equal}/${encoded.of} encoded byte for byte`]),
    ...(keyed.of === 0
      ? []
      : [
          `${keyed.opened}/${keyed.of} opened with their key`,
          `${keyed.refusedUnderAnother}/${keyed.of} refused under another`,
        ]),
    ...(score.apart.length === 0 ? [] : [`${score.apart.length} values or rows apart`]),
    ...(score.notApplicable.length === 0 ? [] : [`${score.notApplicable.length} not applicable`]),
    ...(score.malformed.length === 0 ? [] : [`${score.malformed.length} malformed`]),
  ];
  return parts.join(", ");
}

function differentLines({ different }: FileScore, { isAll }: PrintOptions): readonly string[] {
  const shown = isAll ? different : different.slice(0, differentShownMax);
  const cut = (text: string) => (isAll ? text : short(text));
  const lines = shown.flatMap(({ id, line, hex, differences }) => [
    `    DIFFERENT ${id} (line ${line})`,
    ...differences.map(
      ({ where, expected, found }) =>
        `      ${where}: expected ${cut(expected)}, found ${cut(found)}`,
    ),
    ...(isAll && hex !== "" ? [`      ${hex}`] : []),
  ]);
  const left = different.length - shown.length;
  return left === 0 ? lines : [...lines, `    and ${left} more: --show-different`];
}

/** Rows under the reason that they share. */
function groupedLines(title: string, pairs: readonly (readonly string[])[]): readonly string[] {
  const byReason = new Map<string, Map<string, number>>();
  for (const [id = "", reason = ""] of pairs) {
    const ids = byReason.get(reason) ?? new Map<string, number>();
    byReason.set(reason, ids.set(id, (ids.get(id) ?? 0) + 1));
  }
  return [...byReason].map(([reason, ids]) => {
    const names = [...ids].map(([id, times]) => (times === 1 ? id : `${id} ×${times}`));
    return `    ${title}: ${reason}: ${names.join(" ")}`;
  });
}

function short(text: string): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}
