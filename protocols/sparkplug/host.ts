/**
 * What a host application says through a broker: that it is there, and orders. Sparkplug B 3.0, sections 5.14 and
 * 6.4.25. A session with the broker is clean; the will goes with the connection; the birth is published after the
 * subscriptions are confirmed.
 */
import type { TimestampMs } from "#domain/units.ts";
import { decodeHostState, encodeHostState } from "./downlink.ts";
import { parseTopic, printTopic, type DeviceMessage, type NodeMessage } from "./topic.ts";

/** One publication, with all that MQTT must know of it. */
export interface HostMessage {
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly qos: 0 | 1;
  readonly isRetained: boolean;
}

/** One connection of a host with a broker. */
export interface HostSession {
  readonly hostId: string;
  /** When the connection was asked for: the same time in the will, the birth and the death. */
  readonly connectedAtMs: TimestampMs;
}

/** What a host subscribes to, its own state first. */
export function hostSubscriptions({ hostId }: HostSession): readonly string[] {
  return [printTopic({ type: "STATE", host: hostId }), "spBv1.0/+/+/+", "spBv1.0/+/+/+/+"];
}

/** The will of the connection, and what is published before it is closed on purpose. */
export function hostDeath(session: HostSession): HostMessage {
  return stateMessage(session, false);
}

/** What is published once the subscriptions are confirmed. */
export function hostBirth(session: HostSession): HostMessage {
  return stateMessage(session, true);
}

function stateMessage({ hostId, connectedAtMs }: HostSession, isOnline: boolean): HostMessage {
  return {
    topic: printTopic({ type: "STATE", host: hostId }),
    bytes: encodeHostState({ isOnline, atMs: connectedAtMs }),
    qos: 1,
    isRetained: true,
  };
}

/** Whether a message says that this host is gone, which it is not: then it publishes its birth again. */
export function saysGone({ hostId }: HostSession, topic: string, bytes: Uint8Array): boolean {
  const parsed = parseTopic(topic);
  const isOwn = parsed?.type === "STATE" && parsed.host === hostId;
  return isOwn && decodeHostState(bytes)?.isOnline === false;
}

/** Where an order goes. */
export type OrderTarget =
  | { readonly group: string; readonly edge: string; readonly device: null }
  | { readonly group: string; readonly edge: string; readonly device: string };

/** An order to a node or a device behind it: never kept by the broker, and not acknowledged by anybody. */
export function orderMessage({ group, edge, device }: OrderTarget, bytes: Uint8Array): HostMessage {
  const node: NodeMessage = "NCMD";
  const behind: DeviceMessage = "DCMD";
  const topic =
    device === null
      ? printTopic({ type: node, group, edge, device })
      : printTopic({ type: behind, group, edge, device });
  return { topic, bytes, qos: 0, isRetained: false };
}
