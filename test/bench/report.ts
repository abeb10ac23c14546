/** What a run has to say, and the middle of several runs. */

/** Printed as one JSON line. */
export type Report = Readonly<Record<string, unknown>>;

/** Of these the worst run counts, for one loss in three runs is a loss. */
const worstOf = new Set(["lost", "missed", "failed", "exitCode"]);

/** Line by line over the runs: the median of each figure; what is no figure is taken from the first run. */
export function medianReports(runs: readonly (readonly Report[])[]): readonly Report[] {
  const [first = []] = runs;
  if (runs.length <= 1) return first;
  return first.map((_line, place) => {
    const sameLine = runs.map((lines) => lines[place]);
    return { ...(middle("", sameLine) as Report), runs: runs.length };
  });
}

function middle(name: string, values: readonly unknown[]): unknown {
  const [first] = values;
  if (typeof first === "number") {
    const sorted = values.map(Number).sort((one, other) => one - other);
    return worstOf.has(name) ? sorted.at(-1) : sorted[sorted.length >> 1];
  }
  if (typeof first !== "object" || first === null) return first;
  const names = Object.keys(first);
  const members = names.map((member) => [
    member,
    middle(
      member,
      values.map((value) => (value as Report)[member]),
    ),
  ]);
  return Object.fromEntries(members);
}
