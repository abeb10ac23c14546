/** What a gateway brought, as uplinks: a frame as it is, an envelope taken apart and looked into. */
import { isProtocolName } from "#domain/meter.ts";
import type { Meter } from "#domain/meter.ts";
import { isCarrierName, type CarrierName } from "#domain/platform.ts";
import type { Envelopes, OpenedEnvelope } from "#ports/envelopes.ts";
import type { CarriedFrame, CommandListeners, IntakeDirectory, Uplink } from "#ports/intake.ts";
import { speaksFor, type Identity, type UplinkPlace } from "./ownership.ts";

export interface CarriedParts {
  readonly directory: IntakeDirectory;
  readonly envelopes: Envelopes;
  readonly listeners: CommandListeners;
}

type Arrived = Pick<Uplink, "bytes" | "carried" | "reachable">;
type CarriedPlace = UplinkPlace & { readonly protocol: CarrierName };

/** One uplink for each envelope of one frame; what cannot be taken apart stays as it is, for quarantine. */
export function carriedUplinks(
  parts: CarriedParts,
  gateway: Identity,
  place: CarriedPlace,
  bytes: Uint8Array,
): readonly Arrived[] {
  const frames = parts.envelopes.split(place.protocol, bytes) ?? [bytes];
  return frames.map((one) => carriedUplink(parts, gateway, place, one));
}

/** An envelope of one frame. */
export function carriedUplink(
  parts: CarriedParts,
  gateway: Identity,
  place: CarriedPlace,
  bytes: Uint8Array,
): Arrived {
  const carried = look(parts, gateway, place, bytes);
  const { meterNo, protocol } = carried;
  const isNamed = meterNo !== null && protocol !== null && carried.bytes !== null;
  // An event of the platform is no meter that was heard.
  const reachable = isNamed && parts.listeners.find(meterNo, protocol) !== undefined;
  return { bytes, carried, reachable };
}

/** Whether a place takes envelopes. */
export function isCarriedPlace(place: UplinkPlace): place is CarriedPlace {
  return isCarrierName(place.protocol);
}

function look(
  { directory, envelopes }: CarriedParts,
  gateway: Identity,
  place: CarriedPlace,
  bytes: Uint8Array,
): CarriedFrame {
  const opened = envelopes.open(place.protocol, bytes);
  if (opened === null) return { meterNo: place.meterNo, protocol: null, bytes: null };
  const named =
    place.meterNo === null ? namedMeter(directory, opened) : directory.meterByNo(place.meterNo);
  const isOwn = named !== undefined && speaksFor(gateway.id, named.id, directory);
  const hint = opened.protocol !== null && isProtocolName(opened.protocol) ? opened.protocol : null;
  return {
    meterNo: isOwn ? named.no : null,
    protocol: isOwn ? named.protocol : hint,
    bytes: opened.inner,
  };
}

function namedMeter(
  directory: IntakeDirectory,
  { meterId, address }: OpenedEnvelope,
): Meter | undefined {
  if (meterId !== null) return directory.meterById(meterId);
  if (address === null) return undefined;
  const carried = directory.meterByCarrierAddress(address.toLowerCase());
  return carried ?? directory.meterByFrameAddress(address);
}
