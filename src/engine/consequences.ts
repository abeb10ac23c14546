/**
 * First-out: what follows from another alarm of the same meter stands under it and does not ring; it rings when its
 * parent is over and it still stands. Looked at whenever something about the meter is written.
 */
import { follows, hiddenUnder, parentRuleOf, parentRules } from "#alarms/suppression.ts";
import type { Alarm, MeterRuleId } from "#domain/alarm.ts";
import { isActive, moveAlarm, putUnder } from "./alarmDesk.ts";
import type { Draft } from "./draft.ts";
import { hiddenByShutValve, isStilled } from "./shutValve.ts";

/** Takes under their parents what rang shortly before them, and shows what has lost its parent. */
export function followParents(draft: Draft): void {
  for (const rule of parentRules) {
    const parent = draft.context.live[rule];
    if (isActive(parent)) takeUnder(draft, parent);
  }
  for (const alarm of Object.values(draft.context.live)) {
    const parentRule = parentRuleOf(alarm.hidden);
    if (parentRule === undefined || alarm.state !== "suppressed") continue;
    const parent = draft.context.live[parentRule];
    if (!isActive(parent) || parent.id !== alarm.parentId) show(draft, alarm);
  }
}

/** What a person has seen already is left as it is. */
function takeUnder(draft: Draft, parent: Alarm): void {
  for (const alarm of Object.values(draft.context.live)) {
    if (alarm.state !== "unacknowledged" || !follows(alarm, parent)) continue;
    const hidden = hiddenUnder(parent.rule, draft.nowMs);
    moveAlarm(draft, alarm, { kind: "suppress" }, { hidden, parentId: parent.id });
  }
}

function show(draft: Draft, alarm: Alarm): void {
  if (isActive(alarm) && isStilled(draft, alarm.rule as MeterRuleId)) {
    putUnder(draft, alarm, null, hiddenByShutValve(draft.nowMs));
  } else moveAlarm(draft, alarm, { kind: "release" });
}
