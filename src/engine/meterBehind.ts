/** Whose name it is that a gateway uses for a meter. */
import type { Meter } from "#domain/meter.ts";
import type { QuarantineReason } from "#domain/quarantine.ts";
import type { Book } from "./book.ts";

/** The meter of this name among those that the gateway speaks for: its id, or its carrier address. */
export function meterBehind(
  { memory }: Book,
  gateway: string,
  name: string,
): Meter | Extract<QuarantineReason, "NOT_OWNER" | "UNKNOWN_METER"> {
  const { meterNoById, meterNoByCarrierAddress, meters, gateways } = memory;
  const numbers = [meterNoById.get(name), meterNoByCarrierAddress.get(name.toLowerCase())];
  const named = numbers.flatMap((no) => (no === undefined ? [] : (meters.get(no) ?? [])));
  const listed = gateways.get(gateway);
  // A meter of another protocol is not spoken for in this one: its rules for closing are others.
  const own = named.find(
    ({ id, protocol }) => protocol === "sparkplug" && listed?.has(id) === true,
  );
  return own ?? (named.length > 0 ? "NOT_OWNER" : "UNKNOWN_METER");
}
