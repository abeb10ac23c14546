/**
 * Rules other than the leak that a document lets ask for a close: they propose it to persons, once for each time that
 * they ring on fresh data. Nothing here moves a valve; what nobody agrees to runs out.
 */
import type { Alarm, MeterRuleId } from "#domain/alarm.ts";
import { closingRules } from "#domain/closePolicy.ts";
import { readingFlags } from "#domain/reading.ts";
import { leakCloseExpiresInMs } from "#valves/judge.ts";
import { isActive } from "./alarmDesk.ts";
import type { Draft } from "./draft.ts";
import { order } from "./valveDesk.ts";
import type { Settled } from "./window.ts";

/** Rules that have a way of their own to the valve, or no business there. */
const notHere: readonly string[] = ["R1", "R9", "R15", "R19", "PARKED", "COMMAND_MISMATCH"];

/** Whether the rules in force when the condition began let this one ask for a close. */
export function mayAsk({ rules, meter }: Draft, { rule, raisedAtMs }: Alarm): boolean {
  return rules.settingsAt(meter, raisedAtMs).conduct[rule as MeterRuleId].asksForClose;
}

/** Each rule that rings, may ask, and has not asked since it rang. */
export function proposeCloses(draft: Draft, settled: Settled): void {
  const proof = settled.newest.findLast(({ flags }) => (flags & readingFlags.LATE) === 0);
  if (proof === undefined) return;
  for (const alarm of Object.values(draft.context.live)) {
    if (notHere.includes(alarm.rule) || !isActive(alarm) || alarm.hidden !== null) continue;
    if (!mayAsk(draft, alarm)) continue;
    const rule = alarm.rule as MeterRuleId;
    const occurrence = `${alarm.id} ${alarm.occurrence}`;
    if (draft.context.proposed?.[rule] === occurrence) continue;
    draft.context = {
      ...draft.context,
      proposed: { ...draft.context.proposed, [rule]: occurrence },
    };
    // What waits for a person already says it all; the next occurrence asks again.
    if (draft.context.valve.outstanding !== null) continue;
    const { measuredAtMs, receivedAtMs } = proof;
    const closing = closingRules.find((name) => name === rule);
    order(draft, {
      cause: { kind: "alarm", ref: alarm.id },
      reason: alarm.rule,
      expiresInMs: leakCloseExpiresInMs,
      proof: { measuredAtMs, receivedAtMs, isLate: false, isDoubted: false },
      by: "engine",
      ...(closing === undefined ? {} : { rule: closing }),
      isProposal: true,
    });
  }
}
