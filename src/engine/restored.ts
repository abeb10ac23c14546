/** The first start on a restored ledger: it may be days old, and what waited in it may long be done. */
import { restoredSetting } from "#ports/ledger.ts";
import { publish, recordDraft, type Book } from "./book.ts";
import { stopCampaigns } from "./campaignDesk.ts";
import { draftFor, type Room } from "./room.ts";
import { moveValve } from "./valveDesk.ts";

/** States in which a command would leave, or be agreed to, without anybody asking for it again. */
const notSent: readonly string[] = ["requested", "held", "queued"];

/** No command of the backup leaves by itself: what had not left is withdrawn, what had left is as after a crash. */
export function settleRestored(room: Room, book: Book): void {
  const text = room.ledger.setting(restoredSetting) ?? "";
  if (text === "") return;
  stopCampaigns(room, book);
  for (const meterNo of [...room.memory.waiting]) {
    const meter = room.memory.meters.get(meterNo);
    if (meter === undefined) continue;
    const draft = draftFor(room, book, meter);
    const state = draft.context.valve.outstanding?.command.state;
    if (state === undefined || !notSent.includes(state)) continue;
    moveValve(draft, { kind: "void", by: "engine", detail: "restored", nowMs: book.nowMs });
    recordDraft(book, draft);
  }
  const { backup, madeAt } = JSON.parse(text) as {
    readonly backup: string;
    readonly madeAt: string;
  };
  publish(book, "system.restored", null, { backup, madeAt });
  room.ledger.putSetting(restoredSetting, "");
}
