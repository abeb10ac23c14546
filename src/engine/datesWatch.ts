/** Keeps the reminders of dates that come near (R17) on the work list: each is written when it changes. */
import { isSameProof } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { timestampMs } from "#domain/units.ts";
import { datesDue } from "#rules/datesDue.ts";
import { closeSilent, recordSilently } from "./alarmDesk.ts";
import { recordDraft, type Book } from "./book.ts";
import { draftFor, type Room } from "./room.ts";

/** What the registry and the calendar say of this meter now. */
export function watchDates(room: Room, book: Book, meter: Meter): void {
  const known = room.memory.contexts.glance(meter.no)?.silent.R17;
  const hasDates = meter.verificationDueOn !== null || meter.retirementDueOn !== null;
  if (!hasDates && known === undefined) return;
  const isThere = meter.lifecycle === "active" || meter.lifecycle === "maintenance";
  const { tuning } = room.rules.settingsAt(meter, book.nowMs);
  const due = isThere ? datesDue(tuning.R17, meter, book.nowMs) : null;
  if (due === null && known === undefined) return;
  if (due !== null && known !== undefined && isSameProof(known.proof, due.proof)) return;
  const draft = draftFor(room, book, meter);
  // Another date, or the next reminder: an entry of its own.
  closeSilent(draft, "R17", book.nowMs);
  if (due !== null) {
    const { level, proof, sinceMs } = due;
    const raisedAtMs = timestampMs(sinceMs);
    recordSilently(draft, { rule: "R17", level, proof, raisedAtMs, returnedAtMs: null });
  }
  recordDraft(book, draft);
}
