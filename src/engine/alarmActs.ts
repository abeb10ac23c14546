/** What people do with an alarm, of a meter or of the system: each act leaves who, when and why. */
import type { AlarmFault, AlarmInput } from "#alarms/alarmLife.ts";
import { shelfEndMs, shelfFault } from "#alarms/alarmTimes.ts";
import type { Alarm } from "#domain/alarm.ts";
import { alarmId } from "#domain/ids.ts";
import { unreachable } from "#domain/invariant.ts";
import type { Meter } from "#domain/meter.ts";
import type { Result } from "#domain/result.ts";
import { timestampMs } from "#domain/units.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { moveAlarm } from "./alarmDesk.ts";
import { publishAlarm, recordDraft, type Book } from "./book.ts";
import { refuse } from "./refuse.ts";
import { draftFor, type Room } from "./room.ts";
import { moveSystem } from "./systemAlarms.ts";

type AlarmAsk = Extract<Ask, { readonly kind: `alarm.${string}` }>;
type AlarmAct = Exclude<AlarmAsk, { readonly kind: "alarm.comment" }>;

/** An act as a step of the alarm's life. */
interface Act {
  readonly input: AlarmInput;
  readonly change: Partial<Alarm>;
  /** What is kept beside the alarm for those who ask later. */
  readonly words: string | null;
}

/** Acknowledges, shelves, unshelves, resets or comments. */
export function actOnAlarm(room: Room, book: Book, ask: AlarmAsk, by: string): AskResult {
  const alarm = room.ledger.alarm(alarmId(ask.alarmId));
  if (alarm === undefined) return refuse("not-found", `no alarm ${ask.alarmId}`);
  const meter = alarm.meterNo === null ? null : (book.memory.meters.get(alarm.meterNo) ?? null);
  if (ask.kind === "alarm.comment") {
    room.ledger.putAlarmComment(alarm.id, book.nowMs, by, ask.comment);
    publishAlarm(book, "alarm.commented", alarm, meter);
    return { ok: true, answer: { kind: "alarm", alarm } };
  }
  const act = actOf(book, ask, alarm, by);
  if (typeof act === "string") return refuse("invalid", act);
  const acted = carry(room, book, meter, alarm, act);
  if (!acted.ok) {
    const detail = `alarm is ${alarm.state}, occurrence ${alarm.occurrence}`;
    return { ok: false, refusal: { kind: acted.fault, detail, alarm } };
  }
  if (act.words !== null) room.ledger.putAlarmComment(alarm.id, book.nowMs, by, act.words);
  return { ok: true, answer: { kind: "alarm", alarm: acted.value } };
}

function carry(
  room: Room,
  book: Book,
  meter: Meter | null,
  alarm: Alarm,
  { input, change }: Act,
): Result<Alarm, AlarmFault> {
  if (meter === null) return moveSystem(book, alarm, input, change);
  const draft = draftFor(room, book, meter);
  const moved = moveAlarm(draft, alarm, input, change);
  if (moved.ok) recordDraft(book, draft);
  return moved;
}

/** The step and what it writes; a text: why it cannot be. */
function actOf(book: Book, ask: AlarmAct, alarm: Alarm, by: string): Act | string {
  const { nowMs } = book;
  switch (ask.kind) {
    case "alarm.acknowledge": {
      const input = { kind: "acknowledge", occurrence: ask.occurrence } as const;
      return { input, change: { acknowledgedAtMs: nowMs, acknowledgedBy: by }, words: ask.comment };
    }
    case "alarm.shelve": {
      const untilMs = timestampMs(shelfEndMs(alarm.priority, nowMs, ask.end));
      const fault = shelfFault(alarm.priority, nowMs, untilMs);
      if (fault !== null) return fault;
      const { reason, silence, occurrence } = ask;
      const isOnce = "onReturn" in ask.end;
      const kind = { ...(isOnce && { isOnce }), ...(silence && { silence }) };
      const hidden = { reason, by, sinceMs: nowMs, untilMs, ...kind };
      const input = { kind: "shelve", occurrence, isOnce } as const;
      return { input, change: { hidden }, words: ask.reason };
    }
    case "alarm.unshelve":
      return { input: { kind: "unshelve" }, change: {}, words: ask.reason };
    case "alarm.reset":
      return { input: { kind: "reset" }, change: {}, words: ask.reason };
    default:
      return unreachable(ask);
  }
}
