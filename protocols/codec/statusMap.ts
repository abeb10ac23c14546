/** Status bytes by a map that is data: the standards leave most of these bits to the makers of meters. */
import type { StatusMap } from "#domain/meterFile.ts";
import { hasStatus, statusBits, type StatusFlags } from "#domain/status.ts";
import type { ValvePosition } from "#domain/telegram.ts";

/** What status bytes say; `valve` is null where the map has none. */
export interface MeterStatus {
  readonly valve: ValvePosition | null;
  readonly flags: StatusFlags;
}

/** The bytes by the map. A value of the valve that the map does not have is unknown, never open. */
export function readStatus(map: StatusMap, bytes: readonly number[]): MeterStatus {
  const valve = valveIn(map, bytes);
  let flags: StatusFlags = valve === "fault" ? statusBits.valve_fault : 0;
  for (const { byte, bit, status } of map.bits) {
    if ((bytesAt(bytes, byte) & (1 << bit)) !== 0) flags |= statusBits[status];
  }
  return { valve, flags };
}

function valveIn({ valve }: StatusMap, bytes: readonly number[]): ValvePosition | null {
  if (valve === null) return null;
  const value = String(bytesAt(bytes, valve.byte) & valve.mask);
  const position = Object.hasOwn(valve.positions, value) ? valve.positions[value] : undefined;
  return position ?? "unknown";
}

function bytesAt(bytes: readonly number[], at: number): number {
  return bytes[at] ?? 0;
}

/** Bytes that say this, as far as the map can; for simulated meters. */
export function writeStatus(
  map: StatusMap,
  { valve, flags }: MeterStatus,
  sizeBytes: number,
): number[] {
  const bytes = Array.from({ length: sizeBytes }, () => 0);
  if (map.valve !== null) bytes[map.valve.byte] = valueOf(map.valve, valve);
  for (const { byte, bit, status } of map.bits) {
    if (hasStatus(flags, statusBits[status])) bytes[byte] = bytesAt(bytes, byte) | (1 << bit);
  }
  return bytes;
}

/** The value of a position; for one that the map does not have, a value that means nothing. */
function valueOf(
  { mask, positions }: NonNullable<StatusMap["valve"]>,
  wanted: ValvePosition | null,
): number {
  const known = Object.entries(positions).find(([, position]) => position === wanted)?.[0];
  if (known !== undefined) return Number(known);
  for (let value = 0; value <= mask; value += 1) {
    if ((value & mask) === value && !Object.hasOwn(positions, String(value))) return value;
  }
  return 0;
}
