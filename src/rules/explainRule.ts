/** One rule as a document put it in force for one meter: what an alarm was raised with, for whoever asks why. */
import { ownRuleIds, type MeterRuleId } from "#domain/alarm.ts";
import { sizeLimits, type Meter } from "#domain/meter.ts";
import type { RuleInForce, RuleValue } from "#domain/ruleChanges.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { ruleTable } from "./ruleTable.ts";
import { detectionFloors } from "./stepRules.ts";
import { conductFor, tuningFor } from "./tuningFor.ts";

/** Thresholds that a condition must fall below, or times it must be over, before it ends. */
const deadBandNames = /^(deadBandShare|holdShare|hysteresis|rightAfter)/;

export function explainRule(
  document: RuleDocument | null,
  meter: Meter,
  rule: MeterRuleId,
): RuleInForce {
  const { version, source, latching } = ruleTable[rule];
  const tuning = tuningFor(document, meter);
  const groups: Readonly<Record<string, Readonly<Record<string, RuleValue>>>> = { ...tuning };
  const when = ownRuleIds.flatMap((id) => (id === rule ? (document?.own?.[id]?.when ?? []) : []));
  const thresholds = { ...groups[rule], ...(when[0] === undefined ? {} : { when: when[0] }) };
  const deadBand = Object.entries(thresholds).filter(([name]) => deadBandNames.test(name));
  const { quantumMl, siteClass, pilotMlPerHour } = meter;
  const settings = {
    ...sizeLimits(meter.size),
    ...{ quantumMl, siteClass, pilotMlPerHour, tuning },
  };
  return {
    ...{ version, source, latching, thresholds },
    ...conductFor(document, meter)[rule],
    deadBand: Object.fromEntries(deadBand),
    floor: detectionFloors(settings)[rule] ?? null,
  };
}
