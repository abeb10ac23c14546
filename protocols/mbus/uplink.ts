/** What a gas meter sends, as frames: for simulated meters. Decoded by the same tables. */
import { invariant } from "#domain/invariant.ts";
import { hasStatus, statusBits } from "#domain/status.ts";
import type { DecodedReading } from "#domain/telegram.ts";
import { calendarOf } from "#protocols/codec/calendar.ts";
import { bcdCountLe } from "#protocols/codec/field.ts";
import { longHeader, type MbusAddress } from "./header.ts";
import { encodeLongFrame } from "./link.ts";

/** Who speaks, and under which of its telegrams' numbers. */
export interface MbusSender {
  readonly address: MbusAddress;
  readonly accessNumber: number;
  /** How far east of UTC the meter's clock stands. */
  readonly clockOffsetMs: number;
}

const answer = 0x08;
const longHeaderData = 0x72;
const unconfiguredAddress = 0x00;
const powerLow = 0x04;
const permanentError = 0x08;

/** The answer to REQ_UD2: volume, time and flow of one reading, status in the header. */
export function encodeMbusUplink(sender: MbusSender, reading: DecodedReading): Uint8Array {
  const header = longHeader.encode({
    ...sender.address,
    accessNumber: sender.accessNumber,
    status: statusByte(reading),
    configuration: 0,
  });
  const content = Uint8Array.from([...header, ...encodeRecords(reading, sender.clockOffsetMs)]);
  return encodeLongFrame(answer, unconfiguredAddress, longHeaderData, content);
}

/** The status byte that says this, as far as the standard's bits can. */
export function statusByte({ status }: DecodedReading): number {
  const flags = status ?? 0;
  const battery = hasStatus(flags, statusBits.battery_low) ? powerLow : 0;
  return battery | (hasStatus(flags, statusBits.meter_fault) ? permanentError : 0);
}

const digits = bcdCountLe(4);
const digits12 = bcdCountLe(6);

/** The records of one reading. A register has at most 12 digits and 10^-6 to 10^1 m³ as its unit. */
export function encodeRecords(reading: DecodedReading, clockOffsetMs: number): Uint8Array {
  const { volume, measuredAtMs, flowMlPerHour } = reading;
  const parts: number[] = [];
  if (volume !== null) {
    const vif = 0x16 + volume.exponent;
    invariant(vif >= 0x10 && vif <= 0x17, "a register has a unit of the primary table");
    const isShort = volume.count < 1e8;
    const field = isShort ? digits : digits12;
    const data = new Uint8Array(field.sizeBytes);
    field.write(data, 0, volume.count);
    parts.push(isShort ? 0x0c : 0x0e, vif, ...data);
  }
  if (measuredAtMs !== null) parts.push(0x04, 0x6d, ...typeF(measuredAtMs + clockOffsetMs));
  if (flowMlPerHour !== null) {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setInt32(0, flowMlPerHour, true);
    parts.push(0x04, 0x38, ...data);
  }
  return Uint8Array.from(parts);
}

/** Date and time of type F, to the minute; winter time, century given. */
function typeF(localMs: number): readonly number[] {
  const { year, month, day, hour, minute } = calendarOf(localMs);
  const century = Math.trunc(year / 100) - 19;
  const short = year % 100;
  return [
    minute,
    hour | (century << 5),
    day | ((short & 0x07) << 5),
    month | ((short & 0x78) << 1),
  ];
}
