/**
 * Key figures of an alarm system after EEMUA 191 and ISA-18.2 (gas-domain 3.2), from what rang in a span of time. Pure:
 * the events go in, the figures come out.
 */
import type { Priority } from "#domain/alarm.ts";
import type { AlarmEvent } from "#domain/alarmEvent.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";

/** gas-domain 3.2. */
const targets = Object.freeze({
  slotMs: 10 * minuteMs,
  /** A flood begins above the first number of alarms in ten minutes and ends below the second. */
  floodAbove: 10,
  floodUntilBelow: 5,
  /** More changes than this within a minute are chattering. */
  chatterChangesMax: 3,
  chatterMs: minuteMs,
  topCount: 10,
});

/** EEMUA 191: an operator's load by alarms in ten minutes. */
const loads = [
  { upTo: 1, word: "acceptable" },
  { upTo: 2, word: "manageable" },
  { upTo: 5, word: "over-demanding" },
] as const;
type AlarmLoad = (typeof loads)[number]["word"] | "unacceptable";

export interface AlarmFigures {
  /** How often something rang. */
  readonly rang: number;
  readonly per10Minutes: number;
  readonly perHour: number;
  readonly perDay: number;
  readonly load: AlarmLoad;
  readonly peakIn10Minutes: number;
  readonly peakInHour: number;
  /** Share of the time in flood. */
  readonly floodShare: number;
  readonly byPriority: Readonly<Record<Priority, number>>;
  readonly chattering: number;
  /** What rang most often, and its share of everything. */
  readonly top: {
    readonly meterId: string | null;
    readonly rule: string;
    readonly rang: number;
    readonly share: number;
  }[];
  readonly unanswered: number;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** The load is shared by so many people. */
  readonly operators: number;
}

/** The figures of the span; events outside it do not count. */
export function alarmFigures(events: readonly AlarmEvent[], span: Span): AlarmFigures {
  const inSpan = events.filter(({ atMs }) => atMs >= span.fromMs && atMs < span.toMs);
  const rang = inSpan.filter(hasRung);
  const perMs = rang.length / span.operators / (span.toMs - span.fromMs);
  const per10Minutes = perMs * targets.slotMs;
  const slots = counts(rang, span, targets.slotMs).map((count) => count / span.operators);
  const hours = counts(rang, span, hourMs).map((count) => count / span.operators);
  return {
    rang: rang.length,
    per10Minutes,
    perHour: perMs * hourMs,
    perDay: perMs * dayMs,
    load: loads.find(({ upTo }) => per10Minutes <= upTo)?.word ?? "unacceptable",
    peakIn10Minutes: slots.reduce(largest, 0),
    peakInHour: hours.reduce(largest, 0),
    floodShare: floodShareOf(slots),
    byPriority: priorities(rang),
    chattering: chatteringOf(inSpan),
    top: topOf(rang),
    unanswered: inSpan.filter(({ kind }) => kind === "alarm.unanswered").length,
  };
}

/** Something that a person has to look at anew; what is hidden is told and does not ring. */
export function hasRung({ kind, state }: AlarmEvent): boolean {
  const begins = kind === "alarm.raised" || kind === "alarm.reraised" || kind === "alarm.escalated";
  return begins && state === "unacknowledged";
}

function largest(one: number, other: number): number {
  return Math.max(one, other);
}

function counts(events: readonly AlarmEvent[], span: Span, slotMs: number): number[] {
  const slots = Array.from({ length: Math.ceil((span.toMs - span.fromMs) / slotMs) }, () => 0);
  for (const { atMs } of events) {
    const place = Math.floor((atMs - span.fromMs) / slotMs);
    slots[place] = (slots[place] ?? 0) + 1;
  }
  return slots;
}

function floodShareOf(slots: readonly number[]): number {
  let isFlood = false;
  let flooded = 0;
  for (const count of slots) {
    isFlood = count > targets.floodAbove || (isFlood && count >= targets.floodUntilBelow);
    if (isFlood) flooded += 1;
  }
  return slots.length === 0 ? 0 : flooded / slots.length;
}

function priorities(events: readonly AlarmEvent[]): Record<Priority, number> {
  const split: Record<Priority, number> = { 1: 0, 2: 0, 3: 0, 4: 0 };
  for (const { priority } of events) split[priority] += 1;
  return split;
}

/** Alarms that came and went more than three times within some minute. */
function chatteringOf(events: readonly AlarmEvent[]): number {
  const changes = events.filter((event) => hasRung(event) || event.kind === "alarm.returned");
  const byAlarm = Map.groupBy(changes, ({ alarmId }) => alarmId);
  return [...byAlarm.values()].filter((own) =>
    own.some(({ atMs }, place) => {
      const later = own[place + targets.chatterChangesMax];
      return later !== undefined && later.atMs - atMs <= targets.chatterMs;
    }),
  ).length;
}

function topOf(rang: readonly AlarmEvent[]): AlarmFigures["top"] {
  const sources = Map.groupBy(rang, ({ meterId, rule }) => `${meterId ?? ""} ${rule}`);
  return [...sources.values()]
    .map((own) => ({
      meterId: own[0]?.meterId ?? null,
      rule: own[0]?.rule ?? "",
      rang: own.length,
      share: own.length / rang.length,
    }))
    .sort((one, other) => other.rang - one.rang || one.rule.localeCompare(other.rule))
    .slice(0, targets.topCount);
}
