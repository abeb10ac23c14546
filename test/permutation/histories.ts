/** Histories of meters by chance, in which every rule of the pack has its turn within a few days. */
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import type { Chance } from "../support/random.ts";
import { jsonBytes } from "../support/engine.ts";

/** Late data within the window of a week is folded again; the histories stay inside it. */
export const historyMs = 5 * dayMs;

const none = { sizes: {}, siteClasses: {}, areas: {}, meters: {} };
const own = { priority: 3, offDelayMinutes: 0, asksForClose: false, only: {} } as const;

/** Thresholds of days instead of months, delays on some rules, and two rules of one's own. */
export const hastyRules: RuleDocument = {
  ...none,
  ...{ version: "hasty", hash: "hasty" },
  all: {
    R2: { deadBandShare: 0.1 },
    R3: { armAfterDays: 1, bucketDays: 2, onDelayMinutes: 45, deadBandShare: 0.1 },
    R4: { armAfterDays: 1, bucketDays: 2 },
    R5: { smallHoursMax: 3, middleHoursMax: 2, smallIntervalsMin: 3, middleIntervalsMin: 2 },
    R6: { warnAfterDays: 0.5, alarmAfterDays: 1.5, unseenShareMax: 0.5 },
    R7: { nights: 2, seenHoursMin: 1 },
    R10: { offDelayMinutes: 60 },
    R13: { onDelayMinutes: 30, offDelayMinutes: 30 },
    R14: { firstDays: 0.5, secondDays: 1.5 },
  },
  own: {
    X1: {
      ...own,
      title: { en: "evening", zh: "晚间" },
      when: "flow_m3h > 0.3 && hour >= 18",
      onDelayMinutes: 40,
    },
    X2: {
      ...own,
      title: { en: "x", zh: "x" },
      when: "pressure_kpa < 1 || 1 / 0 > 0",
      onDelayMinutes: 0,
    },
  },
};

interface Phase {
  readonly litresPerHour: number;
  /** Heating follows its own cycles; a leak is even. */
  readonly shakes: boolean;
}

/** What the site draws while a phase lasts, in litres an hour. */
const phases: readonly [Phase, ...(readonly Phase[])] = [
  { litresPerHour: 0, shakes: false },
  { litresPerHour: 25, shakes: false },
  { litresPerHour: 400, shakes: false },
  { litresPerHour: 900, shakes: true },
  { litresPerHour: 4_500, shakes: true },
  { litresPerHour: 6_800, shakes: false },
];

const words = ["leak", "battery_low", "battery_critical", "magnet", "micro_flow"] as const;
const more = [
  ...(["over_flow", "reverse_flow", "low_pressure", "valve_passing", "tilt"] as const),
  "clock_fault",
] as const;

interface Course {
  atMs: number;
  ml: number;
  phase: Phase;
  valve: "open" | "closed" | undefined;
  status: readonly string[];
  readonly phaseLasts: number;
}

interface Kind {
  readonly everyMs: readonly [number, ...(readonly number[])];
  readonly uplinks: { readonly min: number; readonly max: number };
  readonly phaseLasts: readonly [number, ...(readonly number[])];
}

/** Most are anything at all; some long and even, for the rules of nights, some quick, for those of steps. */
const anything: Kind = {
  everyMs: [hourMs, hourMs, 30 * minuteMs, 2 * hourMs, 15 * minuteMs],
  uplinks: { min: 6, max: 50 },
  // Another phase once in so many uplinks: most sites are restless, some are as even as a leak.
  phaseLasts: [6, 6, 100],
};
const even: Kind = { everyMs: [hourMs], uplinks: { min: 54, max: 60 }, phaseLasts: [1_000] };
const quick: Kind = { everyMs: [10 * minuteMs], uplinks: { min: 20, max: 40 }, phaseLasts: [2] };
const kinds = [anything, anything, anything, anything, anything, anything, even, quick] as const;

/** Uplinks of one meter in the order of their times, each with a time of its own. */
export function historyOf(chance: Chance, startMs: number): readonly Uint8Array[] {
  const kind = chance.pick(kinds);
  const everyMs = chance.pick(kind.everyMs);
  const count = chance.whole(kind.uplinks.min, kind.uplinks.max);
  const course: Course = {
    ...{ atMs: startMs, ml: chance.whole(0, 900) * 10_000_000, phase: chance.pick(phases) },
    ...{ valve: undefined, status: [], phaseLasts: chance.pick(kind.phaseLasts) },
  };
  const uplinks: Uint8Array[] = [];
  while (uplinks.length < count && course.atMs < startMs + historyMs - 6 * everyMs) {
    uplinks.push(uplinkOf(chance, course, everyMs));
  }
  return uplinks;
}

function uplinkOf(chance: Chance, course: Course, everyMs: number): Uint8Array {
  // The jitter of a real clock, and now and then a gap.
  const gap = chance.once(15) ? chance.whole(2, 5) : 1;
  const stepMs = gap * everyMs + chance.whole(-60, 60) * 1_000;
  course.atMs += stepMs;
  if (chance.once(course.phaseLasts)) course.phase = chance.pick(phases);
  if (chance.once(12)) course.valve = chance.pick(["open", "closed", undefined] as const);
  if (chance.once(5)) course.status = statusOf(chance);
  const share = course.phase.shakes ? 0.5 + chance.next() : 1;
  course.ml += Math.round((course.phase.litresPerHour * share * stepMs) / hourMs) * 1_000;
  if (chance.once(40)) course.ml = Math.max(0, course.ml - chance.whole(1, 400) * 10_000);
  const isJump = chance.once(60);
  return jsonBytes({
    measuredAt: course.atMs,
    ...(chance.once(12) ? {} : { volumeM3: ((course.ml + (isJump ? 4e9 : 0)) / 1e6).toFixed(3) }),
    ...(chance.once(3) ? { status: course.status } : {}),
    ...(course.valve === undefined ? {} : { valve: course.valve }),
    ...(chance.once(4)
      ? { flowM3h: ((course.phase.litresPerHour * share) / 1_000).toFixed(3) }
      : {}),
    ...(chance.once(4)
      ? { pressureKpa: chance.pick(["2.00", "2.00", "0.70", "0.10", "5.20"]) }
      : {}),
    ...(chance.once(5) ? { batteryMv: chance.pick([3_600, 3_250, 3_050]) } : {}),
  });
}

function statusOf(chance: Chance): readonly string[] {
  if (chance.once(2)) return [];
  return chance.once(2) ? [chance.pick(words)] : [chance.pick(words), chance.pick(more)];
}

/** The same uplinks on their way: in any order, some of them again. */
export function onTheirWay(chance: Chance, uplinks: readonly Uint8Array[]): readonly Uint8Array[] {
  const isWild = chance.once(2);
  const keyed = uplinks.map((bytes, place) => ({
    bytes,
    // Any order at all, or some hours of delay here and there.
    key: isWild ? chance.next() : place + (chance.once(4) ? chance.whole(1, 20) : 0),
  }));
  const again = uplinks.filter(() => chance.once(8));
  const shuffled = keyed.sort((one, other) => one.key - other.key).map(({ bytes }) => bytes);
  return [...shuffled, ...again];
}

/** Histories one after the other of meters numbered from 1, each uplink received as it was measured. */
export function reportedMonth(chance: Chance, meters: number, startMs: number, days: number) {
  const decoder = new TextDecoder();
  const parts = Math.floor((days * dayMs) / historyMs);
  return Array.from({ length: meters }, (_none, place) =>
    Array.from({ length: parts }, (__, part) => historyOf(chance, startMs + part * historyMs))
      .flat()
      .map((bytes) => {
        const { measuredAt } = JSON.parse(decoder.decode(bytes)) as { measuredAt: number };
        return { meterNo: place + 1, bytes, receivedAtMs: measuredAt + 5_000 };
      }),
  )
    .flat()
    .sort((one, other) => one.receivedAtMs - other.receivedAtMs);
}
