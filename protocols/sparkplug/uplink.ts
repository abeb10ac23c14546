/** An uplink as it is kept: the topic's text, a line feed, and the payload. So the bytes say what they are. */
import { parseTopic, printTopic, type SparkplugTopic } from "./topic.ts";

/** Where an uplink comes from, or an order goes. */
export type EdgeTopic = Extract<SparkplugTopic, { readonly edge: string }>;

/** What a node or a meter behind it says; orders and states of hosts are no uplinks. */
export interface EdgeUplink {
  readonly topic: EdgeTopic;
  readonly type: "NBIRTH" | "NDEATH" | "NDATA" | "DBIRTH" | "DDEATH" | "DDATA";
  readonly payload: Uint8Array;
}

const lineFeed = 0x0a;
const topicText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Three ids of 256 characters of four bytes, and the words between. */
const topicBytesMax = 4 * 1_024;

/** Topic and payload; undefined: there is no topic in front, or not one of this namespace. */
export function splitTopic(
  bytes: Uint8Array,
): { readonly topic: SparkplugTopic; readonly payload: Uint8Array } | undefined {
  const end = bytes.subarray(0, topicBytesMax).indexOf(lineFeed);
  if (end < 0) return undefined;
  const topic = parseTopic(textOf(bytes.subarray(0, end)));
  return topic === undefined ? undefined : { topic, payload: bytes.subarray(end + 1) };
}

/** The bytes that are kept, or carried down: the same form for both. */
export function joinTopic(topic: SparkplugTopic, payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`${printTopic(topic)}\n`);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** An uplink of a node; undefined: it is none. */
export function edgeUplinkOf(bytes: Uint8Array): EdgeUplink | undefined {
  const split = splitTopic(bytes);
  if (split === undefined || split.topic.type === "STATE") return undefined;
  const { topic, payload } = split;
  const { type } = topic;
  return type === "NCMD" || type === "DCMD" ? undefined : { topic, type, payload };
}

function textOf(bytes: Uint8Array): string {
  try {
    return topicText.decode(bytes);
  } catch {
    // The decoder's only way to say no; "" is no topic.
    return "";
  }
}
