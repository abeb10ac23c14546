/**
 * The one writer. Uplinks, notices and people's requests arrive in one ordered stream of batches; each batch
 * becomes durable in one transaction, or none of it exists. Reads as the table in ARCHITECTURE, a line a step.
 */
import { uplinkNames } from "#domain/platform.ts";
import { timestampMs } from "#domain/units.ts";
import type { ClosePolicy } from "#domain/closePolicy.ts";
import type { Meter } from "#domain/meter.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import type { AskResult } from "#ports/requests.ts";
import { countArrivals } from "./arrivals.ts";
import { carryOut } from "./asks.ts";
import { raiseAtFirstHold } from "./breaker.ts";
import { openClosing, recordClosing, type ClosingChange } from "./closingInForce.ts";
import { openBook, publish, recordDraft, undoBook, type Book } from "./book.ts";
import { takeArrival, writeEdgeNodes } from "./edgeNodes.ts";
import { writeContext } from "./context.ts";
import { contextOf, loadMemory, settingNames } from "./memory.ts";
import type { BatchReport, EngineBatch, Notice, UplinkBatch } from "./messages.ts";
import { allActive } from "./activeAlarms.ts";
import { recordRules } from "./ruleAsks.ts";
import { openRules, type OpenedRules } from "./rulesInForce.ts";
import { settleRestored } from "./restored.ts";
import { draftFor, type Room } from "./room.ts";
import { sweepOld } from "./sweep.ts";
import { liftSystem, raiseSystem, takeTrouble } from "./systemAlarms.ts";
import type { ReceivedUplink } from "./takeUplink.ts";
import { meetMeter, moveValve, withdrawForbidden } from "./valveDesk.ts";
import { watch } from "./watch.ts";
import { takeNotificationReport } from "./recipientDesk.ts";
import { takeWebhookReport } from "./webhookDesk.ts";
import { followAlarms } from "./workOrderDesk.ts";

const watchEveryMs = 1_000;
/** More uplinks of one batch than this cannot all be at fault: then it is the store. */
const poisonMax = 8;
const noPoison: ReadonlySet<number> = new Set();

export type EngineParts = Omit<Room, "memory" | "rules" | "closing"> & {
  /** A utility's own thresholds; none: the factory's. */
  readonly ruleDocument?: RuleDocument | null;
  /** What may close without a person; none: a leak may. */
  readonly closePolicy?: ClosePolicy | null;
  /** Contexts held as objects between batches; the others rest. */
  readonly awakeMax?: number | undefined;
};

export interface Engine {
  process(batch: EngineBatch): BatchReport;
  /** All that are registered at this moment. */
  meters(): Iterable<Meter>;
}

type Attempt =
  { readonly report: BatchReport } | { readonly error: unknown; readonly isFilled: boolean };

/** Loads what the ledger knows and settles what the last process left open. */
export function startEngine(parts: EngineParts): Engine {
  const { ruleDocument = null, closePolicy: policy = null, awakeMax, ...world } = parts;
  const opened = openRules(parts.ledger, ruleDocument, parts.clock.nowMs());
  const basis = { policy, confirmed: parts.files.confirmed() };
  const { closing, changes } = openClosing(parts.ledger, basis, opened.rules, parts.clock.nowMs());
  const memory = loadMemory(parts.ledger, parts.clock, awakeMax);
  const room: Room = { ...world, memory, rules: opened.rules, closing };
  let watchedAtMs = Number.NEGATIVE_INFINITY;
  let watchFrom = 1;
  let blindSinceMs: number | null = null;

  /** The way of a batch. */
  function fill(book: Book, batch: EngineBatch, poison: ReadonlySet<number>): readonly AskResult[] {
    for (const [place, got] of unpack(batch.uplinks, book.nowMs).entries()) {
      takeArrival(room, book, got, poison.has(place));
    }
    if (batch.uplinks !== null) countArrivals(room.memory, batch.uplinks.ends.length);
    for (const notice of batch.notices) takeNotice(room, book, notice);
    const results = batch.asks.map(({ envelope }) => carryOut(room, book, envelope));
    raiseAtFirstHold(room, book);
    const monotonicMs = room.clock.monotonicMs();
    if (monotonicMs - watchedAtMs >= watchEveryMs) {
      watchFrom = watch(room, book, watchFrom);
      sweepOld(room, book);
      watchedAtMs = monotonicMs;
    }
    followAlarms(book);
    if (blindSinceMs !== null) reportBlindness(room, book, blindSinceMs);
    writeContexts(room, book);
    writeEdgeNodes(book);
    return results;
  }

  /** Fills and commits, or leaves no trace. */
  function attempt(batch: EngineBatch, poison: ReadonlySet<number>): Attempt {
    const startedMs = room.clock.monotonicMs();
    const book = openBook(room.ledger, room.memory, timestampMs(room.clock.nowMs()));
    let isFilled = false;
    try {
      room.ledger.begin();
      const results = fill(book, batch, poison);
      isFilled = true;
      const filledMs = room.clock.monotonicMs();
      room.ledger.commit();
      return { report: report(room, book, batch, results, { startedMs, filledMs }) };
    } catch (error) {
      room.ledger.rollback();
      undoBook(book);
      return { error, isFilled };
    } finally {
      room.memory.contexts.rest();
    }
  }

  function process(batch: EngineBatch): BatchReport {
    let tried = attempt(batch, noPoison);
    if (!("report" in tried) && !tried.isFilled) {
      const poison = findPoison(room, batch.uplinks);
      if (poison.size > 0 && poison.size <= poisonMax) tried = attempt(batch, poison);
    }
    if ("report" in tried) {
      blindSinceMs = null;
      return tried.report;
    }
    const { error } = tried;
    if (!room.isStoreFailure(error)) throw error;
    blindSinceMs ??= room.clock.nowMs();
    const code = error instanceof Error && "code" in error ? String(error.code) : "UNKNOWN";
    const message = error instanceof Error ? error.message : "unknown failure";
    return { kind: "notCommitted", code, message };
  }

  recover(room, opened.changed, changes);
  return { process, meters: () => memory.meters.values() };
}

/** What was being sent when the last process ended may have arrived or not: its state is unknown. */
function recover(
  room: Room,
  rules: OpenedRules["changed"],
  closing: readonly ClosingChange[] | null,
): void {
  const book = openBook(room.ledger, room.memory, timestampMs(room.clock.nowMs()));
  room.ledger.begin();
  settleRestored(room, book);
  for (const meterNo of [...room.memory.waiting]) {
    const meter = room.memory.meters.get(meterNo);
    if (meter === undefined) continue;
    const draft = draftFor(room, book, meter);
    moveValve(draft, { kind: "restart", nowMs: book.nowMs });
    withdrawForbidden(draft);
    if (draft.effects.commands.length > 0) recordDraft(book, draft);
  }
  if (rules !== null) {
    room.ledger.putSetting(settingNames.rulesFile, rules.document?.hash ?? "");
    recordRules(book, rules);
  }
  if (closing !== null) recordClosing(book, closing);
  publish(book, "system.started", null, { meters: room.memory.meters.size });
  writeContexts(room, book);
  room.ledger.commit();
}

/**
 * Uplinks that cannot be recorded even alone. Their senders would repeat them, and each time the batch of all the
 * others would fail with them; so they go to quarantine as our own mistake.
 */
function findPoison(room: Room, batch: UplinkBatch | null): ReadonlySet<number> {
  const poison = new Set<number>();
  const nowMs = timestampMs(room.clock.nowMs());
  for (const [place, got] of unpack(batch, nowMs).entries()) {
    const book = openBook(room.ledger, room.memory, nowMs);
    try {
      room.ledger.begin();
      takeArrival(room, book, got, false);
    } catch {
      poison.add(place);
    }
    room.ledger.rollback();
    undoBook(book);
  }
  return poison;
}

function unpack(batch: UplinkBatch | null, nowMs: number): readonly ReceivedUplink[] {
  if (batch === null) return [];
  const uplinks: ReceivedUplink[] = [];
  let start = 0;
  for (const [place, end] of batch.ends.entries()) {
    uplinks.push({
      bytes: batch.bytes.subarray(start, end),
      meterNo: batch.meterNos[place] ?? -1,
      protocol: uplinkNames[batch.protocols[place] ?? 0] ?? "json",
      gateway: batch.gateways[place] ?? "",
      receivedAtMs: batch.receivedAtMs[place] ?? nowMs,
      reachable: ((batch.marks[place] ?? 0) & 1) === 1,
    });
    start = end;
  }
  return uplinks;
}

function takeNotice(room: Room, book: Book, notice: Notice): void {
  if (notice.kind === "trouble") {
    takeTrouble(book, room.rng, notice.trouble);
    return;
  }
  if (notice.kind === "webhook") {
    takeWebhookReport(book, notice.report);
    return;
  }
  if (notice.kind === "notification") {
    takeNotificationReport(book, notice.report);
    return;
  }
  const { nowMs } = book;
  const meterNo =
    notice.kind === "contact" ? notice.meterNo : room.ledger.command(notice.commandId)?.meterNo;
  const meter = meterNo === undefined ? undefined : room.memory.meters.get(meterNo);
  if (meter === undefined || !room.memory.waiting.has(meter.no)) return;
  const draft = draftFor(room, book, meter);
  if (notice.kind === "contact") meetMeter(draft);
  else moveValve(draft, { kind: notice.outcome, commandId: notice.commandId, nowMs });
  recordDraft(book, draft);
}

/** The first batch that could be stored again says since when none could. */
function reportBlindness(room: Room, book: Book, sinceMs: number): void {
  const blindSeconds = Math.round((book.nowMs - sinceMs) / 1_000);
  const reason = `nothing could be stored for ${blindSeconds} s`;
  raiseSystem(book, room.rng, "BLIND", { reason, blindSeconds });
  publish(book, "system.blind", null, { since: new Date(sinceMs).toISOString() });
  publish(book, "system.sighted", null, { blindSeconds });
  liftSystem(book, "BLIND");
}

function writeContexts(room: Room, book: Book): void {
  for (const [meterNo, before] of book.before) {
    const context = contextOf(room.memory, meterNo);
    if (context !== before) room.ledger.putContext(meterNo, writeContext(context));
  }
}

function report(
  room: Room,
  book: Book,
  batch: EngineBatch,
  results: readonly AskResult[],
  times: { readonly startedMs: number; readonly filledMs: number },
): BatchReport {
  const { changed, tally } = book;
  const committedMs = room.clock.monotonicMs();
  const { meters, webhooks, recipients, ...lists } = changed;
  const hasChanged =
    meters.size + webhooks.size + recipients.size > 0 ||
    Object.values(lists).some((list) => list.length > 0);
  return {
    kind: "committed",
    answers: batch.asks.flatMap(({ askNo }, place) => {
      const result = results[place];
      return result === undefined ? [] : [{ askNo, result }];
    }),
    events: book.events,
    downlinks: book.downlinks,
    linkNotes: book.linkNotes,
    waiting: [...book.queued],
    directory: hasChanged
      ? {
          ...lists,
          meters: [...meters.values()],
          webhooks: [...webhooks.values()],
          recipients: [...recipients.values()],
        }
      : null,
    counts: {
      ...tally.report(),
      held: room.memory.held.size,
      commitSeconds: (committedMs - times.filledMs) / 1_000,
      batchSeconds: (committedMs - times.startedMs) / 1_000,
    },
    activeAlarms: allActive(room.memory),
  };
}
