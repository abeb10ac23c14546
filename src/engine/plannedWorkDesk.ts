/**
 * Planned work: persons plan, extend and end it; the watch begins it by the clock, says when it is overdue, and shows
 * at its end what still stands. It hides alarms as the table of suppression says, never a record, never priority 1.
 */
import type { Alarm } from "#domain/alarm.ts";
import { alarmId } from "#domain/ids.ts";
import {
  publicWork,
  workLimits,
  workStateAt,
  type PlannedWork,
  type WorkEntry,
  type WorkKind,
} from "#domain/plannedWork.ts";
import { dayMs, formatInstant, timestampMs } from "#domain/units.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { isActive, moveAlarm, putUnder } from "./alarmDesk.ts";
import { publish, recordDraft, type Book } from "./book.ts";
import { groupOf } from "./groups.ts";
import { outageKey } from "./memory.ts";
import { refuse } from "./refuse.ts";
import { draftFor, type Room } from "./room.ts";
import { liftSystem, moveSystem, raiseSystem } from "./systemAlarms.ts";
import { hiddenByWork, workOver } from "./worksOver.ts";

type WorkAsk = Extract<Ask, { readonly kind: `plannedWork.${string}` }>;

/** So many meters' alarms come back into sight in one look; the rest with the next one. */
const metersPerLook = 500;

/** Plans, extends or ends. */
export function actOnPlannedWork(book: Book, ask: WorkAsk, by: string): AskResult {
  if (ask.kind === "plannedWork.plan") return plan(book, ask, by);
  const known = book.memory.works.get(ask.plannedWorkId);
  if (known === undefined) {
    return book.ledger.plannedWork(ask.plannedWorkId) === undefined
      ? refuse("not-found", `no planned work ${ask.plannedWorkId}`)
      : refuse("not-allowed-in-state", "the work is over");
  }
  const { nowMs } = book;
  if (ask.kind === "plannedWork.extend") {
    const toMs = timestampMs(ask.toMs);
    const fault = windowFault(known.kind, known.fromMs, toMs, nowMs);
    if (fault !== null) return refuse("invalid", fault);
    return keep(book, { ...known, toMs }, { by, act: "extended", reason: ask.reason });
  }
  const act = nowMs < known.fromMs ? "cancelled" : "finished";
  return keep(book, { ...known, endedAtMs: nowMs }, { by, act, reason: ask.reason });
}

function plan(
  book: Book,
  ask: Extract<WorkAsk, { readonly kind: "plannedWork.plan" }>,
  by: string,
): AskResult {
  const { memory, nowMs } = book;
  const { kind, areas, meterIds, fromMs, toMs } = ask.work;
  const unknownMeter = meterIds.find((id) => !memory.meterNoById.has(id));
  if (unknownMeter !== undefined) return refuse("not-found", `no meter ${unknownMeter}`);
  const unknownArea = areas.find((area) => !memory.areaSizes.has(area));
  if (unknownArea !== undefined) return refuse("not-found", `no meter in an area ${unknownArea}`);
  if (memory.works.size >= workLimits.openMax) {
    return refuse("invalid", `there are ${workLimits.openMax} works already that nobody has ended`);
  }
  if (fromMs < nowMs - workLimits.lateMsMax) {
    return refuse("invalid", "the beginning lies in the past, and the past is not explained");
  }
  const fault = windowFault(kind, fromMs, toMs, nowMs);
  if (fault !== null) return refuse("invalid", fault);
  const window = { fromMs: timestampMs(fromMs), toMs: timestampMs(toMs) };
  const work = { ...ask.work, ...window, id: ask.plannedWorkId, endedAtMs: null, trace: [] };
  return keep(book, work, { by, act: "planned", reason: work.reason });
}

function windowFault(kind: WorkKind, fromMs: number, toMs: number, nowMs: number): string | null {
  const lengthMsMax = workLimits.lengthMsMax[kind];
  if (toMs <= fromMs || toMs <= nowMs) return "the end lies before the beginning or in the past";
  if (toMs - fromMs <= lengthMsMax) return null;
  return `work of this kind (${kind}) takes ${lengthMsMax / dayMs} days at most`;
}

/** Every change leaves a line in the plan and an event; what is over leaves memory. */
function keep(
  book: Book,
  changed: PlannedWork,
  entry: Pick<WorkEntry, "by" | "act" | "reason">,
): AskResult {
  const { nowMs, memory } = book;
  const trace = [...changed.trace, { ...entry, atMs: nowMs, toMs: changed.toMs }];
  const work = { ...changed, trace };
  const before = memory.works.get(work.id);
  book.ledger.putPlannedWork(work);
  if (work.endedAtMs === null) memory.works.set(work.id, work);
  else memory.works.delete(work.id);
  book.undo.push(() => {
    if (before === undefined) memory.works.delete(work.id);
    else memory.works.set(work.id, before);
  });
  publish(book, `work.${entry.act}`, null, { plannedWork: publicWork(work, nowMs) });
  return { ok: true, answer: { kind: "plannedWork", work } };
}

/** Begins what is due, tells what is overdue, and shows what is no longer explained. */
export function watchPlannedWorks(room: Room, book: Book): void {
  const { works } = book.memory;
  const overdue: PlannedWork[] = [];
  for (const work of [...works.values()]) {
    const state = workStateAt(work, book.nowMs);
    const told = work.trace.findLast(({ act }) => act !== "extended")?.act;
    if (told === "planned" && state !== "planned") note(book, work, "started");
    if (state !== "overdue") continue;
    overdue.push(work);
    if (work.trace.at(-1)?.act !== "overdue") note(book, works.get(work.id) ?? work, "overdue");
  }
  tellOverdue(room, book, overdue);
  showUnexplained(room, book);
}

function note(book: Book, work: PlannedWork, act: "started" | "overdue"): void {
  keep(book, work, { by: "engine", act, reason: null });
}

/** One alarm for all of them: somebody must end or extend them, and what rings meanwhile rings. */
function tellOverdue(room: Room, book: Book, overdue: readonly PlannedWork[]): void {
  const [first] = [...overdue].sort((one, other) => one.toMs - other.toMs);
  const { WORK: known } = book.memory.system;
  if (first === undefined) {
    if (isActive(known)) liftSystem(book, "WORK");
    return;
  }
  const { id, kind, responsible, toMs } = first;
  const proof = { works: overdue.length, work: id, kind, responsible, to: formatInstant(toMs) };
  const isSame = isActive(known) && known.proof["works"] === proof.works;
  if (!isSame || known.proof["work"] !== id) raiseSystem(book, room.rng, "WORK", proof);
}

function showUnexplained(room: Room, book: Book): void {
  const { memory, nowMs } = book;
  const isOver = (workId: string | undefined) => {
    const work = workId === undefined ? undefined : memory.works.get(workId);
    return work === undefined || workStateAt(work, nowMs) !== "running";
  };
  let left = metersPerLook;
  for (const [workId, meterNos] of memory.hiddenByWork) {
    if (!isOver(workId)) continue;
    for (const meterNo of meterNos) {
      if (left <= 0) return;
      left -= 1;
      showMeter(room, book, meterNo, workId);
    }
  }
  for (const alarm of Object.values(memory.system)) {
    const workId = alarm?.hidden?.workId;
    if (alarm !== undefined && workId !== undefined && isOver(workId)) {
      moveSystem(book, alarm, { kind: "release" });
    }
  }
}

function showMeter(room: Room, book: Book, meterNo: number, workId: string): void {
  const meter = room.memory.meters.get(meterNo);
  if (meter === undefined) return;
  const draft = draftFor(room, book, meter);
  for (const alarm of Object.values(draft.context.live)) {
    if (alarm.hidden?.workId !== workId) continue;
    const other = workOver(draft.works, meter, draft.nowMs, alarm);
    const outage = room.memory.system[outageKey(groupOf(room.memory, meter))];
    if (other !== undefined) {
      putUnder(draft, alarm, alarmId(other.id), hiddenByWork(other, draft.nowMs));
    } else if (isSilence(alarm) && isActive(outage)) {
      const hidden = { reason: "outage", by: "engine", sinceMs: draft.nowMs, untilMs: null };
      putUnder(draft, alarm, outage.id, hidden);
    } else moveAlarm(draft, alarm, { kind: "release" });
  }
  recordDraft(book, draft);
}

const silences: readonly string[] = ["R12", "R18"];

function isSilence({ rule }: Alarm): boolean {
  return silences.includes(rule);
}
