/**
 * Uplinks that have their meaning in the order of a conversation with a gateway (Sparkplug B). The conversation is
 * stepped purely; what it says of each meter goes the way of every uplink, and its state is written with the batch.
 */
import { emptyMeterFile } from "#domain/meterFile.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { FileOfName, LinkProtocol, LinkState, LinkStep } from "#protocols/contract.ts";
import { nextNumber, type Book } from "./book.ts";
import { takeLinkEffects } from "./linkEffects.ts";
import { meterBehind } from "./meterBehind.ts";
import { fileOf, type Room } from "./room.ts";
import { problemOf, type OpenedUplink } from "./openUplink.ts";
import { quarantine, takeUplink, type NumberedUplink, type ReceivedUplink } from "./takeUplink.ts";

/** Groups under which one gateway may be an edge node; each is a conversation that is kept. */
const conversationsPerGatewayMax = 8;

/** One uplink, by itself or in its conversation. What could not be recorded before goes by itself, to quarantine. */
export function takeArrival(
  room: Room,
  book: Book,
  received: ReceivedUplink,
  isPoison: boolean,
): void {
  const isAlone = received.protocol !== "sparkplug" || isPoison;
  const link = isAlone ? undefined : room.protocols.sparkplug.link;
  if (link === undefined) takeUplink(room, book, received, isPoison);
  else takeLinked(room, book, received, link);
}

function takeLinked(room: Room, book: Book, received: ReceivedUplink, link: LinkProtocol): void {
  const got = { ...received, seq: nextNumber(book.memory, "uplink"), isRebuilt: false };
  const place = link.placeOf(got.bytes);
  if (place === null || link.gatewayOf(place.key) !== got.gateway) {
    return quarantine(book, got, null, "NOT_OWNER", "not a topic of this gateway");
  }
  const { key } = place;
  if (isOneTooMany(book, link, key)) {
    const max = conversationsPerGatewayMax;
    book.linkNotes.push({ kind: "limit", gateway: got.gateway, what: "groups", max });
    return quarantine(book, got, null, "UNSUPPORTED", `more than ${max} groups of one gateway`);
  }
  const stepped = tryLink(room, () =>
    link.take(
      stateOf(book, link, key),
      { bytes: got.bytes, ref: got.seq },
      filesBehind(room, book, got.gateway),
      book.nowMs,
    ),
  );
  const named = place.name === null ? null : meterBehind(book, got.gateway, place.name);
  const meter = typeof named === "string" ? null : named;
  if (!stepped.ok) return quarantine(book, got, meter, "INTERNAL", stepped.fault);
  keepState(book, link, key, stepped.value.state);
  takeLinkEffects(
    room,
    book,
    { gateway: got.gateway, got: { ...got, frame: got.bytes }, meter },
    stepped.value.effects,
  );
}

/** Conversations in which something is waited for: the clock decides how long. */
export function watchEdgeNodes(room: Room, book: Book): void {
  const { link } = room.protocols.sparkplug;
  if (link === undefined) return;
  for (const key of [...book.memory.waitingNodes]) {
    const state = stateOf(book, link, key);
    const gateway = link.gatewayOf(key);
    const stepped = tryLink(room, () =>
      link.tick(state, key, filesBehind(room, book, gateway), book.nowMs),
    );
    if (!stepped.ok) continue;
    keepState(book, link, key, stepped.value.state);
    takeLinkEffects(room, book, { gateway, got: null, meter: null }, stepped.value.effects);
  }
}

/** Puts what the batch changed into the open transaction; births only where they are others. */
export function writeEdgeNodes({ ledger, memory, nodesBefore }: Book): void {
  for (const [key, before] of nodesBefore) {
    const state = memory.edgeNodes.get(key);
    if (state === undefined) continue;
    const isSame = before?.births === state.births;
    const births = isSame ? null : JSON.stringify(state.births);
    ledger.putEdgeNode(key, JSON.stringify(state.now), births);
  }
}

/** An uplink of the ledger once more, by what its gateway has said since; it changes nothing of the conversation. */
export function openLinked(
  room: Room,
  book: Book,
  got: NumberedUplink,
  link: LinkProtocol,
): Result<OpenedUplink, string> {
  const place = link.placeOf(got.bytes);
  if (place === null || place.name === null) return fail("no meter speaks in it");
  const meter = meterBehind(book, got.gateway, place.name);
  if (typeof meter === "string") return fail(meter);
  const state = stateOf(book, link, place.key);
  const decoded = link.again(state, got.bytes, fileOf(room, meter, true));
  const who = { protocol: "sparkplug", filedNo: meter.no } as const;
  const opened = { decoded, frame: got.bytes, meterNo: meter.no, isContradiction: false };
  return ok({ ...opened, ...who, addresses: [], name: place.name, deliveryId: null });
}

function filesBehind(room: Room, book: Book, gateway: string): FileOfName {
  return (name) => {
    const meter = meterBehind(book, gateway, name);
    return typeof meter === "string" ? emptyMeterFile : fileOf(room, meter, false);
  };
}

function isOneTooMany({ memory }: Book, link: LinkProtocol, key: string): boolean {
  if (memory.edgeNodes.has(key)) return false;
  const gateway = link.gatewayOf(key);
  const others = [...memory.edgeNodes.keys()].filter((other) => link.gatewayOf(other) === gateway);
  return others.length >= conversationsPerGatewayMax;
}

function stateOf({ memory }: Book, link: LinkProtocol, key: string): LinkState {
  return memory.edgeNodes.get(key) ?? link.unknown;
}

function keepState(book: Book, link: LinkProtocol, key: string, state: LinkState): void {
  const { edgeNodes, waitingNodes } = book.memory;
  if (!book.nodesBefore.has(key)) book.nodesBefore.set(key, edgeNodes.get(key));
  edgeNodes.set(key, state);
  if (link.isWaiting(state)) waitingNodes.add(key);
  else waitingNodes.delete(key);
}

/** A step of a conversation never throws; should one do so after all, it is our mistake in one uplink. */
function tryLink(room: Room, step: () => LinkStep): Result<LinkStep, string> {
  try {
    return ok(step());
  } catch (error) {
    if (room.isStoreFailure(error)) throw error;
    return fail(problemOf(error));
  }
}
