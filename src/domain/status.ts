/** Status words of a meter (CONTRACT section 2, JSON v1) as bits of one integer. A bit is a level. */

export const statusBits = {
  leak: 1 << 0,
  external_alarm: 1 << 1,
  over_flow: 1 << 2,
  large_flow: 1 << 3,
  micro_flow: 1 << 4,
  continuous_flow: 1 << 5,
  low_pressure: 1 << 6,
  high_pressure: 1 << 7,
  reverse_flow: 1 << 8,
  battery_low: 1 << 9,
  battery_critical: 1 << 10,
  magnet: 1 << 11,
  tilt: 1 << 12,
  cover_open: 1 << 13,
  valve_fault: 1 << 14,
  valve_passing: 1 << 15,
  meter_fault: 1 << 16,
  clock_fault: 1 << 17,
} as const;

export type StatusName = keyof typeof statusBits;
export const statusNames = Object.keys(statusBits) as readonly StatusName[];

/** An OR of `statusBits`. */
export type StatusFlags = number;

/** Statuses that may not wait behind a back-fill flood (the fast lane of the intake queue). */
export const urgentStatus: StatusFlags =
  statusBits.leak | statusBits.external_alarm | statusBits.over_flow | statusBits.valve_passing;

export function hasStatus(flags: StatusFlags, wanted: StatusFlags): boolean {
  return (flags & wanted) !== 0;
}

export function statusFromNames(names: Iterable<StatusName>): StatusFlags {
  let flags = 0;
  for (const name of names) flags |= statusBits[name];
  return flags;
}

export function statusToNames(flags: StatusFlags): readonly StatusName[] {
  return statusNames.filter((name) => hasStatus(flags, statusBits[name]));
}

export function isStatusName(text: string): text is StatusName {
  return Object.hasOwn(statusBits, text);
}
