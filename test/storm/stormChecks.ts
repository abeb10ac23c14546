/** What the breaker promised, held against the ledger's file and the meters' own counters. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { dayMs, minuteMs } from "#domain/units.ts";
import type { Sleeper } from "../sleepy/sleeper.ts";

export interface StormFindings {
  /** Closes that automation let go, and what it held. */
  authorised: number;
  held: number;
  /** The most in any window, by the ledger and by the meters' motors. */
  worstInTenMinutes: number;
  worstInDay: number;
  worstMotorsInTenMinutes: number;
  readonly firstHoldAtMs: number | null;
  readonly violations: string[];
  readonly facts: Record<string, unknown>;
}

interface CloseRow {
  readonly id: string;
  readonly meterId: string;
  readonly area: string;
  readonly state: string;
  readonly authorisedAtMs: number | null;
  readonly heldAtMs: number | null;
}

/** As the documents promise it, written down here once more. */
const limits = { tenMinutes: 5, day: 20, metersPerClose: 1_000, least: 3 } as const;
/** Between the decision and the motor lie milliseconds; more means that a kill lay between. */
const atOnceMs = minuteMs;

/** Compares the ledger of a stopped service with the limits and with what the meters counted. */
export function checkStorm(
  dataDir: string,
  areas: Readonly<Record<string, readonly Sleeper[]>>,
): StormFindings {
  const sleepers = Object.values(areas).flat();
  const rows = readCloses(dataDir);
  const violations: string[] = [];
  const authorised = rows.filter(({ authorisedAtMs }) => authorisedAtMs !== null);
  const held = rows.filter(({ state }) => state === "held");
  const groups: readonly (readonly [string, number, readonly CloseRow[]])[] = [
    ["the fleet", sleepers.length, authorised],
    ...Object.entries(areas).map(
      ([area, { length }]) =>
        [area, length, authorised.filter((row) => row.area === area)] as const,
    ),
  ];
  for (const [name, count, closes] of groups) {
    const times = closes.map(({ authorisedAtMs }) => authorisedAtMs ?? 0);
    const share = Math.max(limits.least, Math.floor(count / limits.metersPerClose));
    const dayMax = Math.min(limits.day, share);
    const [inTen, inDay] = [mostWithin(times, 10 * minuteMs), mostWithin(times, dayMs)];
    if (inTen > limits.tenMinutes) violations.push(`${name}: ${inTen} closes in 10 minutes`);
    if (inDay > dayMax) violations.push(`${name}: ${inDay} closes in a day, ${dayMax} allowed`);
  }
  const motors = checkMotors(sleepers, rows, violations);
  const times = authorised.map(({ authorisedAtMs }) => authorisedAtMs ?? 0);
  const holds = rows.flatMap(({ heldAtMs }) => heldAtMs ?? []);
  return {
    authorised: authorised.length,
    held: held.length,
    worstInTenMinutes: mostWithin(times, 10 * minuteMs),
    worstInDay: mostWithin(times, dayMs),
    worstMotorsInTenMinutes: motors,
    firstHoldAtMs: holds.length === 0 ? null : Math.min(...holds),
    violations,
    facts: {
      // Refused: told so late that it was asked again by the next report.
      wishes: rows.filter(({ state }) => state !== "refused").length,
      states: countStates(rows),
    },
  };
}

/** The most of these instants in any window that is open at its beginning. */
export function mostWithin(timesMs: readonly number[], windowMs: number): number {
  const sorted = timesMs.toSorted((one, other) => one - other);
  let from = 0;
  let most = 0;
  for (const [place, atMs] of sorted.entries()) {
    while ((sorted[from] ?? 0) <= atMs - windowMs) from += 1;
    most = Math.max(most, place - from + 1);
  }
  return most;
}

/** Each motor ran once at most, for a close that was let go; together no more often than the breaker allows. */
function checkMotors(
  sleepers: readonly Sleeper[],
  rows: readonly CloseRow[],
  violations: string[],
): number {
  // A meter that tells again is refused again; what counts is whether it was ever let go.
  const letGo = rows.filter(({ authorisedAtMs }) => authorisedAtMs !== null);
  const byMeter = new Map(letGo.map((row) => [row.meterId, row]));
  const times: number[] = [];
  for (const { meter, arrivals } of sleepers) {
    if (meter.movements > 1) violations.push(`${meter.id}: ${meter.movements} movements`);
    const [first] = arrivals;
    if (first === undefined) continue;
    const authorisedAtMs = byMeter.get(meter.id)?.authorisedAtMs ?? null;
    if (authorisedAtMs === null) violations.push(`${meter.id} closed without a decision`);
    else if (first.atMs - authorisedAtMs <= atOnceMs) times.push(first.atMs);
  }
  const most = mostWithin(times, 10 * minuteMs);
  if (most > limits.tenMinutes) violations.push(`${most} motors ran in 10 minutes`);
  return most;
}

function countStates(rows: readonly CloseRow[]): Readonly<Record<string, number>> {
  const states: Record<string, number> = {};
  for (const { state } of rows) states[state] = (states[state] ?? 0) + 1;
  return states;
}

function readCloses(dataDir: string): readonly CloseRow[] {
  const db = new DatabaseSync(join(dataDir, "ledger.sqlite"), { readOnly: true });
  try {
    const at = (state: string) =>
      `(SELECT min(at) FROM command_transition WHERE command_id = c.id AND state = '${state}')`;
    const rows = db.prepare(
      `SELECT c.id, meter.id AS meterId, area, state, ${at("authorised")} AS authorisedAtMs,
         ${at("held")} AS heldAtMs
       FROM command AS c JOIN meter ON meter.no = meter_no WHERE action = 'close' ORDER BY c.id`,
    );
    return rows.all() as unknown as readonly CloseRow[];
  } finally {
    db.close();
  }
}
