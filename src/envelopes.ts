/** The carriers as the listeners need them. */
import type { Meter } from "#domain/meter.ts";
import type { CarrierName } from "#domain/platform.ts";
import { timestampMs } from "#domain/units.ts";
import type { Envelopes } from "#ports/envelopes.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";

/** Any frame: whether a meter can be reached does not depend on what it is told. */
const anyCommand = { bytes: Uint8Array.of(0), expiresAtMs: 0 };

/** Every platform that we know. */
export const platformEnvelopes: Envelopes = {
  split(carrier, bytes) {
    const split = carrierByName[carrier].split(bytes);
    return split.ok ? split.value : null;
  },
  open(carrier, bytes) {
    const opened = carrierByName[carrier].open(bytes);
    return opened.ok ? opened.value : null;
  },
  hasDownlink: (carrier) => carrierByName[carrier].encodeDownlink !== null,
  isHeardFirst: (carrier) => carrierByName[carrier].isHeardFirst,
  canReach: (carrier, meter) => wrap(carrier, meter, anyCommand) !== undefined,
  wrap,
};

function wrap(
  carrier: CarrierName,
  meter: Meter,
  command: { readonly bytes: Uint8Array; readonly expiresAtMs: number },
): Uint8Array | undefined {
  const wrapped = carrierByName[carrier].encodeDownlink?.({
    address: meter.carrierAddress,
    meterId: meter.id,
    protocol: meter.protocol,
    inner: command.bytes,
    expiresAtMs: timestampMs(command.expiresAtMs),
  });
  return wrapped?.ok === true ? wrapped.value : undefined;
}
