/**
 * Suppression by design (gas-domain 3.1): behind a valve that is reported shut, flow that "never stops" is a matter
 * of the past. Should gas pass all the same, R9 says so or the register does, and then nothing is hidden.
 */
import type { Hidden, MeterRuleId } from "#domain/alarm.ts";
import type { TimestampMs } from "#domain/units.ts";
import { isActive, moveAlarm } from "./alarmDesk.ts";
import { hasPassed } from "#rules/flowWhileShut.ts";
import type { Draft } from "./draft.ts";

const reason = "valve is shut";
const stillRules: readonly MeterRuleId[] = ["R5", "R6"];

/** Whether this rule's condition is not to ring because the valve is shut. */
export function isStilled(draft: Draft, rule: MeterRuleId): boolean {
  const { valve, live } = draft.context;
  if (!stillRules.includes(rule) || valve.position !== "closed") return false;
  return !isActive(live.R9) && !isGasPassing(draft);
}

/** Later values may say nothing of the valve; R9 waits for its word, and what flows must not stay silent for it. */
function isGasPassing({ context, rules, meter, nowMs }: Draft): boolean {
  const { head } = context;
  return hasPassed(rules.settingsAt(meter, head.lastMs ?? nowMs), head.rules.R9.shut);
}

/** Why the alarm of a flow is hidden behind a shut valve. */
export function hiddenByShutValve(sinceMs: TimestampMs): Hidden {
  return { reason, by: "engine", sinceMs, untilMs: null };
}

/** Hides what the shut valve has ended, and shows it again when the valve is open or passes gas. */
export function followShutValve(draft: Draft): void {
  for (const rule of stillRules) {
    const alarm = draft.context.live[rule];
    if (alarm === undefined) continue;
    const isHidden = alarm.state === "suppressed" && alarm.hidden?.reason === reason;
    const isToBeHidden = isStilled(draft, rule) && isActive(alarm);
    if (isToBeHidden && alarm.hidden === null) {
      const hidden = hiddenByShutValve(draft.nowMs);
      moveAlarm(draft, alarm, { kind: "suppress" }, { hidden });
    } else if (isHidden && !isStilled(draft, rule)) {
      moveAlarm(draft, alarm, { kind: "release" });
    }
  }
}
