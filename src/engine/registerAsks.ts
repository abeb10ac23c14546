/** What persons know of a meter's registers: it was exchanged, or a register at an instant is another one. */
import type { MeterExchange, RegisterDecision } from "#domain/billing.ts";
import { parseMeterId } from "#domain/ids.ts";
import type { Meter, MeterDraft } from "#domain/meter.ts";
import { dayMs, formatInstant, formatM3, timestampMs, volumeMl } from "#domain/units.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { judgeRegister, registerSettings, type RegisterState } from "#screening/judgeRegister.ts";
import { returnToNormal } from "./alarmDesk.ts";
import { publish, recordDraft, type Book } from "./book.ts";
import { initialContext } from "./context.ts";
import { decidedRemembered, explainsBack } from "./decided.ts";
import type { Draft } from "./draft.ts";
import { exchangesRemembered, meterAt, throughExchange } from "./exchange.ts";
import { refuse } from "./refuse.ts";
import { isBeyondWindow, refoldFrom } from "./refold.ts";
import { changeMeter } from "./registry.ts";
import { draftFor, type Room } from "./room.ts";
import { moveValve } from "./valveDesk.ts";

/** A closing register is held against what the meter said so long before. */
const soundWithinMs = 3 * dayMs;

type ExchangeAsk = Extract<Ask, { readonly kind: "meter.exchange" }>;
type DecideAsk = Extract<Ask, { readonly kind: "register.decide" }>;

function meterOf({ memory }: Book, meterId: string): Meter | undefined {
  return memory.meters.get(memory.meterNoById.get(parseMeterId(meterId) ?? "") ?? -1);
}

/** The new meter from its first register on; what was ordered of the former one is void. */
export function exchangeMeter(room: Room, book: Book, ask: ExchangeAsk, by: string): AskResult {
  const before = meterOf(book, ask.meterId);
  if (before === undefined) return refuse("not-found", `no meter ${ask.meterId}`);
  const odd = oddExchange(room, book, before, ask);
  if (odd !== null) return refuse("invalid", odd);
  const { size, quantumMl, registerRangeMl } = before;
  const exchange: MeterExchange = {
    atMs: ask.atMs,
    closingMl: ask.closingMl,
    openingMl: ask.openingMl,
    formerSerial: ask.formerSerial,
    serial: ask.serial,
    former: { size, quantumMl, registerRangeMl },
    reason: ask.reason,
    by,
    enteredAtMs: book.nowMs,
  };
  const changed = changeMeter(room, book, changeOf(ask), by);
  const meter = meterOf(book, ask.meterId);
  if (!changed.ok || meter === undefined) return changed;
  book.ledger.putExchange(meter.no, exchange);
  const draft = draftFor(room, book, meter);
  takeOver(draft, exchange, by);
  refoldFrom(draft, exchange.atMs);
  recordDraft(book, draft);
  publish(book, "meter.exchanged", meter, {
    by,
    at: formatInstant(exchange.atMs),
    closingM3: formatM3(exchange.closingMl),
    openingM3: formatM3(exchange.openingMl),
  });
  return { ok: true, answer: { kind: "meter", meter } };
}

function changeOf({ meterId, change }: ExchangeAsk): Extract<Ask, { kind: "meter.change" }> {
  return { kind: "meter.change", meterId, ifVersion: null, change };
}

/** What cannot be, in words that say what to look at. */
function oddExchange(
  room: Room,
  book: Book,
  meter: Meter,
  ask: ExchangeAsk & { readonly change: Partial<MeterDraft> },
): string | null {
  const { atMs, closingMl, openingMl, change } = ask;
  const { context } = draftFor(room, book, meter);
  if (atMs > book.nowMs) return `at lies ahead: it is ${formatInstant(book.nowMs)} now`;
  const last = context.exchanges?.at(-1);
  if (last !== undefined && atMs <= last.atMs) {
    const when = formatInstant(last.atMs);
    return `exchanges are entered in their order; the last one on record was at ${when}`;
  }
  if (closingMl >= meter.registerRangeMl) {
    return `closingM3 does not fit a register that ends at ${formatM3(meter.registerRangeMl)}`;
  }
  const rangeMl = change.registerRangeMl ?? meter.registerRangeMl;
  if (openingMl >= rangeMl) {
    return `openingM3 does not fit a register that ends at ${formatM3(rangeMl)}`;
  }
  const sound = soundBefore(room, meter, context.head.register, ask);
  const { register: told } = throughExchange(context.exchanges, sound, atMs);
  if (told === null) return null;
  // A person may have put another register in its place, or behind it.
  const register = room.ledger.decidedRegister(meter.no, told.atMs, atMs) ?? told;
  const settings = registerSettings(meter);
  const verdict = judgeRegister(settings, register, timestampMs(atMs), volumeMl(closingMl));
  if (verdict.isTrusted) return null;
  const known = `the meter reported ${formatM3(register.indexMl)} at ${formatInstant(register.atMs)}`;
  return `closingM3 does not follow from that: ${known}; check the figure and the time, or edit that register first`;
}

/**
 * The last trusted register at or before the instant; what lies further back than a few days is no help. What was told
 * behind it, and is no more than the new meter began with, may be that meter's memory of a time before it was put up.
 */
function soundBefore(
  room: Room,
  meter: Meter,
  head: RegisterState,
  { atMs, openingMl }: ExchangeAsk,
): RegisterState {
  if (head === null || (head.atMs <= atMs && head.indexMl > openingMl)) return head;
  const last = room.ledger
    .readingsAfter(meter.no, atMs - soundWithinMs)
    .findLast(
      ({ measuredAtMs, receivedAtMs, quality, indexMl }) =>
        measuredAtMs <= atMs &&
        quality !== "suspect" &&
        indexMl !== null &&
        (receivedAtMs <= atMs || indexMl > openingMl),
    );
  if (last === undefined || last.indexMl === null) return null;
  return { atMs: last.measuredAtMs, indexMl: last.indexMl };
}

/** Of the former meter nothing is expected any more, and of the new one nothing is known yet. */
function takeOver(draft: Draft, exchange: MeterExchange, by: string): void {
  const { outstanding } = draft.context.valve;
  if (outstanding !== null) {
    moveValve(draft, { kind: "void", by, detail: "meter-exchanged", nowMs: draft.nowMs });
  }
  const { ended, nextSequence, sendsMs } = draft.context.valve;
  const { recent, gapsMs, valve } = initialContext;
  const { atMs, closingMl, openingMl, former } = exchange;
  const exchanges = [...(draft.context.exchanges ?? []), { atMs, closingMl, openingMl, former }];
  draft.context = {
    ...draft.context,
    recent,
    gapsMs,
    deliveries: [],
    valve: { ...valve, ended, nextSequence, sendsMs },
    exchanges: exchanges.slice(-exchangesRemembered),
  };
  returnToNormal(draft, "R15", draft.nowMs);
}

/** A person decides which register counts at an instant; what the meter said stays on record beside it. */
export function decideRegister(room: Room, book: Book, ask: DecideAsk, by: string): AskResult {
  const meter = meterOf(book, ask.meterId);
  if (meter === undefined) return refuse("not-found", `no meter ${ask.meterId}`);
  const { measuredAtMs, indexMl, decision: kind, reason } = ask;
  const { context } = draftFor(room, book, meter);
  const { registerRangeMl } = meterAt(meter, context.exchanges, measuredAtMs);
  if (measuredAtMs > book.nowMs) {
    return refuse("invalid", `measuredAt lies ahead: it is ${formatInstant(book.nowMs)} now`);
  }
  if (indexMl >= registerRangeMl) {
    const end = formatM3(registerRangeMl);
    return refuse("invalid", `volumeM3 does not fit a register that ends at ${end}`);
  }
  const versions = room.ledger.readingsAt(meter.no, measuredAtMs);
  if (kind === "validated" && !versions.some((version) => version.indexMl === indexMl)) {
    const said = versions.map((version) => formatM3(version.indexMl ?? 0)).join(" and ");
    const detail = said === "" ? "nothing was read at that instant" : `what was read is ${said}`;
    return refuse("invalid", `${detail}; to put another value there, use the kind edited`);
  }
  const decision: RegisterDecision = {
    measuredAtMs,
    indexMl,
    kind,
    reason,
    by,
    enteredAtMs: book.nowMs,
  };
  book.ledger.putDecision(meter.no, decision);
  book.ledger.settleConflict(meter.no, measuredAtMs, book.nowMs);
  if (versions.some((version) => version.indexMl !== null)) goOnFrom(room, book, meter, decision);
  publish(book, "register.decided", meter, {
    by,
    decision: kind,
    measuredAt: formatInstant(measuredAtMs),
    volumeM3: formatM3(indexMl),
  });
  return { ok: true, answer: { kind: "done" } };
}

/** Where it explains why the register stands back (R8), screening and rules go on from it, at once. */
function goOnFrom(room: Room, book: Book, meter: Meter, decision: RegisterDecision): void {
  const { measuredAtMs, indexMl } = decision;
  const decided = { atMs: timestampMs(measuredAtMs), indexMl: volumeMl(indexMl) };
  const draft = draftFor(room, book, meter);
  const { head, decided: before = [] } = draft.context;
  const settings = registerSettings(meter);
  if (isBeyondWindow(draft, decided.atMs) || !explainsBack(settings, head, decided)) return;
  draft.context = { ...draft.context, decided: [...before, decided].slice(-decidedRemembered) };
  refoldFrom(draft, decided.atMs - 1);
  recordDraft(book, draft);
}

/** From an instant on; what was frozen for a bill stays, and what is different now is an adjustment. */
export function putConversion(
  book: Book,
  ask: Extract<Ask, { readonly kind: "conversion.put" }>,
  by: string,
): AskResult {
  const meter = meterOf(book, ask.meterId);
  if (meter === undefined) return refuse("not-found", `no meter ${ask.meterId}`);
  const { conversion, reason } = ask;
  book.ledger.putConversion(meter.no, { ...conversion, reason, by, enteredAtMs: book.nowMs });
  return done;
}

const done: AskResult = { ok: true, answer: { kind: "done" } };
