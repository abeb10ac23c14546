/** The city of the closed loop: which meter sleeps how, what it speaks, and which of them leak when. */
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { simulatedProtocols, type SimulatedProtocol } from "#simulators/codec.ts";
import { seededRng } from "#simulators/rng.ts";

/**
 * How a meter is reached. `listening`: connected all the time. `hourly`, `daily`: asleep between its reports, and woken
 * by what its detector sees. `dailyOnly`: nothing wakes it but its clock, and it makes no report after its motor ran.
 */
export const sleepHabits = {
  listening: { periodMs: 30 * minuteMs, share: 0.02, hasEvents: true },
  hourly: { periodMs: hourMs, share: 0.08, hasEvents: true },
  daily: { periodMs: dayMs, share: 0.8, hasEvents: true },
  dailyOnly: { periodMs: dayMs, share: 0.1, hasEvents: false },
} as const;
export type SleepHabit = keyof typeof sleepHabits;
const habitNames = Object.keys(sleepHabits) as readonly SleepHabit[];

/** What the radio does to uplinks and orders. */
export const air = Object.freeze({
  lostShare: 0.01,
  twiceShare: 0.003,
  twiceAfterMsMax: 5 * minuteMs,
  delayedShare: 0.01,
  delayMsMax: 30 * minuteMs,
  /** Narrow-band radio: seconds each way. */
  usualDelayMsMax: 5 * secondMs,
  retryAfterMs: 30 * secondMs,
  retriesMax: 5,
  /** A sleeping meter listens so long after its report was taken. */
  listenMs: 15 * secondMs,
  /** Of the daily reports of JSON and protobuf meters so many bring 24 hours and 5 midnights along. */
  backFillShare: 0.2,
  /** Of the leaks so many begin while nobody in the area is heard. */
  outageShare: 0.03,
  outageMsMax: 2 * hourMs,
});

/** The meters that do not leak are taken together in steps of so much of the city's time. */
export const slotMs = 5 * minuteMs;
export const metersPerArea = 1_000;
export const loopStartMs = Date.UTC(2026, 10, 10);
/** A day of peace first, and at the end the time that the slowest needs. */
const daysWithoutLeaks = 5;
/** Within the breaker's twenty a day, with room for what shares a window by chance. */
const leaksPerDayMax = 15;

export interface LoopPlan {
  readonly meters: number;
  readonly days: number;
  readonly seed: number;
}

export interface PlannedMeter {
  /** Row number in the ledger. */
  readonly no: number;
  readonly habit: SleepHabit;
  readonly protocol: SimulatedProtocol;
  readonly offsetMs: number;
}

export interface PlannedLeak {
  readonly meter: PlannedMeter;
  readonly atMs: number;
  /** Nobody in its area is heard meanwhile. */
  readonly outage: { readonly fromMs: number; readonly untilMs: number } | null;
}

/** The same seed is the same meter. */
export function plannedMeter(seed: number, no: number): PlannedMeter {
  const rng = seededRng(seed, 1, no);
  const habit = habitAt(rng.next());
  return {
    no,
    habit,
    protocol: simulatedProtocols[no % simulatedProtocols.length] ?? "json",
    offsetMs: Math.floor((rng.next() * sleepHabits[habit].periodMs) / secondMs) * secondMs,
  };
}

function habitAt(share: number): SleepHabit {
  let left = share;
  for (const name of habitNames) {
    left -= sleepHabits[name].share;
    if (left < 0) return name;
  }
  return "daily";
}

/** No leak would be over within its days, or the city has not a meter of its own for each of its leaks. */
export class PlanTooSmallError extends Error {
  override readonly name = "PlanTooSmallError";
  readonly code = "PLAN_TOO_SMALL";
}

/** Spread over the days; every protocol and habit in turn, so that each is measured as often. */
export function planLeaks(plan: LoopPlan): readonly PlannedLeak[] {
  const { meters, days, seed } = plan;
  if (!(days >= daysWithoutLeaks + 1)) {
    throw new PlanTooSmallError(
      `${days} days are too few for a leak: at least ${daysWithoutLeaks + 1}`,
    );
  }
  const metersMin = leastMeters(plan);
  if (!(meters >= metersMin)) {
    const why = "each leak has a meter of its own, of each protocol and sleep habit in turn";
    const least = `at least ${metersMin}`;
    throw new PlanTooSmallError(
      `${meters} meters are too few for ${days} days: ${least}, for ${why}`,
    );
  }
  const rng = seededRng(seed, 2);
  const taken = new Set<number>();
  const everyMs = dayMs / leaksPerDay(meters);
  return wantedKinds(plan).map(({ protocol, habit }, turn) => {
    let meter = plannedMeter(seed, rng.whole(1, meters));
    while (taken.has(meter.no) || meter.protocol !== protocol || meter.habit !== habit) {
      meter = plannedMeter(seed, rng.whole(1, meters));
    }
    taken.add(meter.no);
    const middleMs = loopStartMs + dayMs + (turn + 0.5) * everyMs;
    const atMs = Math.floor(middleMs + rng.between(-0.3, 0.3) * everyMs);
    const isOut = rng.chance(air.outageShare);
    const fromMs = atMs - rng.between(0, air.outageMsMax / 2);
    const untilMs = atMs + rng.between(minuteMs, air.outageMsMax / 2);
    return { meter, atMs, outage: isOut ? { fromMs, untilMs } : null };
  });
}

/** From so many meters on every leak of the plan finds its meter; a larger city has more leaks. */
function leastMeters(plan: LoopPlan): number {
  for (let meters = Math.max(1, plan.meters || 0); ;) {
    const needed = metersWith(wantedKinds({ ...plan, meters }), plan.seed);
    if (needed <= meters) return needed;
    meters = needed;
  }
}

/** How many of the first meters hold all of these kinds, each as often as it is wanted. */
function metersWith(wanted: readonly MeterKind[], seed: number): number {
  const missing = new Map<string, number>();
  for (const kind of wanted) missing.set(nameOf(kind), (missing.get(nameOf(kind)) ?? 0) + 1);
  let no = 0;
  while (missing.size > 0) {
    no += 1;
    const name = nameOf(plannedMeter(seed, no));
    const count = (missing.get(name) ?? 0) - 1;
    if (count > 0) missing.set(name, count);
    else missing.delete(name);
  }
  return no;
}

type MeterKind = Pick<PlannedMeter, "protocol" | "habit">;

function nameOf({ protocol, habit }: MeterKind): string {
  return `${protocol}, ${habit}`;
}

function leaksPerDay(meters: number): number {
  return Math.min(leaksPerDayMax, Math.max(2, Math.floor(meters / 1_000) - 1));
}

/** Of each leak's meter, in the order of the leaks. */
function wantedKinds({ meters, days }: LoopPlan): readonly MeterKind[] {
  const leaks = (days - daysWithoutLeaks) * leaksPerDay(meters);
  const kinds = habitNames.flatMap((habit) =>
    simulatedProtocols.map((protocol) => ({ protocol, habit })),
  );
  return Array.from({ length: leaks }, (_, turn) => kinds[turn % kinds.length]).filter(
    (kind) => kind !== undefined,
  );
}

/** 14 digits, for frames of CJ/T 188. */
export function addressOf(no: number): string {
  return `3306${String(no).padStart(10, "0")}`;
}
