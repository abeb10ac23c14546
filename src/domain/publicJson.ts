/** Alarms and commands as everybody outside sees them: the same object in events, in the feed and in the API. */
import type { Alarm } from "./alarm.ts";
import type { Command, CommandTransition } from "./command.ts";
import type { Meter } from "./meter.ts";
import { formatInstant } from "./units.ts";

export interface BilingualText {
  readonly en: string;
  readonly zh: string;
}

function instant(atMs: number | null): string | null {
  return atMs === null ? null : formatInstant(atMs);
}

/** CONTRACT section 3, "alarm"; without the postal address, which only some roles may see. */
export function publicAlarm(alarm: Alarm, meter: Meter | null, message: BilingualText) {
  return {
    id: alarm.id as string,
    meterId: meter === null ? null : (meter.id as string),
    area: meter === null ? null : meter.area,
    rule: alarm.rule,
    subject: alarm.subject,
    ruleVersion: alarm.ruleVersion,
    level: alarm.level,
    priority: alarm.priority,
    occurrence: alarm.occurrence,
    historical: alarm.historical,
    state: alarm.state,
    raisedAt: formatInstant(alarm.raisedAtMs),
    returnedAt: instant(alarm.returnedAtMs),
    knownAt: formatInstant(alarm.knownAtMs),
    acknowledgedAt: instant(alarm.acknowledgedAtMs),
    acknowledgedBy: alarm.acknowledgedBy,
    hidden:
      alarm.hidden === null
        ? null
        : {
            reason: alarm.hidden.reason,
            by: alarm.hidden.by,
            since: formatInstant(alarm.hidden.sinceMs),
            until: instant(alarm.hidden.untilMs),
            once: alarm.hidden.isOnce === true,
            plannedWork: alarm.hidden.workId ?? null,
          },
    rungAt: instant(alarm.rungAtMs),
    unanswered: alarm.unanswered,
    parentId: alarm.parentId as string | null,
    listed: alarm.listed,
    message,
    proof: { ...alarm.proof },
    position: meter === null ? null : meter.position,
  };
}

/** CONTRACT section 3, "command". */
export function publicCommand(
  command: Command,
  meterId: string,
  history: readonly CommandTransition[],
) {
  return {
    id: command.id as string,
    meterId,
    action: command.action,
    cause: command.cause,
    reason: command.reason,
    state: command.state,
    detail: command.detail,
    attempts: command.attempts,
    approvalsNeeded: command.approvalsNeeded,
    approvals: command.approvals.map(({ by, role, atMs }) => ({
      by,
      role: role as string,
      at: formatInstant(atMs),
    })),
    permit:
      command.permit === null
        ? null
        : {
            workOrder: command.permit.workOrder,
            leakCheck: command.permit.leakCheck,
            leakCheckAt: formatInstant(command.permit.leakCheckAtMs),
          },
    parameters: command.parameters,
    armedAt: instant(command.armedAtMs),
    requestedAt: formatInstant(command.requestedAtMs),
    expiresAt: formatInstant(command.expiresAtMs),
    sentAt: instant(command.sentAtMs),
    history: history.map(({ state, atMs, by, detail }) => ({
      state,
      at: formatInstant(atMs),
      by,
      detail,
    })),
  };
}
