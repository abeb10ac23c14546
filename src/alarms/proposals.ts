/**
 * What could be done about the sources that ring most (EEMUA 191: bad actors), from what rang. Proposals only: a person
 * writes them into a rule document or looks at the meter. What protects people is never delayed: priority 1 has none.
 */
import type { AlarmEvent } from "#domain/alarmEvent.ts";
import { dayMs, minuteMs, secondMs } from "#domain/units.ts";
import { hasRung } from "./alarmFigures.ts";

/** Our proposals for proposing. */
const limits = Object.freeze({
  /** A source that rang less often is none. */
  rangMin: 5,
  proposalsMax: 20,
  /** A delay that would have kept at least this share of the rings away is worth a word. */
  worthShare: 0.5,
  delaysMs: [minuteMs, 5 * minuteMs, 15 * minuteMs, 60 * minuteMs, 4 * 60 * minuteMs, dayMs],
  /** Back within this time is a value that swings about its limit. */
  swingMs: 5 * minuteMs,
});

const proposalKinds = ["dead-band", "off-delay", "on-delay", "inspect"] as const;

export interface Proposal {
  readonly meterId: string | null;
  readonly rule: string;
  readonly rang: number;
  readonly kind: (typeof proposalKinds)[number];
  /** How long; null: there is no time to name. */
  readonly delaySeconds: number | null;
  /** How often it would have rung with it, by the same events. */
  readonly wouldHaveRung: number;
  /** What it would cost: a condition that is shorter, or an end that is told later. */
  readonly because: string;
}

/** One time that it rang: from when, and until when; null: not over. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** Proposals for the sources that rang most, the loudest first. */
export function proposals(events: readonly AlarmEvent[]): readonly Proposal[] {
  const sources = Map.groupBy(events, ({ meterId, rule }) => `${meterId ?? ""} ${rule}`);
  return [...sources.values()]
    .flatMap((own) => proposalFor(own) ?? [])
    .sort((one, other) => other.rang - one.rang || one.rule.localeCompare(other.rule))
    .slice(0, limits.proposalsMax);
}

function proposalFor(events: readonly AlarmEvent[]): Proposal | null {
  const [first] = events;
  const stretches = stretchesOf(events);
  const rang = stretches.length;
  if (
    first === undefined ||
    rang < limits.rangMin ||
    events.some(({ priority }) => priority === 1)
  ) {
    return null;
  }
  const found = bestOff(stretches) ?? bestOn(stretches) ?? inspect(rang);
  return { meterId: first.meterId, rule: first.rule, rang, ...found };
}

type Found = Pick<Proposal, "kind" | "delaySeconds" | "wouldHaveRung" | "because">;

/** The shortest delay that keeps enough away. */
function best(stretches: readonly Stretch[], rings: (delayMs: number) => number) {
  const enough = stretches.length * (1 - limits.worthShare);
  const delayMs = limits.delaysMs.find((ms) => rings(ms) <= enough);
  return delayMs === undefined ? null : { delayMs, wouldHaveRung: rings(delayMs) };
}

/** Its end is told later, so that what comes back is the same alarm. */
function bestOff(stretches: readonly Stretch[]): Found | null {
  const found = best(stretches, (delayMs) => merged(stretches, delayMs));
  if (found === null) return null;
  const { delayMs, wouldHaveRung } = found;
  const isSwing = delayMs <= limits.swingMs;
  return {
    kind: isSwing ? "dead-band" : "off-delay",
    delaySeconds: delayMs / secondMs,
    wouldHaveRung,
    because: isSwing
      ? "comes back within minutes of its end: the value swings about its limit"
      : "comes back soon after its end",
  };
}

/** It must hold for a time before it rings. */
function bestOn(stretches: readonly Stretch[]): Found | null {
  const lasting = (delayMs: number) =>
    stretches.filter(({ fromMs, toMs }) => toMs === null || toMs - fromMs >= delayMs).length;
  const found = best(stretches, lasting);
  if (found === null) return null;
  const { delayMs, wouldHaveRung } = found;
  const because =
    "most of the time it was over sooner than this; what lasts would ring that much later";
  return { kind: "on-delay", delaySeconds: delayMs / secondMs, wouldHaveRung, because };
}

function inspect(rang: number): Found {
  const because = "no delay would have helped: look at the meter, its profile or its threshold";
  return { kind: "inspect", delaySeconds: null, wouldHaveRung: rang, because };
}

/** Rings that are left when an end counts only after the delay. */
function merged(stretches: readonly Stretch[], delayMs: number): number {
  return stretches.filter(({ fromMs }, place) => {
    const before = stretches[place - 1];
    return before === undefined || (before.toMs !== null && fromMs - before.toMs > delayMs);
  }).length;
}

function stretchesOf(events: readonly AlarmEvent[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (const event of events) {
    const last = stretches.at(-1);
    if (hasRung(event)) stretches.push({ fromMs: event.atMs, toMs: null });
    else if (event.kind === "alarm.returned" && last?.toMs === null) {
      stretches[stretches.length - 1] = { ...last, toMs: event.atMs };
    }
  }
  return stretches;
}
