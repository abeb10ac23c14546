/** Rule documents for the API: text checked by the settings' room, compared by the rules' room. */
import { readRules, type KnownThresholds } from "#config/loadRules.ts";
import { meterRuleIds } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import type { RuleBook } from "#ports/ruleBook.ts";
import { settableConduct } from "#rules/conduct.ts";
import { compareRules } from "#rules/compareRules.ts";
import { explainRule } from "#rules/explainRule.ts";
import { factoryTuning } from "#rules/tuning.ts";

/** Every rule and threshold that a document may name. */
export const knownThresholds: KnownThresholds = known();

function known(): KnownThresholds {
  const thresholds: KnownThresholds = { ...factoryTuning };
  return Object.fromEntries(
    meterRuleIds.map((rule) => [rule, { ...settableConduct(rule), ...thresholds[rule] }]),
  );
}

/** `meters` gives the registry as it is at that moment. */
export function ruleBook(meters: () => Iterable<Meter>): RuleBook {
  return {
    read: (text) => readRules("rules", text, knownThresholds),
    explain: explainRule,
    changes: (before, after) => compareRules(before, after, meters()),
  };
}
