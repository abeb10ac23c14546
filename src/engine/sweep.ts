/**
 * Retention: once a day what is older than it must be kept goes, a bounded step a second, oldest first, in the engine's
 * own transactions. How far a sweep has come is kept with it, so a restart goes on and the audit tells all of it.
 */
import { retainedKinds, type RetainedKind } from "#domain/retention.ts";
import { dayMs, formatInstant, timestampMs } from "#domain/units.ts";
import type { Book } from "./book.ts";
import type { Room } from "./room.ts";

/** Some milliseconds of a second; 86 million rows a day. */
const rowsOfStep = 1_000;
const settingName = "retention.sweeps";

interface Sweep {
  readonly beforeMs: number;
  readonly lastNo: number;
  readonly deleted: number;
}

/** `sweptAtMs`: when the newest sweep began. */
interface KindState {
  readonly sweptAtMs: number;
  readonly sweep: Sweep | null;
}

type SweepStates = Readonly<Partial<Record<RetainedKind, KindState>>>;

/** One step of one kind; nothing when nothing is due. */
export function sweepOld(room: Room, book: Book): void {
  const { retention = {} } = room;
  const kinds = retainedKinds.filter((kind) => retention[kind] !== undefined);
  if (kinds.length === 0) return;
  const states = JSON.parse(room.ledger.setting(settingName) ?? "{}") as SweepStates;
  for (const kind of kinds) {
    const days = retention[kind] ?? Infinity;
    const state = dueState(states[kind], book.nowMs, days);
    if (state?.sweep === null || state === null) continue;
    const next = step(room, book, kind, state.sweep);
    const kept = { ...states, [kind]: { ...state, sweep: next } };
    room.ledger.putSetting(settingName, JSON.stringify(kept));
    return;
  }
}

/** A sweep that is under way, or a new one when a day has passed; null: nothing to do. */
function dueState(state: KindState | undefined, nowMs: number, days: number): KindState | null {
  if (state !== undefined && state.sweep !== null) return state;
  if (state !== undefined && Math.abs(nowMs - state.sweptAtMs) < dayMs) return null;
  return { sweptAtMs: nowMs, sweep: { beforeMs: nowMs - days * dayMs, lastNo: 0, deleted: 0 } };
}

function step(room: Room, book: Book, kind: RetainedKind, sweep: Sweep): Sweep | null {
  const { beforeMs, lastNo: from } = sweep;
  const { deleted: now, lastNo, isEnd } = room.ledger.dropOld(kind, beforeMs, from, rowsOfStep);
  const deleted = sweep.deleted + now;
  if (!isEnd) return { beforeMs, lastNo, deleted };
  if (deleted > 0) {
    room.ledger.putAudit({
      atMs: book.nowMs,
      actor: "retention",
      role: "process",
      act: "retention.sweep",
      subject: kind,
      reason: null,
      detailJson: JSON.stringify({
        deleted,
        olderThan: formatInstant(timestampMs(beforeMs)),
        throughNo: lastNo,
      }),
    });
  }
  return null;
}
