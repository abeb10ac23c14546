/**
 * Self-closure watch (R21, SELF_CLOSURE): meters that shut themselves when the platform is silent. Not like R12, the
 * time before this engine began to listen counts: our own outage is what shuts a whole district. Nothing here
 * sends a command; who reads the alarm mends the way to the meters, or sends people.
 */
import { isSameProof, type Alarm, type Proof } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { dayMs, formatInstant, minuteMs, timestampMs } from "#domain/units.ts";
import { selfClosure, type ComingClosure } from "#rules/selfClosure.ts";
import {
  activate,
  activateUnder,
  closeSilent,
  isActive,
  moveAlarm,
  recordSilently,
  returnToNormal,
} from "./alarmDesk.ts";
import { recordDraft, type Book } from "./book.ts";
import type { Glance } from "./contexts.ts";
import type { Draft } from "./draft.ts";
import { groupOf } from "./groups.ts";
import type { Memory } from "./memory.ts";
import { draftFor, type Room } from "./room.ts";
import { liftSystem, raiseSystem } from "./systemAlarms.ts";

/** Our proposals. */
const selfClosureLimits = Object.freeze({
  /** So many meters near their close are one alarm with a list; as many of one group make it grave. */
  metersMin: 10,
  /** It is over when less than this share of them is left. */
  endShare: 0.5,
  /** One meter's alarm waits so long for others to join it. */
  holdMs: minuteMs,
  /** What shut itself counts with those that are about to for so long. */
  shutCountsMs: 7 * dayMs,
  /** The count is made anew after so long at the latest. */
  countEveryMs: minuteMs,
});

/** Looks at one meter; true: something about it was new and is written. */
export function watchSelfClosure(room: Room, book: Book, meter: Meter, context: Glance): boolean {
  const { R21: alarm } = context.live;
  const { R21: listed } = context.silent;
  const now = look(room, meter, context, book.nowMs);
  note(room, meter.no, now, book.nowMs);
  const known = isActive(alarm) ? alarm : listed;
  if (now === null) {
    if (known !== undefined) end(room, book, meter);
    return known !== undefined;
  }
  if (known?.proof["stage"] === now.stage) return false;
  const { SELF_CLOSURE: parent } = room.memory.system;
  const isAlone = room.memory.isSilenceKnown && book.nowMs >= now.nearSinceMs + holdMs;
  if (now.level === 2 && !isActive(parent) && !isAlone) return false;
  const draft = draftFor(room, book, meter);
  if (now.level === 2) ring(draft, now, isActive(parent) ? parent : undefined);
  else list(draft, now);
  recordDraft(book, draft);
  return true;
}

const { holdMs } = selfClosureLimits;

function look(
  { rules }: Room,
  meter: Meter,
  { lastReceivedAtMs, valve }: Glance,
  nowMs: number,
): ComingClosure | null {
  if (meter.selfClosesAfterDays === null || lastReceivedAtMs === null) return null;
  if (meter.lifecycle !== "active" || valve.position === "closed") return null;
  return selfClosure(rules.settingsAt(meter, nowMs).tuning.R21, meter, lastReceivedAtMs, nowMs);
}

function note({ memory }: Room, meterNo: number, now: ComingClosure | null, nowMs: number): void {
  const { selfClosing } = memory;
  const isCounted =
    now !== null &&
    now.stage !== "coming" &&
    nowMs - now.shutsAtMs < selfClosureLimits.shutCountsMs;
  if (isCounted && selfClosing.shutsAtMs.get(meterNo) !== now.shutsAtMs) {
    selfClosing.shutsAtMs.set(meterNo, now.shutsAtMs);
    selfClosing.isCounted = false;
  } else if (!isCounted && selfClosing.shutsAtMs.delete(meterNo)) selfClosing.isCounted = false;
}

/** A matter for the work list: there is time, or it is too late and somebody must go there. */
function list(draft: Draft, { level, proof }: ComingClosure): void {
  leave(draft);
  closeSilent(draft, "R21", draft.nowMs);
  recordSilently(draft, { rule: "R21", level, proof, raisedAtMs: draft.nowMs, returnedAtMs: null });
}

function ring(draft: Draft, { level, proof }: ComingClosure, parent: Alarm | undefined): void {
  const now = { rule: "R21", level, proof, raisedAtMs: draft.nowMs } as const;
  if (parent === undefined) activate(draft, now);
  else activateUnder(draft, now, parent, hiddenReason);
}

const hiddenReason = "self-closure";

function end(room: Room, book: Book, meter: Meter): void {
  const draft = draftFor(room, book, meter);
  leave(draft);
  closeSilent(draft, "R21", book.nowMs);
  recordDraft(book, draft);
}

/** Heard, or no longer near: its alarm is over, hidden or not. */
function leave(draft: Draft): void {
  returnToNormal(draft, "R21", draft.nowMs);
  const { R21: alarm } = draft.context.live;
  if (alarm?.state === "suppressed") moveAlarm(draft, alarm, { kind: "release" });
}

/** Raises, brings up to date and ends the alarm of all; each look ends with this. */
export function countSelfClosures(room: Room, book: Book): void {
  const { memory } = room;
  const { selfClosing, system } = memory;
  const isDue = book.nowMs - selfClosing.countedAtMs >= selfClosureLimits.countEveryMs;
  const { SELF_CLOSURE: known } = system;
  const isUp = isActive(known);
  if (selfClosing.isCounted && !(isDue && (isUp || selfClosing.shutsAtMs.size > 0))) return;
  selfClosing.isCounted = true;
  selfClosing.countedAtMs = book.nowMs;
  const { metersMin, endShare } = selfClosureLimits;
  const count = selfClosing.shutsAtMs.size;
  if (count >= metersMin || (isUp && count >= endShare * metersMin)) {
    const { proof, level } = tellOf(memory, book.nowMs);
    if (isUp && known.level === level && isSameProof(known.proof, proof)) return;
    raiseSystem(book, room.rng, "SELF_CLOSURE", proof, level);
    if (!isUp) takeUnder(room, book);
  } else if (isUp && memory.isSilenceKnown) {
    liftSystem(book, "SELF_CLOSURE");
    showAgain(room, book, known);
  }
}

/** How many, when the first and the last of them, and where most of them are. */
function tellOf(memory: Memory, nowMs: number): { readonly proof: Proof; readonly level: 1 | 2 } {
  const groups = new Map<string, number>();
  let [meters, shut, firstMs, lastMs] = [0, 0, Infinity, -Infinity];
  for (const [meterNo, shutsAtMs] of memory.selfClosing.shutsAtMs) {
    const meter = memory.meters.get(meterNo);
    if (meter === undefined) continue;
    if (shutsAtMs > nowMs) {
      meters += 1;
      firstMs = Math.min(firstMs, shutsAtMs);
      lastMs = Math.max(lastMs, shutsAtMs);
    } else shut += 1;
    const group = groupOf(memory, meter);
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
  const [group, groupMeters] = [...groups].reduce((most, one) => (one[1] > most[1] ? one : most), [
    "",
    0,
  ] as const);
  const times =
    meters === 0
      ? {}
      : {
          firstShutsAt: formatInstant(timestampMs(firstMs)),
          lastShutsAt: formatInstant(timestampMs(lastMs)),
        };
  const level = groupMeters >= selfClosureLimits.metersMin ? 2 : 1;
  return { proof: { meters, ...times, group, groupMeters, shut }, level };
}

/** What rang one by one before it was known how many they are. */
function takeUnder(room: Room, book: Book): void {
  const { SELF_CLOSURE: parent } = room.memory.system;
  if (parent === undefined) return;
  const hidden = { reason: hiddenReason, by: "engine", sinceMs: book.nowMs, untilMs: null };
  forEachRinging(room, book, (draft, alarm) => {
    if (alarm.hidden !== null) return;
    moveAlarm(draft, alarm, { kind: "suppress" }, { hidden, parentId: parent.id });
  });
}

/** Few are left: each of them is one meter's matter again. */
function showAgain(room: Room, book: Book, parent: Alarm): void {
  forEachRinging(room, book, (draft, alarm) => {
    if (alarm.parentId === parent.id) moveAlarm(draft, alarm, { kind: "release" });
  });
}

function forEachRinging(room: Room, book: Book, act: (draft: Draft, alarm: Alarm) => void): void {
  for (const meterNo of room.memory.selfClosing.shutsAtMs.keys()) {
    const meter = room.memory.meters.get(meterNo);
    const alarm = room.memory.contexts.glance(meterNo)?.live.R21;
    if (meter === undefined || alarm === undefined) continue;
    const draft = draftFor(room, book, meter);
    act(draft, alarm);
    if (draft.effects.alarms.size > 0) recordDraft(book, draft);
  }
}
