/**
 * Suppression by design (gas-domain 3.1): behind a valve that is reported shut, flow that "never stops" is a matter
 * of the past. Should gas pass all the same, R9 says so, and then nothing is hidden.
 */
import type { MeterRuleId } from "#domain/alarm.ts";
import { isActive, moveAlarm } from "./alarmDesk.ts";
import type { MeterContext } from "./context.ts";
import type { Draft } from "./draft.ts";

const reason = "valve is shut";
const stillRules: readonly MeterRuleId[] = ["R5", "R6"];

/** Whether this rule's condition is not to ring because the valve is shut. */
export function isStilled(context: MeterContext, rule: MeterRuleId): boolean {
  return (
    stillRules.includes(rule) && context.valve.position === "closed" && !isActive(context.live.R9)
  );
}

/** Hides what the shut valve has ended, and shows it again when the valve is open or passes gas. */
export function followShutValve(draft: Draft): void {
  for (const rule of stillRules) {
    const alarm = draft.context.live[rule];
    if (alarm === undefined) continue;
    const isHidden = alarm.state === "suppressed" && alarm.hidden?.reason === reason;
    const isToBeHidden = isStilled(draft.context, rule) && isActive(alarm);
    if (isToBeHidden && alarm.hidden === null) {
      const hidden = { reason, by: "engine", sinceMs: draft.nowMs, untilMs: null };
      moveAlarm(draft, alarm, { kind: "suppress" }, { hidden });
    } else if (isHidden && !isStilled(draft.context, rule)) {
      moveAlarm(draft, alarm, { kind: "release" });
    }
  }
}
