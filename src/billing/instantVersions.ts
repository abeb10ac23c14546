/** What was said of one instant: whose meter said it, which of it counts, and what is still to be settled. */
import type { MeterExchange, RegisterDecision, RegisterReading } from "#domain/billing.ts";
import type { Quality } from "#domain/reading.ts";

/** By persons, of the metering point. */
interface Said {
  readonly exchanges: readonly MeterExchange[];
  readonly decisions: readonly RegisterDecision[];
}

interface SaidThen {
  readonly versions: readonly RegisterReading[];
  readonly decision: RegisterDecision | undefined;
  readonly billedMl: number | undefined;
}

/**
 * A new meter gives out its memory of days on which it did not hang there yet: told after the exchange, at most the
 * register that it was put up with. It is nothing that the former meter said.
 */
export function ownVersions<Reading extends RegisterReading>(
  versions: readonly Reading[],
  atMs: number,
  exchanges: readonly MeterExchange[],
): readonly Reading[] {
  return versions.filter(
    ({ indexMl, receivedAtMs }) =>
      !exchanges.some(
        (exchange) =>
          exchange.atMs > atMs &&
          receivedAtMs > exchange.atMs &&
          (indexMl ?? Infinity) <= exchange.openingMl,
      ),
  );
}

/**
 * Of one instant what its own meter said; null: only another meter's memory contradicted it, or a person has decided,
 * so there is nothing to settle.
 */
export function openVersions<Reading extends RegisterReading>(
  versions: readonly Reading[],
  atMs: number,
  { exchanges, decisions }: Said,
): readonly Reading[] | null {
  const own = ownVersions(versions, atMs, exchanges);
  const decision = decisions.findLast(({ measuredAtMs }) => measuredAtMs === atMs);
  const { isConflict } = countingRegister({ versions: own, decision, billedMl: undefined });
  // Where less can be read than once was, it is not for us to say that there is no conflict.
  return isConflict || own.length === versions.length ? own : null;
}

/** A register that counts at its instant, and whether a person said so. */
export interface Counting {
  readonly indexMl: number;
  readonly quality: Quality;
  readonly isDecided: boolean;
}

/**
 * Rank of what no person has decided. What the engine thought of a reading is none: a late one it never judged, and
 * what counts may not depend on which of two came first.
 */
const rank: Readonly<Record<Quality, number>> = {
  estimated: 0,
  suspect: 1,
  raw: 1,
  validated: 1,
  edited: 2,
};

/**
 * Which version counts: a person's word (what came after it and differs is a conflict again), else the one that a
 * bill was made with, else the highest rank where one alone has it. Of two equals neither does: the register is then
 * found from its neighbours, and flagged.
 */
export function countingRegister(instant: SaidThen): {
  readonly counts: Counting | null;
  readonly isConflict: boolean;
} {
  const { versions, decision, billedMl } = instant;
  if (decision !== undefined) {
    const { indexMl, kind, enteredAtMs } = decision;
    const isOpenAgain = versions.some(
      (version) => version.receivedAtMs > enteredAtMs && version.indexMl !== indexMl,
    );
    return { counts: { indexMl, quality: kind, isDecided: true }, isConflict: isOpenAgain };
  }
  const [single] = versions;
  if (versions.length === 1 && single !== undefined && single.indexMl !== null) {
    const { indexMl, quality } = single;
    return { counts: { indexMl, quality, isDecided: false }, isConflict: false };
  }
  const best = new Map<number, Quality>();
  for (const { indexMl, quality } of versions) {
    if (indexMl === null) continue;
    const known = best.get(indexMl);
    if (known === undefined || rank[quality] > rank[known]) best.set(indexMl, quality);
  }
  const isConflict = best.size > 1;
  const as = (indexMl: number, quality: Quality) => ({
    counts: { indexMl, quality, isDecided: false },
    isConflict,
  });
  const [only] = best;
  if (only !== undefined && !isConflict) return as(...only);
  if (billedMl !== undefined && best.has(billedMl)) return as(billedMl, "validated");
  const highest = Math.max(...[...best.values()].map((quality) => rank[quality]));
  const [first, ...others] = [...best].filter(([, quality]) => rank[quality] === highest);
  const isAlone = first !== undefined && others.length === 0;
  return isAlone ? as(...first) : { counts: null, isConflict };
}
