/**
 * Suppression by design (gas-domain 3.1) as one table: which cause explains which alarms, and up to which level. What
 * is graver, or of the highest priority, comes into sight: its cause is another one. docs/ALARMS.md shows it.
 */
import type { ConditionLevel, Hidden, MeterRuleId, Priority } from "#domain/alarm.ts";
import type { WorkKind } from "#domain/plannedWork.ts";
import { hourMs, timestampMs } from "#domain/units.ts";

/** Alarms of a meter that others of the same meter follow from. */
export const parentRules = ["R1", "R2", "R10", "R21"] as const;
export type ParentRule = (typeof parentRules)[number];

export type SuppressionCause =
  "outage" | "self-closure" | "valve is shut" | `work: ${WorkKind}` | `under ${ParentRule}`;

interface Explained {
  readonly rule: MeterRuleId | "OUTAGE";
  readonly levelMax: Exclude<ConditionLevel, 0>;
}

/** By cause: the rules whose alarms it explains. */
export const suppressionTable: Readonly<Record<SuppressionCause, readonly Explained[]>> = {
  outage: [
    { rule: "R12", levelMax: 2 },
    { rule: "R18", levelMax: 2 },
  ],
  "self-closure": [{ rule: "R21", levelMax: 2 }],
  "valve is shut": [
    { rule: "R5", levelMax: 2 },
    { rule: "R6", levelMax: 2 },
  ],
  // The gas that escapes also flows, steps, never stops.
  "under R1": [
    { rule: "R3", levelMax: 2 },
    { rule: "R4", levelMax: 2 },
    { rule: "R5", levelMax: 2 },
    { rule: "R6", levelMax: 2 },
    { rule: "R7", levelMax: 2 },
  ],
  // What is more than the meter may carry is also more than usual.
  "under R2": [
    { rule: "R3", levelMax: 2 },
    { rule: "R4", levelMax: 2 },
  ],
  // A dying battery forgets the time and falls silent.
  "under R10": [
    { rule: "R12", levelMax: 2 },
    { rule: "R16", levelMax: 2 },
  ],
  "under R21": [{ rule: "R12", levelMax: 2 }],
  // Low and high, not so far that appliances fail: that is priority 1.
  "work: pressure": [{ rule: "R13", levelMax: 1 }],
  // Gas that fills or leaves pipes is not a household's.
  "work: purging": [
    { rule: "R3", levelMax: 2 },
    { rule: "R4", levelMax: 2 },
    { rule: "R5", levelMax: 2 },
    { rule: "R7", levelMax: 2 },
    { rule: "R8", levelMax: 2 },
    { rule: "R13", levelMax: 1 },
  ],
  // What radio and gateways do not bring. Not that meters shut themselves: that goes on.
  "work: network": [
    { rule: "R12", levelMax: 2 },
    { rule: "R16", levelMax: 2 },
    { rule: "R18", levelMax: 2 },
    { rule: "OUTAGE", levelMax: 1 },
  ],
  // Covers opened, meters exchanged, clocks and batteries: hands at the meter.
  "work: meters": [
    { rule: "R8", levelMax: 2 },
    { rule: "R10", levelMax: 2 },
    { rule: "R11", levelMax: 2 },
    { rule: "R12", levelMax: 2 },
    { rule: "R13", levelMax: 1 },
    { rule: "R16", levelMax: 2 },
    { rule: "R18", levelMax: 2 },
  ],
};

/** Whether what hides an alarm also explains it at this level. */
export function explains(
  { reason, workKind }: Hidden,
  now: { readonly rule: string; readonly level: ConditionLevel; readonly priority: Priority },
): boolean {
  if (now.priority === 1) return false;
  const cause = workKind === undefined ? reason : `work: ${workKind}`;
  const rows: readonly Explained[] = Object.hasOwn(suppressionTable, cause)
    ? suppressionTable[cause as SuppressionCause]
    : [];
  return rows.some(({ rule, levelMax }) => rule === now.rule && now.level <= levelMax);
}

/**
 * A flow belongs to its parent when the two began within this time, by the meter's clock: an hourly meter's two
 * reports. Silence is by our clock, and belongs to its parent whenever it begins.
 */
const followsWithinMs = 2 * hourMs;

interface Begun {
  readonly rule: string;
  readonly level: ConditionLevel;
  readonly priority: Priority;
  readonly raisedAtMs: number;
}

/** Whether this alarm of a meter is a consequence of that one, which holds. */
export function follows(child: Begun, parent: Pick<Begun, "rule" | "raisedAtMs">): boolean {
  const hidden = hiddenUnder(parent.rule, 0);
  if (!explains(hidden, child)) return false;
  const apartMs = Math.abs(child.raisedAtMs - parent.raisedAtMs);
  return child.rule === "R12" || apartMs <= followsWithinMs;
}

/** Why a consequence is hidden. */
export function hiddenUnder(parentRule: string, sinceMs: number): Hidden {
  const since = timestampMs(sinceMs);
  return { reason: `under ${parentRule}`, by: "engine", sinceMs: since, untilMs: null };
}

/** The parent's rule of a consequence that is hidden under it; undefined: something else hides it, or nothing. */
export function parentRuleOf(hidden: Hidden | null): ParentRule | undefined {
  return parentRules.find((rule) => hidden?.reason === `under ${rule}`);
}
