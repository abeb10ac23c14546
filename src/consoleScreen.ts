/** What an operator sees in a terminal: what rings, what is ordered, and when an order can take effect. No input. */

export interface ShownAlarm {
  readonly rule: string;
  readonly priority: number;
  readonly state: string;
  readonly meterId: string | null;
  readonly area: string | null;
  readonly raisedAt: string;
  readonly message: { readonly en: string; readonly zh: string };
}

export interface ShownCommand {
  readonly meterId: string;
  readonly area: string;
  readonly action: string;
  readonly state: string;
  readonly detail: string | null;
  readonly reason: string;
  readonly requestedAt: string;
  readonly expiresAt: string;
  readonly takesEffect: { readonly earliestAt: string; readonly latestAt: string | null } | null;
}

export interface Screen {
  readonly alarms: readonly ShownAlarm[];
  /** There are more than are shown. */
  readonly moreAlarms: boolean;
  readonly commands: readonly ShownCommand[];
  readonly moreCommands: boolean;
}

export type ScreenLanguage = "en" | "zh-CN";

const words = {
  en: {
    alarms: "Alarms",
    commands: "Orders that are not at their end",
    none: "none",
    more: "… and more",
    wake: (expected: string, latest: string) =>
      `takes effect at the next wake: expected ${expected}, latest ${latest}`,
    unknown: "takes effect when the meter is heard again, and nobody can say when",
    sent: "on its way; the meter's answer or its readings come next",
    expires: (at: string) => `expires ${at}`,
  },
  "zh-CN": {
    alarms: "报警",
    commands: "未完成的命令",
    none: "无",
    more: "… 还有更多",
    wake: (expected: string, latest: string) => `下次唤醒时生效：预计 ${expected}，最迟 ${latest}`,
    unknown: "表具再次上报时生效，时间无法预计",
    sent: "已下发，等待表具应答或读数",
    expires: (at: string) => `有效至 ${at}`,
  },
} as const;

/** The screen's lines; times of day in the zone, with the date where it is another day. */
export function screenLines(
  screen: Screen,
  { language, zone, nowMs }: { language: ScreenLanguage; zone: string; nowMs: number },
): readonly string[] {
  const say = words[language];
  const time = clockIn(zone, nowMs);
  const alarms = screen.alarms.map(
    ({ priority, state, rule, meterId, area, raisedAt, message }) => {
      const place = [meterId, area].filter((part) => part !== null).join(" ");
      const text = language === "en" ? message.en : message.zh;
      return `  P${priority}  ${time(raisedAt)}  ${rule}  ${place}  ${state}  ${text}`;
    },
  );
  const commands = screen.commands.flatMap((command) => [
    `  ${time(command.requestedAt)}  ${command.meterId} ${command.area}  ${command.action}  ` +
      `${[command.state, command.detail].filter((part) => part !== null).join(" ")}  (${command.reason})`,
    `      ${effectOf(command, say, time)}; ${say.expires(time(command.expiresAt))}`,
  ]);
  const list = (title: string, lines: readonly string[], more: boolean) => [
    "",
    title,
    ...(lines.length === 0 ? [`  ${say.none}`] : lines),
    ...(more ? [`  ${say.more}`] : []),
  ];
  return [
    `mercaptan  ${time(new Date(nowMs).toISOString())}  ${zone}`,
    ...list(say.alarms, alarms, screen.moreAlarms),
    ...list(say.commands, commands, screen.moreCommands),
  ];
}

function effectOf(
  { takesEffect }: ShownCommand,
  say: (typeof words)[ScreenLanguage],
  time: (instant: string) => string,
): string {
  if (takesEffect === null) return say.sent;
  if (takesEffect.latestAt === null) return say.unknown;
  return say.wake(time(takesEffect.earliestAt), time(takesEffect.latestAt));
}

function clockIn(zone: string, nowMs: number): (instant: string) => string {
  const day = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" });
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, timeStyle: "short" });
  return (instant) => {
    const at = new Date(instant);
    const isToday = day.format(at) === day.format(nowMs);
    return isToday ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
  };
}
