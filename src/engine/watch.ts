/** What happens although nothing arrives: commands run out of time, meters fall silent. Once a second. */
import type { MeterContext } from "./context.ts";
import { activate, isActive, moveAlarm } from "./alarmDesk.ts";
import { recordDraft, type Book } from "./book.ts";
import { draftFor, type Room } from "./room.ts";
import { moveValve } from "./valveDesk.ts";
import { liftSystem, moveSystem, raiseSystem } from "./systemAlarms.ts";
import { noContact } from "#rules/noContact.ts";
import { factoryTuning } from "#rules/tuning.ts";
import { nextDue } from "#alarms/alarmTimes.ts";
import type { Alarm } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";

/** Meters looked at in one second: a million take under a minute, a small fleet is seen every second. */
const metersPerWatch = 20_000;
/**
 * So many fall silent in one look; the rest with the next one. When a network fails, everybody's silence must not
 * hold up the batch in which a leak waits.
 */
const silencesPerWatch = 500;

/** So many meters' alarms are moved by their age in one look. */
const duePerWatch = 1_000;

/** Goes on where it stopped the last time; returns where to go on. */
export function watch(room: Room, book: Book, from: number): number {
  watchCommands(room, book);
  watchBreaker(room, book);
  watchAlarms(room, book);
  return watchContact(room, book, from);
}

function watchCommands(room: Room, book: Book): void {
  for (const meterNo of [...room.memory.waiting]) {
    const meter = room.memory.meters.get(meterNo);
    if (meter === undefined) continue;
    const draft = draftFor(room, book, meter);
    moveValve(draft, { kind: "clock", nowMs: book.nowMs });
    if (draft.effects.commands.length > 0) recordDraft(book, draft);
  }
}

/** What the breaker holds goes to a person at top priority, and stays there until it is decided. */
function watchBreaker(room: Room, book: Book): void {
  const held = room.memory.held.size;
  const known = room.memory.system.BREAKER;
  if (held === 0) liftSystem(book, "BREAKER");
  else if (known?.proof["held"] !== held || known.returnedAtMs !== null) {
    raiseSystem(book, room.rng, "BREAKER", { held });
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
    const move = dueMove(alarm, book.nowMs);
    if (move !== null) moveSystem(book, alarm, move.input, move.change);
  }
}

function dueMove(alarm: Alarm, nowMs: number) {
  const due = nextDue(alarm);
  if (due === null || due.atMs > nowMs) return null;
  const change = due.kind === "noAnswer" ? { unanswered: alarm.unanswered + 1 } : {};
  return { input: { kind: due.kind }, change } as const;
}

function watchContact(room: Room, book: Book, from: number): number {
  const { memory } = room;
  const last = memory.sequences.meter;
  const until = Math.min(last, from + metersPerWatch - 1);
  let silences = 0;
  for (let meterNo = from; meterNo <= until; meterNo += 1) {
    const meter = memory.meters.get(meterNo);
    const context = memory.contexts.get(meterNo);
    if (meter === undefined || context === undefined) continue;
    if (watchMeter(room, book, meter, context)) silences += 1;
    if (silences === silencesPerWatch) return meterNo + 1;
  }
  return until >= last ? 1 : until + 1;
}

/** A meter that never reported is a matter for the installers' work list, not for this alarm. */
function watchMeter(room: Room, book: Book, meter: Meter, context: MeterContext): boolean {
  if (context.lastReceivedAtMs === null || meter.lifecycle !== "active") return false;
  const sinceMs = Math.max(context.lastReceivedAtMs, room.memory.startedAtMs);
  const { level, proof } = noContact(factoryTuning.R12, meter.reportEveryMs, sinceMs, book.nowMs);
  const known = context.live.R12;
  if (level === 0 || (isActive(known) && level === known?.level)) return false;
  const draft = draftFor(room, book, meter);
  activate(draft, { rule: "R12", level, proof, raisedAtMs: book.nowMs });
  recordDraft(book, draft);
  return true;
}
