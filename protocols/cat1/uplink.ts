/** What a meter sends, as frames: for simulated meters. Decoded by the same tables. */
import { invariant } from "#domain/invariant.ts";
import {
  emptyReading,
  type CommandReply,
  type DecodedReading,
  type Telegram,
} from "#domain/telegram.ts";
import { instructionOf } from "./answers.ts";
import { controls, encodeFrame } from "./frame.ts";
import { answeredAt, postpaidPacket, report, valveIdentifier, writeAnswer } from "./layouts.ts";
import { statusWordOf } from "./status.ts";

const gasMeterType = 0x30;
const timedReport = 0x0001;
const mlPerLitre = 1_000;
const registerRangeLitres = 2 ** 32 - 1;
const hourly = "c0003cffffff";
const spareBytes = 8;
const done = 0x00;
const refused = 0x0b;

/**
 * A telegram as the one frame that can carry it: the answer to a command when there is one, else the
 * report of the first reading. There is no place for older readings.
 */
export function encodeCat1Uplink({ address, readings, replies }: Telegram): Uint8Array {
  invariant(address !== null, "a frame of this protocol has an address");
  const [reply] = replies;
  const [reading = emptyReading] = readings;
  return reply === undefined
    ? encodeReport(address, reading)
    : encodeWriteAnswer(address, reply, reading);
}

function encodeReport(address: string, reading: DecodedReading): Uint8Array {
  const ml = reading.volume?.ml;
  const data = report.encode({
    packetType: postpaidPacket,
    manufacturerCode: "0000",
    tableType: 0x24,
    hardware: "0100",
    software: "0100",
    imei: "000000000000000d",
    iccid: "00000000000000000000",
    battery: reading.batteryMv ?? 0,
    signal: reading.signalDbm ?? 0,
    signalQuality: 0,
    signalToNoise: 0,
    reports: 0,
    reportsToday: 0,
    reportingMode: hourly,
    status: statusWordOf({ valve: reading.valve ?? "unknown", flags: reading.status ?? 0 }),
    cumulative: ml === undefined ? null : Math.trunc(ml / mlPerLitre) % registerRangeLitres,
    today: 0,
    month: 0,
    measuredAt: reading.measuredAtMs,
  });
  const head = { meterType: gasMeterType, address, control: controls.report, instruction: 0 };
  return encodeFrame({ ...head, reportingType: timedReport }, withSpare(data));
}

function encodeWriteAnswer(
  address: string,
  { sequence, result }: CommandReply,
  { measuredAtMs }: DecodedReading,
): Uint8Array {
  const isRefused = result === "refused" || result === "failed";
  const data = Buffer.concat([
    writeAnswer.encode({ identifier: valveIdentifier, result: isRefused ? refused : done }),
    answeredAt.encode({ meterClock: measuredAtMs }),
  ]);
  const instruction = sequence === null ? 0 : instructionOf(sequence);
  const head = { meterType: gasMeterType, address, control: controls.writeAnswer, instruction };
  return encodeFrame({ ...head, reportingType: 0 }, withSpare(data));
}

function withSpare(data: Uint8Array): Uint8Array {
  return Buffer.concat([data, new Uint8Array(spareBytes)]);
}
