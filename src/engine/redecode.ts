/** A quarantined uplink once more, with what is on file now: for keys and profiles that came late. */
import { reasonOf } from "#protocols/contract.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import type { Book } from "./book.ts";
import { openLinked } from "./edgeNodes.ts";
import { openUplink, type OpenedUplink } from "./openUplink.ts";
import { refuse } from "./refuse.ts";
import type { Room } from "./room.ts";
import { describe, retake, type NumberedUplink } from "./takeUplink.ts";

type RedecodeAsk = Extract<Ask, { readonly kind: "quarantine.redecode" }>;

/**
 * The bytes are those of the ledger and keep their receipt time, so what they say lands where it belongs. They are
 * history: they may be recorded and listed, and never move a valve.
 */
export function redecode(room: Room, book: Book, ask: RedecodeAsk): AskResult {
  const row = room.ledger.quarantined(ask.quarantineId);
  if (row === undefined)
    return refuse("not-found", `nothing in quarantine has id ${ask.quarantineId}`);
  if (row.settledAtMs !== null) {
    return refuse("not-allowed-in-state", "it was decoded already");
  }
  const stored = room.ledger.uplink(row.uplinkSeq);
  if (stored === undefined) return refuse("not-found", `uplink ${row.uplinkSeq} is not kept`);
  const isGateways = stored.route !== "meter";
  const got: NumberedUplink = {
    seq: stored.seq,
    bytes: stored.bytes,
    meterNo: row.meterNo ?? stored.meterNo ?? -1,
    protocol: stored.protocol,
    gateway: isGateways ? stored.route.slice("gateway:".length) : "",
    receivedAtMs: stored.receivedAtMs,
    reachable: false,
    isRebuilt: true,
  };
  const { link } = room.protocols.sparkplug;
  if (got.protocol === "sparkplug" && link !== undefined) {
    const linked = openLinked(room, book, got, link);
    if (!linked.ok) return refuse("not-allowed-in-state", linked.fault);
    return settle(room, book, ask, got, linked.value);
  }
  const opened = openUplink(room, book, got);
  if (typeof opened === "string")
    return refuse("not-allowed-in-state", "it fails by our own mistake");
  return settle(room, book, ask, got, opened);
}

function settle(
  room: Room,
  book: Book,
  ask: RedecodeAsk,
  got: NumberedUplink,
  opened: OpenedUplink,
): AskResult {
  const { decoded } = opened;
  if (typeof decoded === "object" && !decoded.ok) {
    const { fault } = decoded;
    return refuse("not-allowed-in-state", `${reasonOf(fault)}: ${describe(fault)}`);
  }
  const retaken = retake(room, book, got, opened);
  if (!retaken.ok) return refuse("not-allowed-in-state", retaken.fault);
  room.ledger.settleQuarantine(ask.quarantineId, book.nowMs);
  return { ok: true, answer: { kind: "uplink", seq: got.seq, outcome: retaken.value } };
}
