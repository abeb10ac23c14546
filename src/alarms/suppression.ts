/**
 * Suppression by design (gas-domain 3.1) as one table: which cause explains which alarms, and up to which level. What
 * is graver, or of the highest priority, comes into sight: its cause is another one. docs/ALARMS.md shows it.
 */
import type { ConditionLevel, Hidden, MeterRuleId, Priority } from "#domain/alarm.ts";

export type SuppressionCause = "outage" | "self-closure" | "valve is shut";

interface Explained {
  readonly rule: MeterRuleId;
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
};

/** Whether what hides an alarm also explains it at this level. */
export function explains(
  { reason }: Hidden,
  now: { readonly rule: string; readonly level: ConditionLevel; readonly priority: Priority },
): boolean {
  if (now.priority === 1) return false;
  const rows: readonly Explained[] = Object.hasOwn(suppressionTable, reason)
    ? suppressionTable[reason as SuppressionCause]
    : [];
  return rows.some(({ rule, levelMax }) => rule === now.rule && now.level <= levelMax);
}
