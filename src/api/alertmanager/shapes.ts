/** Standing alarms and shelves in the words of Alertmanager's API, version 2. */
import { createHash } from "node:crypto";
import type { Alarm, Matcher } from "#domain/alarm.ts";
import { formatInstant, minuteMs } from "#domain/units.ts";
import type { AlarmView } from "#ports/queries.ts";
import type { DescribeAlarm } from "../json/alarm.ts";
import type { Labels } from "./matchers.ts";

/** There is one: whoever watches our alarms. */
export const receiver = { name: "mercaptan" } as const;

/** What alarms are chosen by. A label that does not apply is left out. */
export function labelsOf({ alarm, meter }: AlarmView): Labels {
  return {
    alertname: alarm.rule,
    rule: alarm.rule,
    priority: String(alarm.priority),
    severity: `p${alarm.priority}`,
    alarm_id: alarm.id,
    alarm_state: alarm.state,
    ...(meter === null ? {} : { meter: meter.id, area: meter.area, site_class: meter.siteClass }),
    ...(alarm.subject === null ? {} : { subject: alarm.subject }),
  };
}

/** One alarm. It ends when it is over here, not by a time-out; until then its end is told to be a little ahead. */
export function alertOf(view: AlarmView, describe: DescribeAlarm, nowMs: number) {
  const { alarm, meter } = view;
  const words = describe(alarm, meter?.id ?? null);
  const changes = [alarm.knownAtMs, alarm.acknowledgedAtMs, alarm.returnedAtMs, alarm.rungAtMs];
  return {
    labels: labelsOf(view),
    annotations: {
      summary: words.en,
      summary_zh: words.zh,
      ...(alarm.acknowledgedBy === null ? {} : { acknowledged_by: alarm.acknowledgedBy }),
      ...(alarm.hidden === null ? {} : { hidden_because: alarm.hidden.reason }),
    },
    startsAt: formatInstant(alarm.raisedAtMs),
    endsAt: formatInstant(nowMs + 5 * minuteMs),
    updatedAt: formatInstant(Math.max(...changes.map((atMs) => atMs ?? 0))),
    fingerprint: createHash("sha256").update(alarm.id).digest("hex").slice(0, 16),
    receivers: [receiver],
    status: statusOf(alarm),
  };
}

function statusOf(alarm: Alarm) {
  if (alarm.state === "shelved")
    return { state: "suppressed", silencedBy: [silenceIdOf(alarm)], inhibitedBy: [] };
  if (alarm.state === "suppressed" || alarm.state === "out-of-service") {
    return { state: "suppressed", silencedBy: [], inhibitedBy: [alarm.parentId ?? alarm.state] };
  }
  return { state: "active", silencedBy: [], inhibitedBy: [] };
}

/** What was shelved elsewhere is a silence of its own. */
export function silenceIdOf({ id, hidden }: Alarm): string {
  return hidden?.silence?.id ?? id;
}

/** Shelved alarms as silences: those that one act shelved are one. */
export function silencesOf(views: readonly AlarmView[]) {
  const shelved = views.filter(({ alarm }) => alarm.state === "shelved" && alarm.hidden !== null);
  const groups = Map.groupBy(shelved, ({ alarm }) => silenceIdOf(alarm));
  return [...groups].flatMap(([id, own]) => {
    const [first] = own;
    const hidden = first?.alarm.hidden;
    if (first === undefined || hidden === undefined || hidden === null) return [];
    const matchers: readonly Matcher[] = hidden.silence?.matchers ?? [
      { name: "alarm_id", value: first.alarm.id, isRegex: false, isEqual: true },
    ];
    return {
      id,
      status: { state: "active" },
      matchers: [...matchers],
      startsAt: formatInstant(hidden.sinceMs),
      endsAt: formatInstant(hidden.untilMs ?? hidden.sinceMs),
      updatedAt: formatInstant(hidden.sinceMs),
      createdBy: hidden.by,
      comment: hidden.reason,
    };
  });
}
