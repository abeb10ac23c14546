/** Sparkplug B's own namespace: what a gateway may say, hear and leave as its will. Its edge node has its own id. */
import { fail, ok, type Result } from "#domain/result.ts";
import { parseTopic, type SparkplugTopic } from "#protocols/sparkplug/topic.ts";
import type { Identity, TopicFault, UplinkPlace } from "./ownership.ts";

const said: readonly SparkplugTopic["type"][] = [
  "NBIRTH",
  "NDEATH",
  "NDATA",
  "DBIRTH",
  "DDEATH",
  "DDATA",
];

/** Where a message of an edge node belongs; which meter speaks in it is decided with the conversation. */
export function edgeUplinkPlace(text: string, identity: Identity): Result<UplinkPlace, TopicFault> {
  const topic = parseTopic(text);
  if (topic === undefined || !isOwn(topic, identity) || !said.includes(topic.type)) {
    return fail("NOT_OWNER");
  }
  return ok({ meterNo: null, route: `gateway:${identity.id}`, protocol: "sparkplug" });
}

/** The one will that a node may leave: its own death. */
export function isNodeDeath(text: string): boolean {
  return parseTopic(text)?.type === "NDEATH";
}

/** What a session of a gateway listens for. `device` null: of every meter behind it. */
export type EdgeFilter =
  | { readonly kind: "node" }
  | { readonly kind: "device"; readonly device: string | null }
  | { readonly kind: "state" };

/** The filter that a gateway asks for; undefined: not one that it may have. */
export function edgeFilter(
  text: string,
  identity: Identity,
  stateTopic: string | null,
): EdgeFilter | undefined {
  if (identity.kind !== "gateway") return undefined;
  if (text === stateTopic) return { kind: "state" };
  const isEvery = text.endsWith("/+");
  // Any id in its place: what is before it must be a topic of one meter.
  const topic = parseTopic(isEvery ? `${text.slice(0, -1)}-` : text);
  if (topic === undefined || !isOwn(topic, identity)) return undefined;
  if (topic.type === "DCMD") return { kind: "device", device: isEvery ? null : topic.device };
  return topic.type === "NCMD" && !isEvery ? { kind: "node" } : undefined;
}

function isOwn(topic: SparkplugTopic, { kind, id }: Identity): boolean {
  return kind === "gateway" && topic.type !== "STATE" && topic.edge === id;
}
