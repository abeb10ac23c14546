/**
 * What a host knows of one edge node and the devices behind it, by the messages it has seen. Pure: the
 * time is an argument, and what is to be done is told. Sparkplug B 3.0, sections 5 and 6.
 */
import type { TimestampMs } from "#domain/units.ts";
import type { DataType } from "./dataTypes.ts";
import type { Metric, Payload } from "./payload.ts";
import type { DeviceMessage, NodeMessage } from "./topic.ts";
import { valueOf, type MetricValue } from "./values.ts";

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
  readonly payload: Payload;
}

/** A metric with all that its birth said of it. */
export interface KnownMetric {
  readonly name: string;
  readonly dataType: DataType;
  /** Null: the node says that there is none now. */
  readonly value: MetricValue | null;
  readonly atMs: TimestampMs | null;
  readonly isHistorical: boolean;
  readonly quality: number | null;
}

/** What is to be done after a message. */
export type EdgeEffect =
  | {
      readonly kind: "metrics";
      readonly device: string | null;
      readonly metrics: readonly KnownMetric[];
      readonly isBirth: boolean;
    }
  /** What was last heard is no longer so; without a device: of the node and of all its devices. */
  | { readonly kind: "stale"; readonly device: string | null }
  /** Metrics that no birth explains: the message's bytes must be kept, and are not lost. */
  | { readonly kind: "unexplained"; readonly device: string | null; readonly count: number }
  | { readonly kind: "askRebirth"; readonly because: string }
  | { readonly kind: "ignored"; readonly because: string };

interface BornMetric {
  readonly name: string;
  readonly dataType: DataType;
}

/** What a birth said. An alias that it gave twice explains nothing. */
interface Birth {
  readonly byName: ReadonlyMap<string, BornMetric>;
  readonly byAlias: ReadonlyMap<bigint, BornMetric | null>;
  /** False when a message has been missed since: aliases may have been given anew. */
  readonly isTrusted: boolean;
}

interface HeldMessage {
  readonly seq: number;
  readonly message: EdgeMessage;
}

/** What is known of an edge node. */
export interface EdgeNodeState {
  readonly isOnline: boolean;
  /** Of the session that was born last; null: it did not say. */
  readonly bdSeq: bigint | null;
  readonly nextSeq: number;
  readonly birth: Birth;
  /** Devices that are born and not dead. */
  readonly devices: ReadonlyMap<string, Birth>;
  /** Messages that came before one that is missing. */
  readonly held: readonly HeldMessage[];
  readonly heldSinceMs: TimestampMs | null;
  readonly askedAtMs: TimestampMs | null;
}

/** A state and what is to be done. */
export interface EdgeStep {
  readonly state: EdgeNodeState;
  readonly effects: readonly EdgeEffect[];
}

const noBirth: Birth = { byName: new Map(), byAlias: new Map(), isTrusted: false };

/** Nothing has been heard of it, or the connection to the broker was lost. */
export const unknownEdgeNode: EdgeNodeState = {
  isOnline: false,
  bdSeq: null,
  nextSeq: 0,
  birth: noBirth,
  devices: new Map(),
  held: [],
  heldSinceMs: null,
  askedAtMs: null,
};

const seqCount = 256;
/** A sequence further ahead than half the circle is behind. */
const aheadMax = seqCount / 2;
/** Messages that may wait for one that is missing. */
export const heldMessagesMax = 64;
/** Devices behind one node. */
export const edgeDevicesMax = 4_096;

/** One step of a conversation that is being followed: state and effects so far. */
interface Walk {
  state: EdgeNodeState;
  readonly effects: EdgeEffect[];
  readonly settings: EdgeNodeSettings;
  readonly nowMs: TimestampMs;
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
  if (message.type === "NBIRTH") takeNodeBirth(walk, message);
  else if (message.type === "NDEATH") takeNodeDeath(walk, message);
  else if (state.isOnline) takeInOrder(walk, message);
  else {
    apply(walk, message);
    askRebirth(walk, "a message of a node without a birth");
  }
  return { state: walk.state, effects: walk.effects };
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
function takeNodeBirth(walk: Walk, message: EdgeMessage): void {
  flushHeld(walk);
  const { payload } = message;
  if (walk.state.isOnline) walk.effects.push({ kind: "stale", device: null });
  walk.state = {
    ...unknownEdgeNode,
    isOnline: true,
    bdSeq: bdSeqOf(payload),
    nextSeq: ((payload.seq ?? 0) + 1) % seqCount,
    birth: birthOf(payload),
  };
  tell(walk, message, walk.state.birth);
}

/** A will may arrive after the next birth; the number tells whose death it is. */
function takeNodeDeath(walk: Walk, { payload }: EdgeMessage): void {
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

function takeInOrder(walk: Walk, message: EdgeMessage): void {
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
  const { held, heldSinceMs } = walk.state;
  if (held.some((other) => other.seq === seq)) return ignore(walk, "a message that came twice");
  const waiting = [...held, { seq, message }];
  walk.state = { ...walk.state, held: waiting, heldSinceMs: heldSinceMs ?? walk.nowMs };
  if (waiting.length > heldMessagesMax) stopWaiting(walk);
}

/** Births and deaths out of the past change nothing; data are still data, when they have a name. */
function takeLate(walk: Walk, message: EdgeMessage): void {
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
    apply(walk, next.message);
    walk.state = { ...walk.state, nextSeq: (nextSeq + 1) % seqCount };
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
  const doubted = [...devices].map(([id, known]) => [id, { ...known, isTrusted: false }] as const);
  const doubt = { birth: { ...birth, isTrusted: false }, devices: new Map(doubted) };
  walk.state = { ...walk.state, ...doubt };
  flushHeld(walk);
  askRebirth(walk, "a message is missing");
}

/** Takes what was held in its order, without what is missing. */
function flushHeld(walk: Walk): void {
  const { held, nextSeq } = walk.state;
  const inOrder = held.toSorted((a, b) => distance(nextSeq, a.seq) - distance(nextSeq, b.seq));
  walk.state = { ...walk.state, held: [], heldSinceMs: null };
  for (const { seq, message } of inOrder) {
    apply(walk, message);
    walk.state = { ...walk.state, nextSeq: (seq + 1) % seqCount };
  }
}

/** How far a sequence is ahead on the circle. */
function distance(from: number, to: number): number {
  return (to - from + seqCount) % seqCount;
}

function apply(walk: Walk, message: EdgeMessage): void {
  const { type, device, payload } = message;
  if (type === "DBIRTH") return takeDeviceBirth(walk, message);
  if (type === "DDEATH") return takeDeviceDeath(walk, device ?? "");
  const birth = device === null ? walk.state.birth : walk.state.devices.get(device);
  tell(walk, message, birth ?? noBirth);
  const isExplained = birth?.isTrusted === true || payload.metrics.length === 0;
  if (walk.state.isOnline && !isExplained) askRebirth(walk, "data without a birth to trust");
}

function takeDeviceBirth(walk: Walk, message: EdgeMessage): void {
  const device = message.device ?? "";
  const birth = birthOf(message.payload);
  tell(walk, message, birth);
  const { isOnline, devices } = walk.state;
  if (!isOnline) return;
  if (devices.size >= edgeDevicesMax && !devices.has(device)) {
    return ignore(walk, `more than ${edgeDevicesMax} devices`);
  }
  walk.state = { ...walk.state, devices: new Map(devices).set(device, birth) };
}

function takeDeviceDeath(walk: Walk, device: string): void {
  const devices = new Map(walk.state.devices);
  devices.delete(device);
  walk.state = { ...walk.state, devices };
  walk.effects.push({ kind: "stale", device });
}

/** What the message says, as far as names and births explain it. */
function tell(walk: Walk, { type, device, payload }: EdgeMessage, birth: Birth): void {
  const metrics: KnownMetric[] = [];
  let unexplained = 0;
  for (const metric of payload.metrics) {
    const known = explained(metric, payload, birth);
    if (known === undefined) unexplained += 1;
    else metrics.push(known);
  }
  const isBirth = type === "NBIRTH" || type === "DBIRTH";
  if (metrics.length > 0 || isBirth)
    walk.effects.push({ kind: "metrics", device, metrics, isBirth });
  if (unexplained > 0) walk.effects.push({ kind: "unexplained", device, count: unexplained });
}

function explained(metric: Metric, payload: Payload, birth: Birth): KnownMetric | undefined {
  const { name, alias, quality, isHistorical, isNull, wire } = metric;
  const byAlias = birth.isTrusted && alias !== null ? birth.byAlias.get(alias) : undefined;
  const born = name === null ? byAlias : birth.byName.get(name);
  const knownName = name ?? born?.name;
  const dataType = metric.dataType ?? born?.dataType;
  if (knownName === undefined || dataType === undefined) return undefined;
  const value = isNull ? null : valueOf(wire, dataType);
  const atMs = metric.atMs ?? payload.atMs;
  return { name: knownName, dataType, value, atMs, isHistorical, quality };
}

function birthOf({ metrics }: Payload): Birth {
  const byName = new Map<string, BornMetric>();
  const byAlias = new Map<bigint, BornMetric | null>();
  for (const { name, alias, dataType } of metrics) {
    if (name === null || dataType === null) continue;
    const born = { name, dataType };
    byName.set(name, born);
    if (alias !== null) byAlias.set(alias, byAlias.has(alias) ? null : born);
  }
  return { byName, byAlias, isTrusted: true };
}

function bdSeqOf({ metrics }: Payload): bigint | null {
  const metric = metrics.find(({ name }) => name === "bdSeq");
  return metric?.wire.longValue ?? metric?.wire.intValue ?? null;
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
