/** Keys of ciphered meters: set and taken away. What passes here is sealed already. */
import type { Meter } from "#domain/meter.ts";
import { withoutCounters } from "#domain/meterFile.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import { recordDraft, type Book } from "./book.ts";
import { refuse } from "./refuse.ts";
import { draftFor, type Room } from "./room.ts";

type KeyAsk = Extract<Ask, { readonly kind: "meterKeys.put" | "meterKeys.drop" }>;

const done: AskResult = { ok: true, answer: { kind: "done" } };

/** A key replaces the one of the same purpose; dropping takes all of a meter's keys away. */
export function actOnKeys(room: Room, book: Book, ask: KeyAsk): AskResult {
  const { memory, ledger, nowMs } = book;
  const meter = memory.meters.get(memory.meterNoById.get(ask.meterId) ?? -1);
  if (meter === undefined) return refuse("not-found", `no meter ${ask.meterId}`);
  forgetCounters(room, book, meter);
  const before = memory.sealedKeys.get(meter.no) ?? [];
  if (ask.kind === "meterKeys.drop") {
    ledger.dropMeterKeys(meter.no);
    remember(book, meter, []);
    return done;
  }
  const keys = ask.keys.map((key): SealedKey => ({ ...key, setAtMs: nowMs }));
  for (const key of keys) ledger.putMeterKey(meter.no, key);
  const kept = before.filter(({ purpose }) => !keys.some((key) => key.purpose === purpose));
  remember(book, meter, [...kept, ...keys]);
  return done;
}

/** Of a meter with a new key, or with a new module: its counters begin again, and must not look like a replay. */
export function forgetCounters(room: Room, book: Book, meter: Meter): void {
  const draft = draftFor(room, book, meter);
  const learned = withoutCounters(draft.context.learned);
  if (draft.context.learned === null) return;
  draft.context = { ...draft.context, learned };
  recordDraft(book, draft);
}

function remember(book: Book, { no }: Meter, keys: readonly SealedKey[]): void {
  const { sealedKeys } = book.memory;
  const before = sealedKeys.get(no);
  if (keys.length === 0) sealedKeys.delete(no);
  else sealedKeys.set(no, keys);
  book.undo.push(() => {
    if (before === undefined) sealedKeys.delete(no);
    else sealedKeys.set(no, before);
  });
}
