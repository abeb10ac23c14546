/** Whether a topic belongs to who speaks: decided by the credential and the registry, by nothing else. */
import type { UplinkName } from "#domain/platform.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { IntakeDirectory } from "#ports/intake.ts";
import type { UplinkRoute } from "#ports/ledger.ts";
import { edgeUplinkPlace } from "./edgeTopics.ts";
import { parseTopic } from "./topics.ts";

/** Who a credential belongs to. */
export interface Identity {
  readonly kind: "meter" | "gateway";
  /** The meter's or gateway's id, which is the user name. */
  readonly id: string;
}

export type TopicFault = "NOT_OWNER" | "UNKNOWN_METER";

export interface UplinkPlace {
  readonly meterNo: number | null;
  readonly route: UplinkRoute;
  readonly protocol: UplinkName;
}

export interface DownlinkPlace {
  readonly meterNo: number;
  readonly protocol: UplinkName;
}

/** Where an uplink on this topic belongs. */
export function uplinkPlace(
  text: string,
  identity: Identity,
  directory: IntakeDirectory,
): Result<UplinkPlace, TopicFault> {
  const topic = parseTopic(text);
  if (topic === undefined) return edgeUplinkPlace(text, identity);
  if (topic.direction !== "up" || !owns(identity, topic.owner, topic.ownerId)) {
    return fail("NOT_OWNER");
  }
  const { protocol, meterId } = topic;
  const route: UplinkRoute = topic.owner === "meter" ? "meter" : `gateway:${identity.id}`;
  if (meterId === null) return ok({ meterNo: null, route, protocol });
  const meterNo = reachableMeterNo(meterId, identity, directory);
  return meterNo.ok ? ok({ meterNo: meterNo.value, route, protocol }) : meterNo;
}

/** Which meter's commands this topic carries. */
export function downlinkPlace(
  text: string,
  identity: Identity,
  directory: IntakeDirectory,
): Result<DownlinkPlace, TopicFault> {
  const topic = parseTopic(text);
  if (topic?.direction !== "down" || !owns(identity, topic.owner, topic.ownerId)) {
    return fail("NOT_OWNER");
  }
  if (topic.meterId === null) return fail("NOT_OWNER");
  const meterNo = reachableMeterNo(topic.meterId, identity, directory);
  return meterNo.ok ? ok({ meterNo: meterNo.value, protocol: topic.protocol }) : meterNo;
}

/** True while the gateway is allowed to speak for the meter. */
export function speaksFor(
  gatewayId: string,
  meterId: string,
  directory: Pick<IntakeDirectory, "gatewayMeters">,
): boolean {
  return directory.gatewayMeters(gatewayId)?.has(meterId) ?? false;
}

function owns(identity: Identity, owner: "meter" | "gateway", ownerId: string): boolean {
  return owner === identity.kind && ownerId === identity.id;
}

function reachableMeterNo(
  meterId: string,
  identity: Identity,
  directory: IntakeDirectory,
): Result<number, TopicFault> {
  if (identity.kind === "gateway" && !speaksFor(identity.id, meterId, directory)) {
    return fail("NOT_OWNER");
  }
  const meter = directory.meterById(meterId);
  return meter === undefined ? fail("UNKNOWN_METER") : ok(meter.no);
}
