/** Meters entering the registry and changing in it. */
import type { Meter, MeterDraft } from "#domain/meter.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { returnToNormal } from "./alarmDesk.ts";
import { nextNumber, publish, recordDraft, type Book } from "./book.ts";
import { rememberMeter } from "./memory.ts";
import { draftFor, type Room } from "./room.ts";
import { moveValve } from "./valveDesk.ts";
import { refuse } from "./refuse.ts";

/** A new meter; its id and its frame address must be free. */
export function registerMeter(book: Book, draft: MeterDraft): AskResult {
  const { memory } = book;
  if (memory.meterNoById.has(draft.id)) {
    return refuse("already-exists", `meter ${draft.id} is registered`);
  }
  const clash = addressClash(book, draft.frameAddress, null);
  if (clash !== null) return clash;
  const meter: Meter = { ...draft, no: nextNumber(memory, "meter"), version: 1 };
  keep(book, meter);
  memory.automation = { ...memory.automation, fleetSize: memory.meters.size };
  publish(book, "meter.registered", meter, {});
  return { ok: true, answer: { kind: "meter", meter } };
}

/** A change of a meter, if it is still the version that the person saw. */
export function changeMeter(
  room: Room,
  book: Book,
  ask: Extract<Ask, { readonly kind: "meter.change" }>,
  by: string,
): AskResult {
  const { memory } = book;
  const before = memory.meters.get(memory.meterNoById.get(ask.meterId) ?? -1);
  if (before === undefined) return refuse("not-found", `no meter ${ask.meterId}`);
  if (ask.ifVersion !== null && ask.ifVersion !== before.version) {
    return refuse("version-conflict", `the meter is at version ${before.version}`);
  }
  const clash = addressClash(book, ask.change.frameAddress ?? null, before.no);
  if (clash !== null) return clash;
  const meter: Meter = {
    ...before,
    ...ask.change,
    id: before.id,
    no: before.no,
    version: before.version + 1,
  };
  keep(book, meter);
  if (before.lifecycle === "active" && meter.lifecycle !== "active")
    leaveService(room, book, meter, by);
  publish(book, "meter.changed", meter, { by, version: meter.version });
  return { ok: true, answer: { kind: "meter", meter } };
}

/** A command to a meter that left service is void, and its silence concerns nobody (faults-and-security 5). */
function leaveService(room: Room, book: Book, meter: Meter, by: string): void {
  const draft = draftFor(room, book, meter);
  const before = draft.context;
  const open = before.valve.outstanding;
  if (open !== null) {
    moveValve(draft, { kind: "cancel", commandId: open.command.id, by, nowMs: book.nowMs });
  }
  returnToNormal(draft, "R12", book.nowMs);
  if (draft.context !== before) recordDraft(book, draft);
}

function addressClash(book: Book, address: string | null, ownNo: number | null): AskResult | null {
  if (address === null) return null;
  const holder = book.memory.meterNoByAddress.get(address);
  if (holder === undefined || holder === ownNo) return null;
  return refuse("already-exists", `frame address ${address} belongs to another meter`);
}

function keep(book: Book, meter: Meter): void {
  const { memory } = book;
  const before = memory.meters.get(meter.no);
  book.ledger.putMeter(meter);
  rememberMeter(memory, meter);
  book.changed.meters.set(meter.no, meter);
  book.undo.push(() => {
    if (before !== undefined) {
      rememberMeter(memory, before);
      return;
    }
    memory.meters.delete(meter.no);
    memory.meterNoById.delete(meter.id);
    if (meter.frameAddress !== null) memory.meterNoByAddress.delete(meter.frameAddress);
  });
}
