/** What the status word of a CAT-1 report means, and why a meter called. */
import type { StatusMap } from "#domain/meterFile.ts";
import { readStatus, writeStatus, type MeterStatus } from "#protocols/codec/statusMap.ts";

/**
 * The vendor's document. Byte 0 of a map is D0 to D7 of the word, byte 1 is D8 to D15. Valve value 10 is
 * not defined: it says nothing, and it never says open. D14 says that a magnet was there once: a record,
 * not what is true now.
 */
export const cat1Default: StatusMap = {
  valve: { byte: 0, mask: 0b11, positions: { 0b00: "open", 0b01: "closed", 0b11: "fault" } },
  bits: [
    { byte: 0, bit: 5, status: "battery_low" },
    { byte: 0, bit: 6, status: "magnet" },
    { byte: 0, bit: 7, status: "cover_open" },
  ],
};

/** The status word by a map. */
export function statusOf(map: StatusMap, word: number): MeterStatus {
  return readStatus(map, [word & 0xff, word >> 8]);
}

/** The status word that says this, as far as the vendor's bits can. */
export function statusWordOf(status: MeterStatus): number {
  const [low = 0, high = 0] = writeStatus(cat1Default, status, 2);
  return low + 256 * high;
}

/** Reporting type, D0 to D4. The order of the higher bits is not certain, so they stay bits. */
const reasonsToCall = ["timed", "trigger", "card swipe", "valve action", "magnetic interference"];
const reportingBits = 16;

/** Why the meter called, as far as the bits are certain. */
export function reasonsOf(reportingType: number): readonly string[] {
  return reasonsToCall.filter((_, bit) => (reportingType & (1 << bit)) !== 0);
}

/** Every reason for people: the names, and the bits that have none. */
export function printReasons(reportingType: number): string {
  const bits = Array.from({ length: reportingBits }, (_, bit) => bit);
  const set = bits.filter((bit) => (reportingType & (1 << bit)) !== 0);
  return set.map((bit) => reasonsToCall[bit] ?? `D${bit}`).join(", ");
}

/** Whether a reporting type may stand for an alarm: over-flow is one of the uncertain bits. */
export function mayBeAlarm(reportingType: number): boolean {
  return reportingType >= 1 << reasonsToCall.length;
}
