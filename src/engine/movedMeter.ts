/**
 * A meter that moves to an area, a site class or a model in which a rule closes by itself what it did not close before:
 * for this meter that is as new as a looser policy is for a town, and waits its day as well (ADR 15).
 */
import { closingRules } from "#domain/closePolicy.ts";
import type { Meter } from "#domain/meter.ts";
import { recordDraft, type Book } from "./book.ts";
import { draftFor, type Room } from "./room.ts";

/** Remembers since when, by rule; what became stricter holds at once and needs no memory. */
export function noteLooser(room: Room, book: Book, before: Meter, after: Meter): void {
  const looser = closingRules.filter((rule) => room.closing.isLooserFor(before, after, rule));
  if (looser.length === 0) return;
  const draft = draftFor(room, book, after);
  const sinceMs = Object.fromEntries(looser.map((rule) => [rule, book.nowMs]));
  draft.context = { ...draft.context, loosenedMs: { ...draft.context.loosenedMs, ...sinceMs } };
  recordDraft(book, draft);
}
