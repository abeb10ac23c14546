/** All rules that are driven by readings, folded together. */
import type { MeterRuleId } from "#domain/alarm.ts";
import { invariant } from "#domain/invariant.ts";
import { continuousUse, type ContinuousUseState } from "./continuousUse.ts";
import { flowWhileShut, type FlowWhileShutState } from "./flowWhileShut.ts";
import { largeFlow, type LargeFlowState } from "./largeFlow.ts";
import { leak, type LeakState } from "./leak.ts";
import { longNonUse, type LongNonUseState } from "./longNonUse.ts";
import { lowBattery, type LowBatteryState } from "./lowBattery.ts";
import { microLeak, type MicroLeakState } from "./microLeak.ts";
import { nightFlow, type NightFlowState } from "./nightFlow.ts";
import { overload, type OverloadState } from "./overload.ts";
import { pressure, type PressureState } from "./pressure.ts";
import { registerBack, type RegisterBackState } from "./registerBack.ts";
import { stepIncrease, type StepIncreaseState } from "./stepIncrease.ts";
import { tamper, type TamperState } from "./tamper.ts";
import { wrongClock, type WrongClockState } from "./wrongClock.ts";
import type { ConditionChange, DetectionFloor, Rule, RuleReading, RuleSettings } from "./rule.ts";

/** What the rules remember of one meter: plain JSON, part of the meter's context. */
export interface RuleStates {
  readonly R1: LeakState;
  readonly R2: OverloadState;
  readonly R3: LargeFlowState;
  readonly R4: StepIncreaseState;
  readonly R5: ContinuousUseState;
  readonly R6: MicroLeakState;
  readonly R7: NightFlowState;
  readonly R8: RegisterBackState;
  readonly R9: FlowWhileShutState;
  readonly R10: LowBatteryState;
  readonly R11: TamperState;
  readonly R13: PressureState;
  readonly R14: LongNonUseState;
  readonly R16: WrongClockState;
}

/** A meter of which nothing is known yet. */
export const initialRuleStates: RuleStates = Object.freeze({
  R1: leak.initial,
  R2: overload.initial,
  R3: largeFlow.initial,
  R4: stepIncrease.initial,
  R5: continuousUse.initial,
  R6: microLeak.initial,
  R7: nightFlow.initial,
  R8: registerBack.initial,
  R9: flowWhileShut.initial,
  R10: lowBattery.initial,
  R11: tamper.initial,
  R13: pressure.initial,
  R14: longNonUse.initial,
  R16: wrongClock.initial,
});

/** The floor of each rule that is about a flow, for meters with these settings. */
export function detectionFloors(
  settings: RuleSettings,
): Readonly<Partial<Record<MeterRuleId, DetectionFloor>>> {
  const floors: Partial<Record<MeterRuleId, DetectionFloor>> = {};
  const note = <State>(id: MeterRuleId, rule: Rule<State>): void => {
    const floor = rule.floor(settings);
    if (floor !== null) floors[id] = floor;
  };
  note("R1", leak);
  note("R2", overload);
  note("R3", largeFlow);
  note("R4", stepIncrease);
  note("R5", continuousUse);
  note("R6", microLeak);
  note("R7", nightFlow);
  note("R8", registerBack);
  note("R9", flowWhileShut);
  note("R10", lowBattery);
  note("R11", tamper);
  note("R13", pressure);
  note("R14", longNonUse);
  note("R16", wrongClock);
  return floors;
}

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
  const step = <State>(
    id: MeterRuleId,
    rule: Rule<State>,
    before: State,
    said: RuleReading = reading,
  ): State => {
    const after = rule.step(settings, before, said);
    if (after === before) return before;
    const level = rule.level(after);
    if (level !== rule.level(before)) {
      changes.push({ rule: id, level, proof: rule.prove(settings, after, reading) });
    }
    return after;
  };
  const R9 = step("R9", flowWhileShut, states.R9);
  // What passes a shut valve is R9's alone (gas-domain 3.1); that nothing passes is news for all.
  const isPassing = R9.shut !== null && interval !== null && interval.consumedMl > 0;
  const use = isPassing ? { ...reading, interval: null } : reading;
  const next: RuleStates = {
    R1: step("R1", leak, states.R1),
    R2: step("R2", overload, states.R2),
    R3: step("R3", largeFlow, states.R3),
    R4: step("R4", stepIncrease, states.R4),
    R5: step("R5", continuousUse, states.R5, use),
    R6: step("R6", microLeak, states.R6, use),
    R7: step("R7", nightFlow, states.R7, use),
    R8: step("R8", registerBack, states.R8),
    R9,
    R10: step("R10", lowBattery, states.R10),
    R11: step("R11", tamper, states.R11),
    R13: step("R13", pressure, states.R13),
    R14: step("R14", longNonUse, states.R14),
    R16: step("R16", wrongClock, states.R16),
  };
  return { states: isSame(states, next) ? states : next, changes };
}

const ruleIds = Object.keys(initialRuleStates) as (keyof RuleStates)[];

function isSame(a: RuleStates, b: RuleStates): boolean {
  return ruleIds.every((id) => a[id] === b[id]);
}
