/** What a step of a conversation says, into the book: telegrams by the way of every uplink, and what cannot be used. */
import { unreachable } from "#domain/invariant.ts";
import type { Meter } from "#domain/meter.ts";
import type { QuarantineReason, UplinkOutcome } from "#domain/quarantine.ts";
import { minuteMs } from "#domain/units.ts";
import { reasonOf, type LinkEffect } from "#protocols/contract.ts";
import { recordDraft, type Book } from "./book.ts";
import { meterBehind } from "./meterBehind.ts";
import { draftFor, type Room } from "./room.ts";
import { describe, park, tryStep, type FramedUplink } from "./takeUplink.ts";

/** An uplink that waited for a lost one no longer than this still speaks of now; later it is history. */
const heldForMsMax = minuteMs;

/** The gateway that spoke, and the uplink that made it; null: time passed. */
interface Source {
  readonly gateway: string;
  readonly got: FramedUplink | null;
  /** The meter that the uplink names. */
  readonly meter: Meter | null;
}

/** What became of one uplink: the most serious of all that it said. */
interface Account {
  readonly got: FramedUplink;
  readonly isNew: boolean;
  meter: Meter | null;
  outcome: UplinkOutcome | null;
  fault: { readonly reason: QuarantineReason; readonly detail: string } | null;
}

const bySeriousness: readonly UplinkOutcome[] = ["duplicate", "accepted", "suspect", "quarantined"];

/** Records everything; the uplink of now gets its row, those that were held get their outcome. */
export function takeLinkEffects(
  room: Room,
  book: Book,
  source: Source,
  effects: readonly LinkEffect[],
): void {
  const accounts = new Map<number, Account>();
  if (source.got !== null)
    accounts.set(source.got.seq, openAccount(book, source.got, source.meter));
  for (const effect of effects) {
    if (effect.kind === "ask" || effect.kind === "limit") {
      book.linkNotes.push({ ...effect, gateway: source.gateway });
      continue;
    }
    const account = accounts.get(effect.ref) ?? reopenAccount(book, effect.ref);
    if (account === null) continue;
    accounts.set(effect.ref, account);
    settle(room, book, source.gateway, account, effect);
  }
  for (const account of accounts.values()) closeAccount(book, account);
}

function settle(
  room: Room,
  book: Book,
  gateway: string,
  account: Account,
  effect: Exclude<LinkEffect, { readonly kind: "ask" | "limit" }>,
): void {
  switch (effect.kind) {
    case "telegram":
      return takeTelegram(room, book, gateway, account, effect);
    case "fault": {
      const { name, fault } = effect;
      const named = name === null ? null : meterBehind(book, gateway, name);
      // Who is not known has no table either: the first of the two is what helps.
      if (typeof named === "string") account.fault ??= { reason: named, detail: `name ${name}` };
      else account.fault ??= { reason: reasonOf(fault), detail: describe(fault) };
      return;
    }
    case "held":
      return note(account, "accepted");
    case "known":
      return note(account, "duplicate");
    default:
      return unreachable(effect);
  }
}

function takeTelegram(
  room: Room,
  book: Book,
  gateway: string,
  account: Account,
  { name, telegram }: Extract<LinkEffect, { readonly kind: "telegram" }>,
): void {
  const meter = meterBehind(book, gateway, name);
  if (typeof meter === "string") {
    account.fault ??= { reason: meter, detail: `name ${name}` };
    return;
  }
  account.meter = meter;
  const draft = draftFor(room, book, meter);
  const outcome = tryStep(room, draft, account.got, telegram);
  if (outcome.ok) {
    recordDraft(book, draft);
    return note(account, outcome.value);
  }
  account.fault ??= { reason: "INTERNAL", detail: outcome.fault };
  park(room, book, meter, outcome.fault);
}

function note(account: Account, outcome: UplinkOutcome): void {
  const before = account.outcome === null ? -1 : bySeriousness.indexOf(account.outcome);
  if (bySeriousness.indexOf(outcome) > before) account.outcome = outcome;
}

/** Readings name the row of their uplink, so it is there before them. */
function openAccount(book: Book, got: FramedUplink, meter: Meter | null): Account {
  const { seq, protocol, receivedAtMs, bytes, gateway } = got;
  const route = `gateway:${gateway}` as const;
  const meterNo = meter?.no ?? null;
  const outcome = "accepted";
  book.ledger.putUplink({ seq, meterNo, route, protocol, receivedAtMs, outcome, bytes });
  return { got, isNew: true, meter, outcome: null, fault: null };
}

/** An uplink that was held; its row is in the ledger. */
function reopenAccount(book: Book, ref: number): Account | null {
  const row = book.ledger.uplink(ref);
  if (row === undefined) return null;
  const { seq, protocol, bytes, receivedAtMs, route } = row;
  const meterNo = row.meterNo ?? -1;
  const gateway = route.slice("gateway:".length);
  const isRebuilt = book.nowMs - receivedAtMs > heldForMsMax;
  const same = { seq, protocol, bytes, frame: bytes, receivedAtMs, meterNo, gateway };
  const got = { ...same, reachable: false, isRebuilt };
  const meter = book.memory.meters.get(meterNo) ?? null;
  return { got, isNew: false, meter, outcome: null, fault: null };
}

function closeAccount(book: Book, { got, isNew, meter, outcome, fault }: Account): void {
  const { seq: uplinkSeq, protocol, receivedAtMs } = got;
  const meterNo = meter?.no ?? null;
  const last = fault === null ? (outcome ?? "accepted") : "quarantined";
  if (isNew) book.tally.outcome(protocol, last);
  if (!isNew || last !== "accepted") book.ledger.settleUplink(uplinkSeq, meterNo, last);
  if (fault === null) return;
  book.ledger.putQuarantine({ uplinkSeq, meterNo, protocol, receivedAtMs, ...fault });
  book.tally.quarantined(protocol, fault.reason);
}
