/** All rules that are driven by readings, folded together. */
import type { MeterRuleId } from "#domain/alarm.ts";
import { invariant } from "#domain/invariant.ts";
import { flowWhileShut, type FlowWhileShutState } from "./flowWhileShut.ts";
import { largeFlow, type LargeFlowState } from "./largeFlow.ts";
import { leak, type LeakState } from "./leak.ts";
import { lowBattery, type LowBatteryState } from "./lowBattery.ts";
import { microLeak, type MicroLeakState } from "./microLeak.ts";
import { overload, type OverloadState } from "./overload.ts";
import type { ConditionChange, Rule, RuleReading, RuleSettings } from "./rule.ts";
import { tamper, type TamperState } from "./tamper.ts";

/** What the rules remember of one meter: plain JSON, part of the meter's context. */
export interface RuleStates {
  readonly R1: LeakState;
  readonly R2: OverloadState;
  readonly R3: LargeFlowState;
  readonly R6: MicroLeakState;
  readonly R9: FlowWhileShutState;
  readonly R10: LowBatteryState;
  readonly R11: TamperState;
}

/** A meter of which nothing is known yet. */
export const initialRuleStates: RuleStates = Object.freeze({
  R1: leak.initial,
  R2: overload.initial,
  R3: largeFlow.initial,
  R6: microLeak.initial,
  R9: flowWhileShut.initial,
  R10: lowBattery.initial,
  R11: tamper.initial,
});

/**
 * Folds one reading through all rules; called in event-time order, `measuredAtMs` strictly increasing per meter.
 * Returns the same states object when nothing changed; `changes` only where a level changed.
 */
export function stepRules(
  settings: RuleSettings,
  states: RuleStates,
  reading: RuleReading,
): { readonly states: RuleStates; readonly changes: readonly ConditionChange[] } {
  const { interval } = reading;
  invariant(
    interval === null || interval.fromMs < reading.measuredAtMs,
    "an interval ends after it began",
  );
  const changes: ConditionChange[] = [];
  const step = <State>(id: MeterRuleId, rule: Rule<State>, before: State): State => {
    const after = rule.step(settings, before, reading);
    if (after === before) return before;
    const level = rule.level(after);
    if (level !== rule.level(before)) {
      changes.push({ rule: id, level, proof: rule.prove(settings, after, reading) });
    }
    return after;
  };
  const next: RuleStates = {
    R1: step("R1", leak, states.R1),
    R2: step("R2", overload, states.R2),
    R3: step("R3", largeFlow, states.R3),
    R6: step("R6", microLeak, states.R6),
    R9: step("R9", flowWhileShut, states.R9),
    R10: step("R10", lowBattery, states.R10),
    R11: step("R11", tamper, states.R11),
  };
  return { states: isSame(states, next) ? states : next, changes };
}

function isSame(a: RuleStates, b: RuleStates): boolean {
  return (
    a.R1 === b.R1 &&
    a.R2 === b.R2 &&
    a.R3 === b.R3 &&
    a.R6 === b.R6 &&
    a.R9 === b.R9 &&
    a.R10 === b.R10 &&
    a.R11 === b.R11
  );
}
