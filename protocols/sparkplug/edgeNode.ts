/**
 * What a host knows of one edge node and the devices behind it, by the messages it has seen. Pure: the
 * time is an argument, and what is to be done is told. Sparkplug B 3.0, sections 5 and 6.
 *
 * How a host drives it:
 * 1. It keeps one `EdgeNodeState` for each group and edge node (`parseTopic`), `unknownEdgeNode` at first.
 *    The state is plain JSON within the limits below (`birth` and `devices` change only with births and
 *    deaths): store it with the message that changed it, in one transaction, and hand it back after a
 *    restart. What was missed meanwhile shows by its sequence. Where the broker forgot its sessions, or
 *    another host stood in between, begin with `unknownEdgeNode` again and mark everything stale.
 * 2. Every message of the node and its devices goes through `takeEdgeMessage` in the order of arrival, with
 *    a number of the host's own (`ref`), which comes back with what the message says, perhaps only some
 *    messages later.
 * 3. While `heldSinceMs` is not null, `tickEdgeNode` must be called once `heldSinceMs + reorderTimeoutMs`
 *    has come.
 * 4. Effects in their order: `metrics` become readings by a table (`mapping.ts`); `unexplained` and
 *    `refused` keep the message of that number; `askRebirth` sends `encodeRebirthRequest` as NCMD; `stale`
 *    says that what was last heard is no longer so; `limit`, `unread` and `ignored` are counted.
 */
import type { TimestampMs } from "#domain/units.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { birthOf, explained, noBirth, type Birth, type KnownMetric } from "./births.ts";
import { decodePayload, type Payload } from "./payload.ts";
import type { DeviceMessage, NodeMessage } from "./topic.ts";

/** How patient a host is. */
export interface EdgeNodeSettings {
  /** How long a missing message is waited for. */
  readonly reorderTimeoutMs: number;
  /** A node is not asked again before. */
  readonly rebirthEveryMs: number;
}

/** A message of the node, or of a device behind it. Commands are nobody's news. */
export interface EdgeMessage {
  readonly type: Exclude<NodeMessage | DeviceMessage, "NCMD" | "DCMD">;
  readonly device: string | null;
  readonly bytes: Uint8Array;
  /** The host's own number of it. */
  readonly ref: number;
}

/** What is to be done after a message. */
export type EdgeEffect =
  | {
      readonly kind: "metrics";
      readonly device: string | null;
      readonly ref: number;
      readonly metrics: readonly KnownMetric[];
      readonly isBirth: boolean;
    }
  /** What was last heard is no longer so; without a device: of the node and of all its devices. */
  | { readonly kind: "stale"; readonly device: string | null }
  /** Metrics that no birth explains: the message's bytes must be kept, and are not lost. */
  | {
      readonly kind: "unexplained";
      readonly device: string | null;
      readonly ref: number;
      readonly count: number;
    }
  /** Data sets, templates, and values that do not fit their type: known by name, and passed over. */
  | {
      readonly kind: "unread";
      readonly device: string | null;
      readonly ref: number;
      readonly count: number;
    }
  /** No payload: the message's bytes must be kept. */
  | { readonly kind: "refused"; readonly ref: number; readonly fault: DecodeFault }
  | { readonly kind: "askRebirth"; readonly because: string }
  | { readonly kind: "limit"; readonly what: "devices" | "metrics" | "held"; readonly max: number }
  | { readonly kind: "ignored"; readonly because: string };

/** A message that came before one that is missing. */
interface HeldMessage {
  readonly seq: number;
  readonly type: EdgeMessage["type"];
  readonly device: string | null;
  readonly ref: number;
  /** The payload in base64. */
  readonly payload: string;
}

/** What is known of an edge node; plain JSON. */
export interface EdgeNodeState {
  readonly isOnline: boolean;
  /** Digits, of the session that was born last; null: it did not say. */
  readonly bdSeq: string | null;
  readonly nextSeq: number;
  readonly birth: Birth;
  /** Devices that are born and not dead. */
  readonly devices: readonly (readonly [device: string, birth: Birth])[];
  readonly held: readonly HeldMessage[];
  readonly heldSinceMs: TimestampMs | null;
  readonly askedAtMs: TimestampMs | null;
}

/** A state and what is to be done. */
export interface EdgeStep {
  readonly state: EdgeNodeState;
  readonly effects: readonly EdgeEffect[];
}

/** Nothing has been heard of it. */
export const unknownEdgeNode: EdgeNodeState = {
  isOnline: false,
  bdSeq: null,
  nextSeq: 0,
  birth: noBirth,
  devices: [],
  held: [],
  heldSinceMs: null,
  askedAtMs: null,
};

const seqCount = 256;
/** A sequence further ahead than half the circle is behind. */
const aheadMax = seqCount / 2;
/** Messages that may wait for one that is missing. */
export const heldMessagesMax = 64;
/** And what they may weigh, in base64. */
export const heldCharsMax = 256 * 1024;
/** Devices behind one node. */
export const edgeDevicesMax = 4_096;
/** Metrics that are remembered of a node and all its devices. */
export const edgeMetricsMax = 16_384;

/** One step of a conversation that is being followed: state and effects so far. */
interface Walk {
  state: EdgeNodeState;
  readonly effects: EdgeEffect[];
  readonly settings: EdgeNodeSettings;
  readonly nowMs: TimestampMs;
}

/** A message whose payload has been read. */
interface ReadMessage extends Omit<EdgeMessage, "bytes"> {
  readonly payload: Payload;
}

/** A message arrived. */
export function takeEdgeMessage(
  settings: EdgeNodeSettings,
  state: EdgeNodeState,
  message: EdgeMessage,
  nowMs: TimestampMs,
): EdgeStep {
  const walk: Walk = { state, effects: [], settings, nowMs };
  giveUpWaiting(walk);
  const { type, device, ref, bytes } = message;
  const payload = decodePayload(bytes);
  if (payload.ok) takeRead(walk, { type, device, ref, payload: payload.value }, bytes);
  else walk.effects.push({ kind: "refused", ref, fault: payload.fault });
  return { state: walk.state, effects: walk.effects };
}

function takeRead(walk: Walk, message: ReadMessage, bytes: Uint8Array): void {
  if (message.type === "NBIRTH") takeNodeBirth(walk, message);
  else if (message.type === "NDEATH") takeNodeDeath(walk, message);
  else if (walk.state.isOnline) takeInOrder(walk, message, bytes);
  else {
    apply(walk, message);
    askRebirth(walk, "a message of a node without a birth");
  }
}

/** Time has passed: a message that is missing for too long is given up. */
export function tickEdgeNode(
  settings: EdgeNodeSettings,
  state: EdgeNodeState,
  nowMs: TimestampMs,
): EdgeStep {
  const walk: Walk = { state, effects: [], settings, nowMs };
  giveUpWaiting(walk);
  return { state: walk.state, effects: walk.effects };
}

/** Any sequence may begin a session: the specification asks for 0 in one place and for any in another. */
function takeNodeBirth(walk: Walk, message: ReadMessage): void {
  flushHeld(walk);
  const { payload } = message;
  const { isOnline, askedAtMs } = walk.state;
  if (isOnline) walk.effects.push({ kind: "stale", device: null });
  walk.state = {
    ...unknownEdgeNode,
    isOnline: true,
    bdSeq: bdSeqOf(payload),
    nextSeq: ((payload.seq ?? 0) + 1) % seqCount,
    birth: remembered(walk, payload, edgeMetricsMax),
    // A node that answers every request with a birth that explains nothing is not asked in a circle.
    askedAtMs,
  };
  tell(walk, message, walk.state.birth);
}

/** A will may arrive after the next birth; the number tells whose death it is. */
function takeNodeDeath(walk: Walk, { payload }: ReadMessage): void {
  const died = bdSeqOf(payload);
  const { isOnline, bdSeq } = walk.state;
  if (!isOnline) return ignore(walk, "a death of a node that is not alive");
  if (died !== null && bdSeq !== null && died !== bdSeq) {
    return ignore(walk, "a death of an earlier session");
  }
  flushHeld(walk);
  walk.effects.push({ kind: "stale", device: null });
  walk.state = { ...unknownEdgeNode, askedAtMs: walk.state.askedAtMs };
}

function takeInOrder(walk: Walk, message: ReadMessage, bytes: Uint8Array): void {
  const { seq } = message.payload;
  if (seq === null) {
    apply(walk, message);
    return ignore(walk, "a message without a sequence");
  }
  const ahead = distance(walk.state.nextSeq, seq);
  if (ahead === 0) {
    apply(walk, message);
    walk.state = { ...walk.state, nextSeq: (seq + 1) % seqCount };
    return drainHeld(walk);
  }
  if (ahead >= aheadMax) return takeLate(walk, message);
  hold(walk, message, seq, bytes);
}

function hold(walk: Walk, message: ReadMessage, seq: number, bytes: Uint8Array): void {
  const { held, heldSinceMs } = walk.state;
  if (held.some((other) => other.seq === seq)) return ignore(walk, "a message that came twice");
  const { type, device, ref } = message;
  const payload = Buffer.from(bytes).toString("base64");
  const waiting = [...held, { seq, type, device, ref, payload }];
  walk.state = { ...walk.state, held: waiting, heldSinceMs: heldSinceMs ?? walk.nowMs };
  const chars = waiting.reduce((sum, { payload: text }) => sum + text.length, 0);
  if (waiting.length <= heldMessagesMax && chars <= heldCharsMax) return;
  walk.effects.push({ kind: "limit", what: "held", max: heldMessagesMax });
  stopWaiting(walk);
}

/** Births and deaths out of the past change nothing; data are still data, when they have a name. */
function takeLate(walk: Walk, message: ReadMessage): void {
  const isData = message.type === "NDATA" || message.type === "DDATA";
  if (isData) tell(walk, message, noBirth);
  else ignore(walk, "a birth or death out of the past");
}

/** Held messages that are now in order. */
function drainHeld(walk: Walk): void {
  for (;;) {
    const { held, nextSeq } = walk.state;
    const next = held.find(({ seq }) => seq === nextSeq);
    if (next === undefined) break;
    walk.state = { ...walk.state, held: held.filter((other) => other !== next) };
    applyHeld(walk, next);
  }
  if (walk.state.held.length === 0) walk.state = { ...walk.state, heldSinceMs: null };
}

function giveUpWaiting(walk: Walk): void {
  const { heldSinceMs } = walk.state;
  const { reorderTimeoutMs } = walk.settings;
  if (heldSinceMs !== null && walk.nowMs - heldSinceMs >= reorderTimeoutMs) stopWaiting(walk);
}

/** A message is lost, perhaps a birth: what has only an alias can no longer be explained. */
function stopWaiting(walk: Walk): void {
  const { birth, devices } = walk.state;
  walk.state = {
    ...walk.state,
    birth: { ...birth, isTrusted: false },
    devices: devices.map(([id, known]) => [id, { ...known, isTrusted: false }] as const),
  };
  flushHeld(walk);
  askRebirth(walk, "a message is missing");
}

/** Takes what was held in its order, without what is missing. */
function flushHeld(walk: Walk): void {
  const { held, nextSeq } = walk.state;
  const inOrder = held.toSorted((a, b) => distance(nextSeq, a.seq) - distance(nextSeq, b.seq));
  walk.state = { ...walk.state, held: [], heldSinceMs: null };
  for (const message of inOrder) applyHeld(walk, message);
}

function applyHeld(walk: Walk, { seq, type, device, ref, payload: text }: HeldMessage): void {
  const payload = decodePayload(new Uint8Array(Buffer.from(text, "base64")));
  if (payload.ok) apply(walk, { type, device, ref, payload: payload.value });
  else walk.effects.push({ kind: "refused", ref, fault: payload.fault });
  walk.state = { ...walk.state, nextSeq: (seq + 1) % seqCount };
}

/** How far a sequence is ahead on the circle. */
function distance(from: number, to: number): number {
  return (to - from + seqCount) % seqCount;
}

function apply(walk: Walk, message: ReadMessage): void {
  const { type, device, payload } = message;
  if (type === "DBIRTH") return takeDeviceBirth(walk, message);
  if (type === "DDEATH") return takeDeviceDeath(walk, device ?? "");
  const { isOnline, birth: nodeBirth, devices } = walk.state;
  const birth = device === null ? nodeBirth : birthOfDevice(devices, device);
  tell(walk, message, birth ?? noBirth);
  const isExplained = birth?.isTrusted === true || payload.metrics.length === 0;
  // A device beyond the limit would be asked for without end.
  const isUnremembered = birth === undefined && devices.length >= edgeDevicesMax;
  if (isOnline && !isExplained && !isUnremembered) {
    askRebirth(walk, "data without a birth to trust");
  }
}

function birthOfDevice(devices: EdgeNodeState["devices"], wanted: string): Birth | undefined {
  return devices.find(([device]) => device === wanted)?.[1];
}

function takeDeviceBirth(walk: Walk, message: ReadMessage): void {
  const device = message.device ?? "";
  const others = walk.state.devices.filter(([other]) => other !== device);
  const room = edgeMetricsMax - metricsOf(walk.state.birth, others);
  const { isOnline } = walk.state;
  const isTooMany = others.length >= edgeDevicesMax;
  const isKept = isOnline && !isTooMany;
  const birth = isKept
    ? remembered(walk, message.payload, room)
    : birthOf(message.payload, edgeMetricsMax);
  tell(walk, message, birth);
  if (isOnline && isTooMany) {
    walk.effects.push({ kind: "limit", what: "devices", max: edgeDevicesMax });
  }
  if (isKept) walk.state = { ...walk.state, devices: [...others, [device, birth]] };
}

function metricsOf(birth: Birth, devices: EdgeNodeState["devices"]): number {
  return devices.reduce((sum, [, { metrics }]) => sum + metrics.length, birth.metrics.length);
}

/** What is kept of a birth; what is beyond the limit must be named in every message. */
function remembered(walk: Walk, payload: Payload, room: number): Birth {
  const birth = birthOf(payload, room);
  if (birth.metrics.length >= room && payload.metrics.length > room) {
    walk.effects.push({ kind: "limit", what: "metrics", max: edgeMetricsMax });
  }
  return birth;
}

function takeDeviceDeath(walk: Walk, device: string): void {
  const devices = walk.state.devices.filter(([other]) => other !== device);
  walk.state = { ...walk.state, devices };
  walk.effects.push({ kind: "stale", device });
}

/** What the message says, as far as names and births explain it. */
function tell(walk: Walk, { type, device, ref, payload }: ReadMessage, birth: Birth): void {
  const metrics: KnownMetric[] = [];
  let unexplained = 0;
  let unread = 0;
  for (const metric of payload.metrics) {
    const known = explained(metric, payload, birth);
    if (known === undefined) unexplained += 1;
    else metrics.push(known);
    if (known?.value?.kind === "unread") unread += 1;
  }
  const isBirth = type === "NBIRTH" || type === "DBIRTH";
  const { effects } = walk;
  if (metrics.length > 0 || isBirth) {
    effects.push({ kind: "metrics", device, ref, metrics, isBirth });
  }
  if (unexplained > 0) effects.push({ kind: "unexplained", device, ref, count: unexplained });
  if (unread > 0) effects.push({ kind: "unread", device, ref, count: unread });
}

function bdSeqOf({ metrics }: Payload): string | null {
  const wire = metrics.find(({ name }) => name === "bdSeq")?.wire;
  const bits = wire?.longValue ?? wire?.intValue;
  return bits === undefined ? null : String(bits);
}

function askRebirth(walk: Walk, because: string): void {
  const { askedAtMs } = walk.state;
  const { rebirthEveryMs } = walk.settings;
  if (askedAtMs !== null && walk.nowMs - askedAtMs < rebirthEveryMs) return;
  walk.state = { ...walk.state, askedAtMs: walk.nowMs };
  walk.effects.push({ kind: "askRebirth", because });
}

function ignore(walk: Walk, because: string): void {
  walk.effects.push({ kind: "ignored", because });
}
