/** What happens although nothing arrives: commands run out of time, meters fall silent. Once a second. */
import { watchArrivals } from "./arrivals.ts";
import { moveAlarm } from "./alarmDesk.ts";
import { recordDraft, type Book } from "./book.ts";
import { watchBreaker } from "./breaker.ts";
import { watchEdgeNodes } from "./edgeNodes.ts";
import { watchPlannedWorks } from "./plannedWorkDesk.ts";
import { draftFor, type Room } from "./room.ts";
import { watchCampaigns } from "./campaignDesk.ts";
import { moveValve, noteSilence } from "./valveDesk.ts";
import { watchSilence } from "./silence.ts";
import { moveSystem } from "./systemAlarms.ts";
import { watchWorkOrders } from "./workOrderDesk.ts";
import { nextDue } from "#alarms/alarmTimes.ts";
import type { Alarm } from "#domain/alarm.ts";

/** So many meters' alarms are moved by their age in one look. */
const duePerWatch = 1_000;

/** Goes on where it stopped the last time; returns where to go on. */
export function watch(room: Room, book: Book, from: number): number {
  watchCommands(room, book);
  watchEdgeNodes(room, book);
  watchBreaker(room, book);
  watchCampaigns(room, book);
  watchWorkOrders(book);
  watchPlannedWorks(room, book);
  watchAlarms(room, book);
  watchArrivals(room, book);
  return watchSilence(room, book, from);
}

function watchCommands(room: Room, book: Book): void {
  for (const meterNo of [...room.memory.waiting]) {
    const meter = room.memory.meters.get(meterNo);
    if (meter === undefined) continue;
    const draft = draftFor(room, book, meter);
    moveValve(draft, { kind: "clock", nowMs: book.nowMs });
    const isSilent = noteSilence(draft);
    if (draft.effects.commands.length > 0 || isSilent) recordDraft(book, draft);
  }
}

/** Shelves end, and what nobody answers is told again. */
function watchAlarms(room: Room, book: Book): void {
  const due = [...room.memory.due].filter(([, atMs]) => atMs <= book.nowMs);
  // In an order that a restart does not change.
  due.sort(([one, oneMs], [other, otherMs]) => oneMs - otherMs || one - other);
  for (const [meterNo] of due.slice(0, duePerWatch)) {
    const meter = room.memory.meters.get(meterNo);
    if (meter === undefined) continue;
    const draft = draftFor(room, book, meter);
    for (const alarm of Object.values(draft.context.live)) {
      const move = dueMove(alarm, book.nowMs);
      if (move !== null) moveAlarm(draft, alarm, move.input, move.change);
    }
    recordDraft(book, draft);
  }
  for (const alarm of Object.values(room.memory.system)) {
    const move = alarm === undefined ? null : dueMove(alarm, book.nowMs);
    if (alarm !== undefined && move !== null) moveSystem(book, alarm, move.input, move.change);
  }
}

function dueMove(alarm: Alarm, nowMs: number) {
  const due = nextDue(alarm);
  if (due === null || due.atMs > nowMs) return null;
  const change = due.kind === "noAnswer" ? { unanswered: alarm.unanswered + 1 } : {};
  return { input: { kind: due.kind }, change } as const;
}
