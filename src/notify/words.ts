/** What a person is told of an event, in their language. The postal address is not in it: events do not carry it. */
import type { Recipient } from "#domain/recipient.ts";
import type { Letter } from "#ports/messenger.ts";
import type { LocalTime } from "./duty.ts";
import type { ToldEvent } from "./toldEvent.ts";

interface Body {
  readonly alarm?: {
    readonly id: string;
    readonly message: { readonly en: string; readonly zh: string };
  };
  readonly workOrder?: {
    readonly id: string;
    readonly rule: string;
    readonly state: string;
    readonly escalations: number;
  };
}

const happenings: Readonly<Record<string, { readonly en: string; readonly zh: string }>> = {
  "alarm.raised": { en: "Alarm", zh: "报警" },
  "alarm.reraised": { en: "Alarm again", zh: "再次报警" },
  "alarm.escalated": { en: "Alarm graver", zh: "报警升级" },
  "alarm.unanswered": { en: "Alarm that nobody has acknowledged", zh: "报警无人确认" },
  "alarm.returned": { en: "Back to normal", zh: "报警恢复" },
  "alarm.cleared": { en: "Alarm ended", zh: "报警结束" },
  "workOrder.opened": { en: "Work order opened", zh: "新工单" },
  "workOrder.assigned": { en: "Work order assigned", zh: "工单已派发" },
  "workOrder.on_site": { en: "On site", zh: "已到场" },
  "workOrder.done": { en: "Work done", zh: "已处理" },
  "workOrder.called_back": { en: "Customer called back", zh: "已回访" },
  "workOrder.cancelled": { en: "Work order cancelled", zh: "工单已取消" },
  "workOrder.escalated": { en: "Work order overdue", zh: "工单超时" },
};

export type Words = Pick<Letter, "template" | "parameters" | "subject" | "text">;

export function wordsOf(
  event: ToldEvent,
  { language }: Pick<Recipient, "language">,
  local: LocalTime,
): Words {
  const { alarm, workOrder } = JSON.parse(event.json) as Body;
  const happened = happenings[event.kind]?.[language] ?? event.kind;
  const sentence = alarm?.message[language] ?? workOrderWords(workOrder, language);
  const meter = event.meterId ?? "-";
  const area = event.area ?? "-";
  const lines =
    language === "zh"
      ? [`时间：${local.text}`, `燃气表：${meter}`, `区域：${area}`, `事件序号：${event.seq}`]
      : [`Time: ${local.text}`, `Meter: ${meter}`, `Area: ${area}`, `Event: ${event.seq}`];
  return {
    template: workOrder === undefined ? "alarm" : "workOrder",
    parameters: { what: alarm === undefined ? happened : sentence, meter, area, at: local.text },
    subject: `${happened}${event.priority === null ? "" : ` P${event.priority}`}: ${meter}`,
    text: [`${happened}${language === "zh" ? "：" : ": "}${sentence}`, "", ...lines, ""].join("\n"),
  };
}

function workOrderWords(order: Body["workOrder"], language: "en" | "zh"): string {
  if (order === undefined) return "";
  const { id, rule, escalations } = order;
  const late =
    escalations === 0
      ? ""
      : language === "zh"
        ? `（第 ${escalations} 次超时）`
        : ` (overdue ${escalations} times)`;
  return `${rule} ${id}${late}`;
}
