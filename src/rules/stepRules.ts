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
  eachRule((id, rule) => {
    const floor = rule.floor(settings);
    if (floor !== null) floors[id] = floor;
  });
  return floors;
}

type Visit = <Id extends keyof RuleStates>(id: Id, rule: Rule<RuleStates[Id]>) => void;

function eachRule(visit: Visit): void {
  visit("R1", leak);
  visit("R2", overload);
  visit("R3", largeFlow);
  visit("R4", stepIncrease);
  visit("R5", continuousUse);
  visit("R6", microLeak);
  visit("R7", nightFlow);
  visit("R8", registerBack);
  visit("R9", flowWhileShut);
  visit("R10", lowBattery);
  visit("R11", tamper);
  visit("R13", pressure);
  visit("R14", longNonUse);
  visit("R16", wrongClock);
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
  const R9 = flowWhileShut.step(settings, states.R9, reading);
  // What passes a shut valve is R9's alone (gas-domain 3.1); that nothing passes is news for all.
  const isPassing = R9.shut !== null && interval !== null && interval.consumedMl > 0;
  const use = isPassing ? { ...reading, interval: null } : reading;
  // Rule by rule and not in a loop: a call that always finds the same rule is several times as quick.
  const next: RuleStates = {
    R1: leak.step(settings, states.R1, reading),
    R2: overload.step(settings, states.R2, reading),
    R3: largeFlow.step(settings, states.R3, reading),
    R4: stepIncrease.step(settings, states.R4, reading),
    R5: continuousUse.step(settings, states.R5, use),
    R6: microLeak.step(settings, states.R6, use),
    R7: nightFlow.step(settings, states.R7, use),
    R8: registerBack.step(settings, states.R8, reading),
    R9,
    R10: lowBattery.step(settings, states.R10, reading),
    R11: tamper.step(settings, states.R11, reading),
    R13: pressure.step(settings, states.R13, reading),
    R14: longNonUse.step(settings, states.R14, reading),
    R16: wrongClock.step(settings, states.R16, reading),
  };
  if (isSame(states, next)) return { states, changes: nothingChanged };
  if (isAtSameLevels(states, next)) return { states: next, changes: nothingChanged };
  return { states: next, changes: changesOf(settings, states, next, reading) };
}

const nothingChanged: readonly ConditionChange[] = [];

function isSame(a: RuleStates, b: RuleStates): boolean {
  return (
    a.R6 === b.R6 &&
    a.R4 === b.R4 &&
    a.R14 === b.R14 &&
    a.R5 === b.R5 &&
    a.R7 === b.R7 &&
    a.R3 === b.R3 &&
    a.R1 === b.R1 &&
    a.R2 === b.R2 &&
    a.R8 === b.R8 &&
    a.R9 === b.R9 &&
    a.R10 === b.R10 &&
    a.R11 === b.R11 &&
    a.R13 === b.R13 &&
    a.R16 === b.R16
  );
}

function isAtSameLevels(a: RuleStates, b: RuleStates): boolean {
  return (
    leak.level(a.R1) === leak.level(b.R1) &&
    overload.level(a.R2) === overload.level(b.R2) &&
    largeFlow.level(a.R3) === largeFlow.level(b.R3) &&
    stepIncrease.level(a.R4) === stepIncrease.level(b.R4) &&
    continuousUse.level(a.R5) === continuousUse.level(b.R5) &&
    microLeak.level(a.R6) === microLeak.level(b.R6) &&
    nightFlow.level(a.R7) === nightFlow.level(b.R7) &&
    registerBack.level(a.R8) === registerBack.level(b.R8) &&
    flowWhileShut.level(a.R9) === flowWhileShut.level(b.R9) &&
    lowBattery.level(a.R10) === lowBattery.level(b.R10) &&
    tamper.level(a.R11) === tamper.level(b.R11) &&
    pressure.level(a.R13) === pressure.level(b.R13) &&
    longNonUse.level(a.R14) === longNonUse.level(b.R14) &&
    wrongClock.level(a.R16) === wrongClock.level(b.R16)
  );
}

/** Proved with what the reading says, also where it is gas behind a shut valve. */
function changesOf(
  settings: RuleSettings,
  before: RuleStates,
  after: RuleStates,
  reading: RuleReading,
): readonly ConditionChange[] {
  const changes: ConditionChange[] = [];
  eachRule((id, rule) => {
    const level = rule.level(after[id]);
    if (level === rule.level(before[id])) return;
    const change = { rule: id, level, proof: rule.prove(settings, after[id], reading) };
    // What passes a shut valve is told first.
    if (id === "R9") changes.unshift(change);
    else changes.push(change);
  });
  return changes;
}
