/** Dates and times of COSEM: twelve bytes, any of which may say "not specified". */
import { minuteMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import { believableInstant, instantOf } from "#protocols/codec/calendar.ts";

/** What a meter's record says about its clock. */
export interface ClockOptions {
  /** Minutes east of UTC, without summer time, for clocks that leave their deviation unspecified. */
  readonly offsetMinutes?: number | undefined;
  /** For meters that write the deviation with the opposite sign. */
  readonly isDeviationInverted?: boolean | undefined;
}

const sizeBytes = 12;
const unspecified = 0xff;
const unspecifiedDeviation = -0x8000;
const deviationMinutesMax = 840;
/** Clock status: bit 0 invalid value, bit 7 summer time in force; all bits set is "not specified". */
const invalidValue = 0x01;
const summerTime = 0x80;
const summerMinutes = 60;

/**  year 2 | month | day | weekday | hour | minute | second | hundredths | deviation 2 | clock status
 * UTC = local time + deviation. Without a deviation there is no instant, unless the meter's record
 * says where its clock stands.
 * @see IEC 62056-6-2, date-time */
export function instantOfClock(bytes: Uint8Array, options: ClockOptions): TimestampMs | null {
  if (bytes.length !== sizeBytes) return null;
  const view = Buffer.from(bytes);
  const [hour = unspecified, minute = unspecified, second = unspecified, hundredths = unspecified] =
    view.subarray(5, 9);
  const status = view[11] ?? unspecified;
  const hasStatus = status !== unspecified;
  if (hasStatus && (status & invalidValue) !== 0) return null;
  const local = instantOf({
    year: view.readUInt16BE(0),
    month: view[2] ?? 0,
    day: view[3] ?? 0,
    hour,
    minute,
    // A clock that counts no seconds shows the full minute.
    second: second === unspecified ? 0 : second,
  });
  const deviation = deviationOf(view.readInt16BE(9), hasStatus ? status : 0, options);
  if (local === undefined || deviation === null) return null;
  const fraction = hundredths < 100 ? hundredths * 10 : 0;
  return timestampMs(local + fraction + deviation * minuteMs);
}

/** Minutes to add to local time. */
function deviationOf(written: number, status: number, options: ClockOptions): number | null {
  if (written === unspecifiedDeviation) {
    if (options.offsetMinutes === undefined) return null;
    return -options.offsetMinutes - ((status & summerTime) === 0 ? 0 : summerMinutes);
  }
  if (Math.abs(written) > deviationMinutesMax) return null;
  return options.isDeviationInverted === true ? -written : written;
}

/** Seconds since 1970. */
export function instantOfUnixClock(seconds: number): TimestampMs | null {
  return seconds === 0 ? null : (believableInstant(seconds * 1_000) ?? null);
}
