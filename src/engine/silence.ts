/**
 * Meters that fall silent (R12) and detectors (R18), each for itself or as one: when a gateway or a cell fails, a
 * thousand silent meters are one alarm with a list (architecture 5.9), and nobody's leak waits behind them.
 */
import { explains } from "#alarms/suppression.ts";
import type { Alarm, Hidden, Occurrence } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { isWorkedAt } from "#domain/plannedWork.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { detectorSilent } from "#rules/detectorSilent.ts";
import { isListed } from "#rules/ruleTable.ts";
import { noContact } from "#rules/noContact.ts";
import {
  activate,
  activateUnder,
  isActive,
  moveAlarm,
  putUnder,
  recordSilently,
  returnToNormal,
} from "./alarmDesk.ts";
import { recordDraft, type Book } from "./book.ts";
import { calmNow } from "./calm.ts";
import type { MeterContext } from "./context.ts";
import type { Glance } from "./contexts.ts";
import { watchDates } from "./datesWatch.ts";
import type { Draft } from "./draft.ts";
import { groupOf, groupSizes } from "./groups.ts";
import { groupsOut, outageKey, type Memory } from "./memory.ts";
import { draftFor, type Room } from "./room.ts";
import { countSelfClosures, watchSelfClosure } from "./selfClosures.ts";
import { liftSystem, raiseSystem } from "./systemAlarms.ts";
import { hiddenByWork } from "./worksOver.ts";

/** Our proposals; a group is a gateway, or an area for meters that speak for themselves. */
export const silenceLimits = Object.freeze({
  /** Meters looked at in one second: a million take under a minute, a small fleet is seen every second. */
  metersPerWatch: 20_000,
  /**
   * So many fall silent in one look; the rest with the next one. When a network fails, everybody's silence must not
   * hold up the batch in which a leak waits.
   */
  silencesPerWatch: 500,
  /** So many silent meters of a group, and this share of it, are an outage. */
  outageMetersMin: 10,
  outageShareMin: 0.05,
  /** Who was known to be silent for so long when its group fell out is no part of it: dead radios are no outage. */
  outageJoinMs: dayMs,
  /** An outage is over when less than this share of what made it is left. */
  outageEndShare: 0.5,
  /** One silence waits so long for others to join it: nobody is in a hurry for one. */
  holdMs: 30 * minuteMs,
  /** The silence of a detector waits only for the look that may find its whole group silent. */
  detectorHoldMs: minuteMs,
});

const outageReason = "outage";

/** A detector's silence is a matter of its own. */
function silenceRule({ kind }: Meter): "R12" | "R18" {
  return kind === "detector" ? "R18" : "R12";
}

interface Silent {
  readonly meter: Meter;
  readonly group: string;
  readonly level: 1 | 2;
  readonly beganMs: number;
  readonly proof: Alarm["proof"];
}

/** Goes on where it stopped the last time; returns where to go on. */
export function watchSilence(room: Room, book: Book, from: number): number {
  const { memory } = room;
  const last = memory.sequences.meter;
  const until = Math.min(last, from + silenceLimits.metersPerWatch - 1);
  const found: Silent[] = [];
  const strays: Meter[] = [];
  let closures = 0;
  let next = until >= last ? 1 : until + 1;
  const calm = calmNow(memory.calm, {
    registryVersion: memory.registryVersion,
    rules: room.rules.newest(),
    lookedAtMs: book.nowMs,
  });
  for (let meterNo = from; meterNo <= until; meterNo += 1) {
    if (book.nowMs < (calm[meterNo] ?? 0)) continue;
    const meter = memory.meters.get(meterNo);
    const context = memory.contexts.glance(meterNo);
    if (meter !== undefined) watchDates(room, book, meter);
    if (meter === undefined || context === undefined) continue;
    const { silent, calmUntilMs } = look(room, meter, context, book.nowMs);
    if (silent !== null && !isKnown(context, silent)) found.push(silent);
    if (isStray(room, meter, context)) strays.push(meter);
    if (watchSelfClosure(room, book, meter, context)) closures += 1;
    while (calm.length < meterNo) calm.push(0);
    calm[meterNo] = isQuiet(memory, meter) ? Math.min(calmUntilMs, quietUntilMs(meter, book)) : 0;
    if (found.length + strays.length + closures >= silenceLimits.silencesPerWatch) {
      next = meterNo + 1;
      break;
    }
  }
  if (next === 1) memory.isSilenceKnown = true;
  watchOutages(room, book);
  countSelfClosures(room, book);
  for (const silent of found) tell(room, book, silent);
  for (const meter of strays) bringHome(room, book, meter);
  return next;
}

/** Nothing stands about it that a look could change. */
function isQuiet({ contexts, selfClosing }: Memory, meter: Meter): boolean {
  const context = contexts.glance(meter.no);
  const alarm = context?.live[silenceRule(meter)] ?? context?.live.R21 ?? context?.silent.R21;
  return alarm === undefined && !selfClosing.shutsAtMs.has(meter.no);
}

/** What its dates and its own closing allow. */
function quietUntilMs({ selfClosesAfterDays }: Meter, { nowMs }: Book): number {
  return nowMs + (selfClosesAfterDays === null ? hourMs : minuteMs);
}

interface Look {
  readonly silent: Silent | null;
  /** Nothing more is heard until then: it is not silent before. */
  readonly calmUntilMs: number;
}

/** A meter that never reported is a matter for the installers' work list, not for this alarm. */
function look({ memory, rules }: Room, meter: Meter, context: Glance, nowMs: number): Look {
  const group = groupOf(memory, meter);
  const heardMs = context.lastReceivedAtMs;
  if (heardMs === null || meter.lifecycle !== "active") {
    stand(memory, meter.no, null);
    return { silent: null, calmUntilMs: Infinity };
  }
  // Before this engine began to listen, silence was ours.
  const sinceMs = Math.max(heardMs, memory.startedAtMs);
  const { R12, R18 } = rules.settingsAt(meter, nowMs).tuning;
  const rule = silenceRule(meter);
  const { level, beganMs, proof } =
    rule === "R18"
      ? detectorSilent(R18, meter.reportEveryMs, sinceMs, nowMs)
      : noContact(R12, meter.reportEveryMs, sinceMs, nowMs);
  // What was silent before a restart and was not heard since is silent still.
  const known = context.live[rule];
  const isIn = level !== 0 || isActive(known);
  const toldAtMs = (isActive(known) ? known : context.silent[rule])?.raisedAtMs ?? nowMs;
  const isOwn = outSinceMs(memory, group, nowMs) - toldAtMs > silenceLimits.outageJoinMs;
  stand(memory, meter.no, isIn && !isOwn ? group : null);
  if (level !== 0) return { silent: { meter, group, level, beganMs, proof }, calmUntilMs: 0 };
  const longMs = rule === "R12" ? R12.silentDaysForLevel2 * dayMs : Infinity;
  return { silent: null, calmUntilMs: isIn ? 0 : Math.min(beganMs, sinceMs + longMs) };
}

/** Since when the group is out; now, if it is not. */
function outSinceMs({ system }: Memory, group: string, nowMs: number): number {
  const outage = system[outageKey(group)];
  return isActive(outage) ? outage.raisedAtMs : nowMs;
}

/** A silent meter is counted in the group that it belongs to now, and in no other; null: it is not silent. */
function stand({ silent, silentIn }: Memory, meterNo: number, group: string | null): void {
  const before = silentIn.get(meterNo) ?? null;
  if (before !== null && before !== group) {
    silent.get(before)?.delete(meterNo);
    silentIn.delete(meterNo);
  }
  if (group === null) return;
  silentIn.set(meterNo, group);
  const members = silent.get(group);
  if (members === undefined) silent.set(group, new Set([meterNo]));
  else members.add(meterNo);
}

/** Hidden under the outage of a group that is back, or that is no longer this meter's. */
function isStray({ memory }: Room, meter: Meter, { live }: Glance): boolean {
  const alarm = live[silenceRule(meter)];
  if (alarm?.state !== "suppressed" || alarm.hidden?.reason !== outageReason) return false;
  const own = memory.system[outageKey(groupOf(memory, meter))];
  return !isActive(own) || alarm.parentId !== own.id;
}

function bringHome(room: Room, book: Book, meter: Meter): void {
  const draft = draftFor(room, book, meter);
  const alarm = draft.context.live[silenceRule(meter)];
  if (alarm === undefined || !isStray(room, meter, draft.context)) return;
  const own = room.memory.system[outageKey(groupOf(room.memory, meter))];
  if (isActive(own)) putUnder(draft, alarm, own.id, alarm.hidden);
  else show(draft, alarm);
  recordDraft(book, draft);
}

function isKnown({ live, silent }: Glance, { level, meter }: Silent): boolean {
  const rule = silenceRule(meter);
  const known = live[rule];
  return (isActive(known) ? known.level : (silent[rule]?.level ?? 0)) >= level;
}

type Silence = Pick<Occurrence, "rule" | "level" | "proof" | "raisedAtMs">;

/** Two missed reports are for the work list of those who mind radio and batteries; three days are an alarm. */
function ring(draft: Draft, now: Silence): void {
  if (isListed(now.rule, now.level)) recordSilently(draft, { ...now, returnedAtMs: null });
  else activate(draft, now);
}

/** What an outage hid is a matter of its own again: an alarm, or a line of the work list. */
function show(draft: Draft, hidden: Alarm): void {
  const rule = silenceRule(draft.meter);
  const { level, proof, raisedAtMs } = hidden;
  const toList = isActive(hidden) && isListed(rule, level);
  if (toList) returnToNormal(draft, rule, draft.nowMs);
  moveAlarm(draft, draft.context.live[rule] ?? hidden, { kind: "release" });
  if (toList) ring(draft, { rule, level, proof, raisedAtMs });
}

function tell(room: Room, book: Book, silent: Silent): void {
  const { meter, group, level, proof, beganMs } = silent;
  const parent = book.memory.system[outageKey(group)];
  const draft = draftFor(room, book, meter);
  const rule = silenceRule(meter);
  const holdMs = rule === "R18" ? silenceLimits.detectorHoldMs : silenceLimits.holdMs;
  const now = { rule, level, proof, raisedAtMs: book.nowMs } as const;
  const isHidden = isActive(parent) && isOfOutage(book.memory, parent, silent);
  if (isHidden) activateUnder(draft, now, parent, outageReason);
  else if (book.nowMs - beganMs >= holdMs) ring(draft, now);
  else return;
  recordDraft(book, draft);
}

/**
 * A detector that was heard since its group fell out has fallen silent anew, which the outage explains only if as many
 * as make one have done so. Without it nobody would be warned in that kitchen.
 */
function isOfOutage(memory: Memory, { raisedAtMs }: Alarm, { meter, group }: Silent): boolean {
  const isAnew = (meterNo: number): boolean =>
    (memory.contexts.glance(meterNo)?.lastReceivedAtMs ?? 0) > raisedAtMs;
  if (meter.kind !== "detector" || !isAnew(meter.no)) return true;
  let left = neededIn(memory, group);
  for (const meterNo of memory.silent.get(group) ?? nobody) {
    if (isAnew(meterNo)) left -= 1;
    if (left <= 0) return true;
  }
  return false;
}

/** So many silent meters of a group are an outage. */
function neededIn(memory: Memory, group: string): number {
  const { outageMetersMin, outageShareMin } = silenceLimits;
  return Math.max(
    outageMetersMin,
    Math.ceil(outageShareMin * (groupSizes(memory).get(group) ?? 0)),
  );
}

const nobody: ReadonlySet<number> = new Set();

/** Raises and ends the alarms of whole groups, and takes the members' own alarms under them. */
function watchOutages(room: Room, book: Book): void {
  const { memory } = room;
  // An outage whose members all reported before they were looked at is in the system's alarms only.
  for (const group of new Set([...memory.silent.keys(), ...groupsOut(memory.system)])) {
    const members = memory.silent.get(group) ?? nobody;
    const meters = groupSizes(memory).get(group) ?? members.size;
    const needed = neededIn(memory, group);
    const key = outageKey(group);
    const known = memory.system[key];
    const silent = members.size;
    if (silent >= needed || (isActive(known) && silent >= silenceLimits.outageEndShare * needed)) {
      if (isActive(known) && known.proof["silent"] === silent) continue;
      const hidden = isActive(known) ? null : hiddenByWorkOver(room, book, members);
      raiseSystem(book, room.rng, key, { group, silent, meters }, 1, hidden);
      if (!isActive(known)) takeUnder(room, book, group, members);
    } else if (isActive(known) && memory.isSilenceKnown) {
      liftSystem(book, key);
      showAgain(room, book, known, members);
    }
    if (members.size === 0) memory.silent.delete(group);
  }
}

/** A planned work that goes on at every silent meter of the group explains the outage. */
function hiddenByWorkOver(
  { memory }: Room,
  { nowMs }: Book,
  members: ReadonlySet<number>,
): Hidden | null {
  const meters = [...members].flatMap((meterNo) => memory.meters.get(meterNo) ?? []);
  for (const work of memory.works.values()) {
    const hidden = hiddenByWork(work, nowMs);
    const isExplained = explains(hidden, { rule: "OUTAGE", level: 1, priority: 2 });
    if (isExplained && meters.every((meter) => isWorkedAt(work, meter, nowMs))) return hidden;
  }
  return null;
}

/** What rang one by one before the group was known to be out. */
function takeUnder(room: Room, book: Book, group: string, members: ReadonlySet<number>): void {
  const parent = book.memory.system[outageKey(group)];
  if (parent === undefined) return;
  const hidden = { reason: outageReason, by: "engine", sinceMs: book.nowMs, untilMs: null };
  forEach(room, book, members, (draft, { live, silent }) => {
    const rule = silenceRule(draft.meter);
    const alarm = live[rule];
    const listed = silent[rule];
    if (alarm?.hidden === null) {
      moveAlarm(draft, alarm, { kind: "suppress" }, { hidden, parentId: parent.id });
    } else if (alarm === undefined && listed !== undefined) {
      const { level, proof, raisedAtMs } = listed;
      activateUnder(draft, { rule, level, proof, raisedAtMs }, parent, outageReason);
    }
  });
}

/** Few are left: each of them is one meter's matter again. */
function showAgain(room: Room, book: Book, parent: Alarm, members: ReadonlySet<number>): void {
  forEach(room, book, members, (draft, { live }) => {
    const alarm = live[silenceRule(draft.meter)];
    if (alarm?.parentId === parent.id) show(draft, alarm);
  });
}

function forEach(
  room: Room,
  book: Book,
  members: ReadonlySet<number>,
  act: (draft: Draft, context: MeterContext) => void,
): void {
  for (const meterNo of members) {
    const meter = room.memory.meters.get(meterNo);
    const context = room.memory.contexts.get(meterNo);
    if (meter === undefined || context === undefined) continue;
    const draft = draftFor(room, book, meter);
    act(draft, context);
    if (draft.effects.alarms.size > 0) recordDraft(book, draft);
  }
}
