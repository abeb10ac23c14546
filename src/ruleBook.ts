/** Rule documents for the API: text checked by the settings' room, compared by the rules' room. */
import { readRules, type KnownThresholds, type RuleWords } from "#config/loadRules.ts";
import { meterRuleIds, ownRuleIds } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import type { Clock } from "#ports/clock.ts";
import type { RuleBook } from "#ports/ruleBook.ts";
import { settableConduct } from "#rules/conduct.ts";
import { compareRules } from "#rules/compareRules.ts";
import { compileExpression } from "#rules/expression.ts";
import { explainRule } from "#rules/explainRule.ts";
import { factoryTuning } from "#rules/tuning.ts";
import { backTestLimits, backTestSpan, runBackTest } from "./backTestRun.ts";
import type { FileKeys } from "./fileDisk.ts";

/** Everything that a document may say. */
export const ruleWords: RuleWords = {
  known: known(),
  checkExpression(when) {
    const compiled = compileExpression(when);
    return compiled.ok ? null : compiled.why;
  },
};

function known(): KnownThresholds {
  const thresholds: KnownThresholds = { ...factoryTuning };
  return Object.fromEntries(
    meterRuleIds
      .filter((rule) => !ownRuleIds.some((id) => id === rule))
      .map((rule) => [rule, { ...settableConduct(rule), ...thresholds[rule] }]),
  );
}

/** What a rule book looks things up in. */
export interface RuleWorld {
  /** The registry as it is at that moment. */
  readonly meters: () => Iterable<Meter>;
  readonly directory: string;
  readonly fileKeys: FileKeys;
  readonly clock: Clock;
}

export function ruleBook({ meters, directory, fileKeys, clock }: RuleWorld): RuleBook {
  let isTesting = false;
  return {
    read: (text) => readRules("rules", text, ruleWords),
    explain: explainRule,
    changes: (before, after) => compareRules(before, after, meters()),
    async test(candidate, days) {
      if (isTesting) return null;
      isTesting = true;
      try {
        const span = backTestSpan(days, clock.nowMs());
        const warmUpDays = backTestLimits.warmUpDaysDefault;
        // One thread: meters and operators have the others.
        return await runBackTest({ directory, candidate, warmUpDays, fileKeys, ...span }, 1);
      } finally {
        isTesting = false;
      }
    },
  };
}
