/** Every point of the path, so often each; who wants the close and how its valve behaves go in turn. */
import { chanceOf } from "../support/random.ts";
import { causes, playStory, storyValves } from "./story.ts";

export interface CrashReport {
  /** Points of the longest story, by name and place in it. */
  readonly points: number;
  /** Kinds of points: before and after which act. */
  readonly kinds: readonly string[];
  readonly runs: number;
  readonly crashes: number;
  readonly wrongs: readonly string[];
}

export interface CrashOptions {
  /** Runs for each point. */
  readonly runs: number;
  readonly seed: number;
  /** Only so many points of each story, spread over it; null: all. */
  readonly pointsMax: number | null;
  /** Of the runs only every so many-th, for programs side by side; absent: all. */
  readonly share?: { readonly no: number; readonly of: number };
  readonly say?: (line: string) => void;
}

const wrongsMax = 20;

export function runCrashes(options: CrashOptions): CrashReport {
  const { runs, seed, pointsMax, share = { no: 0, of: 1 }, say } = options;
  const kinds = new Set<string>();
  const wrongs: string[] = [];
  let points = 0;
  let played = 0;
  let crashes = 0;
  for (let run = share.no; run < runs; run += share.of) {
    const cause = causes[run % causes.length] ?? "leak";
    const valve = storyValves[Math.floor(run / causes.length) % storyValves.length] ?? "obeys";
    const storySeed = seed * 1_000 + run;
    const whole = playStory(cause, valve, storySeed, -1);
    for (const wrong of whole.wrongs) wrongs.push(`${cause} ${valve} without a crash: ${wrong}`);
    for (const point of whole.points) kinds.add(point);
    points = Math.max(points, whole.points.length);
    for (const crashAt of chosen(whole.points.length, pointsMax, storySeed)) {
      const { crashed, wrongs: found } = playStory(cause, valve, storySeed, crashAt);
      played += 1;
      if (crashed) crashes += 1;
      const name = `${cause} ${valve} seed ${storySeed} at ${crashAt} ${whole.points[crashAt]}`;
      for (const wrong of found) if (wrongs.length < wrongsMax) wrongs.push(`${name}: ${wrong}`);
    }
    say?.(
      `run ${run + 1} of ${runs}: ${cause} ${valve}, ${whole.points.length} points, all crashed`,
    );
  }
  return { points, kinds: [...kinds].toSorted(), runs: played, crashes, wrongs };
}

/** What several programs saw, as one. */
export function sumOfCrashes(reports: readonly CrashReport[]): CrashReport {
  const sum = (field: "runs" | "crashes") =>
    reports.reduce((total, report) => total + report[field], 0);
  return {
    points: Math.max(...reports.map(({ points }) => points)),
    kinds: [...new Set(reports.flatMap(({ kinds }) => kinds))].toSorted(),
    runs: sum("runs"),
    crashes: sum("crashes"),
    wrongs: reports.flatMap(({ wrongs }) => wrongs),
  };
}

function chosen(points: number, max: number | null, seed: number): readonly number[] {
  const all = Array.from({ length: points }, (_, at) => at);
  if (max === null || max >= points) return all;
  const chance = chanceOf(seed);
  return Array.from({ length: max }, () => chance.whole(0, points - 1));
}
