/** What the status word of a CAT-1 report means, and why a meter called. */
import { hasStatus, statusBits, type StatusFlags, type StatusName } from "#domain/status.ts";
import type { ValvePosition } from "#domain/telegram.ts";

/** Value 10 is not defined: it says nothing, and it never says open. */
const valveByBits: readonly ValvePosition[] = ["open", "closed", "unknown", "fault"];

/** By bit number. D14 says that a magnet was there once: a record, not what is true now. */
const flagByBit: ReadonlyMap<number, StatusName> = new Map([
  [5, "battery_low"],
  [6, "magnet"],
  [7, "cover_open"],
]);

/** What a status word says. */
export interface MeterStatus {
  readonly valve: ValvePosition;
  readonly flags: StatusFlags;
}

/** The status word as the domain knows it. */
export function statusOf(word: number): MeterStatus {
  const valve = valveByBits[word & 3] ?? "unknown";
  let flags = valve === "fault" ? statusBits.valve_fault : 0;
  for (const [bit, name] of flagByBit) if ((word & (1 << bit)) !== 0) flags |= statusBits[name];
  return { valve, flags };
}

/** The status word that says this, as far as the protocol can. */
export function statusWordOf({ valve, flags }: MeterStatus): number {
  const position = valveByBits.indexOf(valve);
  let word = position < 0 ? 2 : position;
  for (const [bit, name] of flagByBit) if (hasStatus(flags, statusBits[name])) word |= 1 << bit;
  return word;
}

/** Reporting type, D0 to D4. The order of the higher bits is not certain, so they stay bits. */
const reasonsToCall = ["timed", "trigger", "card swipe", "valve action", "magnetic interference"];

/** Why the meter called, as far as the bits are certain. */
export function reasonsOf(reportingType: number): readonly string[] {
  return reasonsToCall.filter((_, bit) => (reportingType & (1 << bit)) !== 0);
}

/** Whether a reporting type may stand for an alarm: over-flow is one of the uncertain bits. */
export function mayBeAlarm(reportingType: number): boolean {
  return reportingType >= 1 << reasonsToCall.length;
}
