/** Work that somebody has planned and that explains some alarms for a time, in areas or at meters. */
import type { Meter } from "./meter.ts";
import { dayMs, formatInstant, minuteMs, type TimestampMs } from "./units.ts";

/** At the network's pressure; filling and purging pipes; at gateways and radio cells; at the meters themselves. */
export const workKinds = ["pressure", "purging", "network", "meters"] as const;
export type WorkKind = (typeof workKinds)[number];

/** `overdue`: its window is over and nobody has said that it is finished. */
export const workStates = ["planned", "running", "overdue", "finished", "cancelled"] as const;
export type WorkState = (typeof workStates)[number];

/** What was done to the plan, by whom and why; never changed afterwards. */
export interface WorkEntry {
  readonly atMs: TimestampMs;
  /** The label of a person's key, or "engine". */
  readonly by: string;
  readonly act: "planned" | "started" | "extended" | "overdue" | "finished" | "cancelled";
  readonly reason: string | null;
  /** The end of its window after it. */
  readonly toMs: TimestampMs;
}

export interface PlannedWork {
  readonly id: string;
  readonly kind: WorkKind;
  readonly areas: readonly string[];
  readonly meterIds: readonly string[];
  readonly fromMs: TimestampMs;
  /** Nothing is hidden from then on, whatever becomes of the work. */
  readonly toMs: TimestampMs;
  /** Who does it, as the utility calls them. */
  readonly responsible: string;
  readonly reason: string;
  /** null: nobody has said that it is over. */
  readonly endedAtMs: TimestampMs | null;
  readonly trace: readonly WorkEntry[];
}

/** Our proposals. */
export const workLimits = Object.freeze({
  /** The longest window, extensions included: gas that fills pipes must not hide a leak of the next day. */
  lengthMsMax: { pressure: 14 * dayMs, purging: dayMs, network: 14 * dayMs, meters: 14 * dayMs },
  /** A plan made while the work begins is a plan; one made afterwards would explain the past. */
  lateMsMax: 5 * minuteMs,
  areasMax: 50,
  metersMax: 1_000,
  openMax: 200,
});

export function workStateAt(work: PlannedWork, nowMs: number): WorkState {
  if (work.endedAtMs !== null) return work.endedAtMs < work.fromMs ? "cancelled" : "finished";
  if (nowMs < work.fromMs) return "planned";
  return nowMs < work.toMs ? "running" : "overdue";
}

/** Whether the work goes on at this meter now. */
export function isWorkedAt(work: PlannedWork, meter: Meter, nowMs: number): boolean {
  if (workStateAt(work, nowMs) !== "running") return false;
  return work.areas.includes(meter.area) || work.meterIds.includes(meter.id);
}

/** CONTRACT section 3, "planned work". */
export function publicWork(work: PlannedWork, nowMs: number) {
  const { id, kind, areas, meterIds, fromMs, toMs, responsible, reason, endedAtMs } = work;
  return {
    ...{ id, kind, state: workStateAt(work, nowMs) },
    ...{ areas: [...areas], meterIds: [...meterIds], responsible, reason },
    from: formatInstant(fromMs),
    to: formatInstant(toMs),
    endedAt: endedAtMs === null ? null : formatInstant(endedAtMs),
    trace: work.trace.map(({ atMs, by, act, reason: why, toMs: until }) => {
      return { at: formatInstant(atMs), by, act, reason: why, to: formatInstant(until) };
    }),
  };
}
