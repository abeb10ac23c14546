/** What a gas meter sends, as frames: for simulated meters. Decoded by the same tables. */
import { invariant } from "#domain/invariant.ts";
import { emptyReading, type DecodedReading, type Telegram } from "#domain/telegram.ts";
import { encodeFrame } from "./frame.ts";
import { halfHoursCount, metering, report, valveAnswer } from "./layouts.ts";
import { flowCountOf, roundRegister, unitCountOf, type UnitCount } from "./quantities.ts";
import { gasDefault, gasMeterTypeMin, statusBytesOf } from "./status.ts";

/** Who speaks, and the SER of the request that is answered (0 for a report of its own accord). */
export interface Cjt188Sender {
  /** 14 digits as printed on the meter. */
  readonly address: string;
  readonly sequence: number;
}

/** The register at the last midnight, in counts of the present unit, and the half hours before it. */
export interface Freeze {
  readonly count: number;
  /** Litres, newest first, 47 of them. */
  readonly decrements: readonly number[];
}

const readAnswered = 0x81;
const writeAnswered = 0x84;
const writeRefused = 0xc4;
const noRegister: UnitCount = { count: 0, unit: 0x2c };
const missingByte = 0xff;
const missingDecrement = 0xffff;

/**
 * A telegram as the one frame that can carry it: the answer to a command when there is one, else the
 * report 9097 of the first reading. Older readings have no place but the half hours of `encodeReport`.
 */
export function encodeCjt188Uplink({ address, readings, replies }: Telegram): Uint8Array {
  invariant(address !== null, "a frame of this protocol has an address");
  const [reply] = replies;
  const [reading = emptyReading] = readings;
  if (reply === undefined) return encodeReport({ address, sequence: 0 }, reading);
  const sender = { address, sequence: reply.sequence ?? 0 };
  const result = reply.result === "refused" || reply.result === "failed" ? "refused" : "accepted";
  return encodeValveAnswer(sender, { ...reading, valve: reply.valve ?? reading.valve }, result);
}

/** The answer to "read data 901F". The register's exponent must have a unit code: -5 to 0. */
export function encodeMeteringAnswer(sender: Cjt188Sender, reading: DecodedReading): Uint8Array {
  const current = currentOf(reading);
  const data = metering.encode({
    diWire: "901f",
    sequence: sender.sequence,
    current,
    settlement: { count: 0, unit: current.unit },
    measuredAt: reading.measuredAtMs,
    status: statusBytes(reading),
  });
  return frameOf(sender, readAnswered, data);
}

/** The NB-IoT report 9097, sent by the meter of its own accord. */
export function encodeReport(
  sender: Cjt188Sender,
  reading: DecodedReading,
  freeze: Freeze | null = null,
): Uint8Array {
  const { pressurePa, temperatureCentiC } = reading;
  const data = report.encode({
    diWire: "9097",
    sequence: sender.sequence,
    current: currentOf(reading),
    settlement: noRegister,
    reverse: noRegister,
    remaining: noRegister,
    flow: flowCountOf(reading.flowMlPerHour),
    // Neither field has a sign: below zero is missing.
    temperature: temperatureCentiC === null || temperatureCentiC < 0 ? null : temperatureCentiC,
    pressure: pressurePa === null || pressurePa < 0 ? null : Math.round(pressurePa / 1_000),
    ultrasonicSignal: 0,
    measuredAt: reading.measuredAtMs,
    status: statusBytes(reading),
    rsrp: reading.signalDbm ?? 0,
    signalQuality: 0,
    transmissionCount: 0,
    iccid: "0".repeat(20),
    imei: "0".repeat(16),
    uploadFlag: 1,
    timingScheme: "00ffffff",
    freezeHour: freeze === null ? missingByte : 0,
    freezeCount: freeze === null ? null : roundRegister(freeze.count),
    decrements:
      freeze?.decrements ?? Array.from({ length: halfHoursCount }, () => missingDecrement),
  });
  return frameOf(sender, readAnswered, data);
}

/** The answer to a valve command: the status of now, before the motor moves. */
export function encodeValveAnswer(
  sender: Cjt188Sender,
  reading: DecodedReading,
  result: "accepted" | "refused" = "accepted",
): Uint8Array {
  const status = statusBytes(reading);
  const data = valveAnswer.encode({ diWire: "a017", sequence: sender.sequence, status });
  if (result === "accepted") return frameOf(sender, writeAnswered, data);
  // A refusal has no DI: SER and ST alone.
  return frameOf(sender, writeRefused, data.subarray(2));
}

function frameOf({ address }: Cjt188Sender, control: number, data: Uint8Array): Uint8Array {
  return encodeFrame({ meterType: gasMeterTypeMin, address, control }, data);
}

function currentOf({ volume }: DecodedReading): UnitCount {
  const current = volume === null ? undefined : unitCountOf(volume);
  invariant(current !== undefined, "a metering frame has a register in a unit of its table");
  return current;
}

function statusBytes({ valve, status }: DecodedReading): readonly number[] {
  return [...statusBytesOf(gasDefault, { valve: valve ?? "unknown", flags: status ?? 0 })];
}
