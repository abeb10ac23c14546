/** A register that nobody read is asked of the meter's memory, a few times, and only then left to an estimate. */
import type { RegisterGap } from "#domain/billing.ts";
import { commandId, parseMeterId } from "#domain/ids.ts";
import { dayMs } from "#domain/units.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { isEnded } from "#valves/commandTable.ts";
import { recordDraft, type Book } from "./book.ts";
import { refuse } from "./refuse.ts";
import { draftFor, type Room } from "./room.ts";
import { orderOther } from "./valveDesk.ts";

const gapLimits = Object.freeze({
  /** Orders for one register; each costs the meter's battery an upload. */
  attemptsMax: 2,
  /** A meter that wakes once a day gets each order. */
  expiresInMs: dayMs + dayMs / 12,
  /** Of all meters at the same time: an outage must not become as many orders. */
  requestedMax: 1_000,
});

type GapAsk = Extract<Ask, { readonly kind: "register.request" }>;

const done: AskResult = { ok: true, answer: { kind: "done" } };

/** One step: asks, waits, asks again, gives up, or notes that it has come. */
export function requestRegister(room: Room, book: Book, ask: GapAsk, by: string): AskResult {
  const meter = book.memory.meters.get(
    book.memory.meterNoById.get(parseMeterId(ask.meterId) ?? "") ?? -1,
  );
  if (meter === undefined) return refuse("not-found", `no meter ${ask.meterId}`);
  const { ledger, nowMs } = book;
  const known = ledger.gapAt(meter.no, ask.atMs);
  const gap = known ?? newGap(ask.atMs, nowMs);
  if (known !== undefined && known.state !== "requested") return done;
  if (ask.isFilled) {
    if (known !== undefined)
      ledger.putGap(meter.no, { ...gap, state: "filled", settledAtMs: nowMs });
    return done;
  }
  const last = gap.commandId === null ? undefined : ledger.command(commandId(gap.commandId));
  if (last !== undefined && !isEnded(last.state)) return done;
  const giveUp = (detail: string, attempts: number): AskResult => {
    ledger.putGap(meter.no, { ...gap, state: "unanswered", attempts, detail, settledAtMs: nowMs });
    return done;
  };
  if (gap.attempts >= gapLimits.attemptsMax) return giveUp(last?.state ?? "lost", gap.attempts);
  const draft = draftFor(room, book, meter);
  // Whatever else is ordered of the meter comes first.
  if (draft.context.valve.outstanding !== null) return done;
  if (known === undefined && ledger.gapsRequested() >= gapLimits.requestedMax) {
    return refuse(
      "not-allowed-in-state",
      `${gapLimits.requestedMax} registers are asked for already`,
    );
  }
  const { expiresInMs } = gapLimits;
  const wanted = {
    action: "read_history",
    by,
    reason: ask.reason,
    expiresInMs,
    permit: null,
  } as const;
  const command = orderOther(draft, wanted);
  recordDraft(book, draft);
  const attempts = gap.attempts + 1;
  if (command.state === "refused") return giveUp(command.detail ?? "refused", attempts);
  ledger.putGap(meter.no, { ...gap, attempts, commandId: command.id });
  return done;
}

function newGap(atMs: number, nowMs: number): RegisterGap {
  const none = { commandId: null, detail: null, settledAtMs: null };
  return { atMs, state: "requested", attempts: 0, openedAtMs: nowMs, ...none };
}
