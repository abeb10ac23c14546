/** Meters entering the registry and changing in it. */
import { isFrameAddress, type Meter, type MeterDraft } from "#domain/meter.ts";
import type { MeterFiles } from "#ports/meterFiles.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { closeSilent, isActive, moveAlarm, returnToNormal } from "./alarmDesk.ts";
import { nextNumber, publish, recordDraft, type Book } from "./book.ts";
import { forgetCounters } from "./keyAsks.ts";
import { forgetMeter, rememberMeter } from "./memory.ts";
import { draftFor, type Room } from "./room.ts";
import { noteLooser } from "./movedMeter.ts";
import { moveValve } from "./valveDesk.ts";
import { refuse } from "./refuse.ts";

/** A new meter; its id and its frame address must be free. */
export function registerMeter({ files }: Room, book: Book, draft: MeterDraft): AskResult {
  const { memory } = book;
  if (memory.meterNoById.has(draft.id)) {
    return refuse("already-exists", `meter ${draft.id} is registered`);
  }
  const clash = addressClash(book, draft, null);
  if (clash !== null) return clash;
  const odd = oddAddress(draft) ?? oddProfile(files, draft);
  if (odd !== null) return odd;
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
  const clash = addressClash(book, ask.change, before.no);
  if (clash !== null) return clash;
  const meter: Meter = {
    ...before,
    ...ask.change,
    id: before.id,
    no: before.no,
    version: before.version + 1,
  };
  const odd = oddAddress(meter) ?? oddProfile(room.files, meter);
  if (odd !== null) return odd;
  keep(book, meter);
  noteLooser(room, book, before, meter);
  const isOtherModule =
    before.frameAddress !== meter.frameAddress || before.protocol !== meter.protocol;
  if (isOtherModule) forgetCounters(room, book, meter);
  const wasActive = before.lifecycle === "active";
  if (wasActive && meter.lifecycle !== "active") leaveService(room, book, meter, by);
  if (!wasActive && meter.lifecycle === "active") returnToService(room, book, meter);
  publish(book, "meter.changed", meter, { by, version: meter.version });
  return { ok: true, answer: { kind: "meter", meter } };
}

/** A command to a meter that left service is void, and its silence concerns nobody (faults-and-security 5). */
function leaveService(room: Room, book: Book, meter: Meter, by: string): void {
  const draft = draftFor(room, book, meter);
  const before = draft.context;
  const open = before.valve.outstanding;
  if (open !== null) {
    moveValve(draft, { kind: "void", by, detail: "left-service", nowMs: book.nowMs });
  }
  for (const rule of ["R12", "R18", "R21"] as const) {
    returnToNormal(draft, rule, book.nowMs);
    closeSilent(draft, rule, book.nowMs);
  }
  const hidden = { reason: `meter is ${meter.lifecycle}`, by, sinceMs: book.nowMs, untilMs: null };
  for (const alarm of Object.values(draft.context.live)) {
    // What is of the highest priority stays in sight: people may be at that meter just now.
    if (alarm.priority > 1 && isActive(alarm))
      moveAlarm(draft, alarm, { kind: "remove" }, { hidden });
  }
  if (draft.context !== before) recordDraft(book, draft);
}

/** What still holds rings again; what ended meanwhile is over, unless it waits for a reset. */
function returnToService(room: Room, book: Book, meter: Meter): void {
  const draft = draftFor(room, book, meter);
  const before = draft.context;
  for (const alarm of Object.values(before.live)) moveAlarm(draft, alarm, { kind: "restore" });
  if (draft.context !== before) recordDraft(book, draft);
}

/** An address that no frame can carry would make every command to the meter fail when it matters. */
function oddAddress({ protocol, frameAddress }: MeterDraft): AskResult | null {
  if (frameAddress === null || isFrameAddress(protocol, frameAddress)) return null;
  return protocol === "sparkplug"
    ? refuse("invalid", "behind an edge node a meter is named by its id or its carrier address")
    : refuse("invalid", `a frame address of ${protocol} has 14 digits`);
}

/** A profile must be there, and speak the meter's protocol: else its frames would be read by the wrong table. */
function oddProfile(files: MeterFiles, { protocol, profile: id }: MeterDraft): AskResult | null {
  if (id === null) return null;
  const profile = files.profile(id);
  if (profile === undefined) return refuse("invalid", `there is no profile ${id}`);
  if (profile.protocol === protocol) return null;
  return refuse(
    "invalid",
    `profile ${id} is for ${profile.protocol}, the meter speaks ${protocol}`,
  );
}

/** Both addresses name one meter each. */
function addressClash(
  { memory }: Book,
  wanted: Partial<Pick<MeterDraft, "frameAddress" | "carrierAddress">>,
  ownNo: number | null,
): AskResult | null {
  const held = [
    ["frame address", wanted.frameAddress, memory.meterNoByAddress],
    ["carrier address", wanted.carrierAddress, memory.meterNoByCarrierAddress],
  ] as const;
  for (const [word, address, holders] of held) {
    const holder = holders.get(address ?? "");
    if (holder === undefined || holder === ownNo) continue;
    return refuse("already-exists", `${word} ${address} belongs to another meter`);
  }
  return null;
}

function keep(book: Book, meter: Meter): void {
  const { memory } = book;
  const before = memory.meters.get(meter.no);
  book.ledger.putMeter(meter);
  rememberMeter(memory, meter);
  book.changed.meters.set(meter.no, meter);
  book.undo.push(() => {
    forgetMeter(memory, meter);
    if (before !== undefined) rememberMeter(memory, before);
  });
}
