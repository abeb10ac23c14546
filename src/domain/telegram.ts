/** What a decoder hands over: plain data, as the meter said it, before anybody judged it. */
import type { CommandId } from "./ids.ts";
import type { Learned } from "./meterFile.ts";
import type { StatusFlags } from "./status.ts";
import type { TimestampMs, VolumeMl } from "./units.ts";

/** Where a valve is, by the meter's own word. A value that a profile does not define is `unknown`, never `open`. */
export type ValvePosition = "open" | "closed" | "moving" | "fault" | "unknown";
export const valvePositions = ["open", "closed", "moving", "fault", "unknown"] as const;

/** An accumulating register: normalised, with what stood on the wire beside it. */
export interface VolumeRegister {
  readonly ml: VolumeMl;
  /** The meter's own count; the volume is `count * 10^exponent` cubic metres. */
  readonly count: number;
  readonly exponent: number;
}

/** Register values of one meter at one measured time. `null` means: this record does not say. */
export interface DecodedReading {
  /** The meter's clock; null when it is absent or not a date. */
  readonly measuredAtMs: TimestampMs | null;
  readonly volume: VolumeRegister | null;
  readonly flowMlPerHour: number | null;
  readonly temperatureCentiC: number | null;
  readonly pressurePa: number | null;
  readonly batteryMv: number | null;
  readonly batteryPct: number | null;
  readonly signalDbm: number | null;
  readonly valve: ValvePosition | null;
  readonly status: StatusFlags | null;
}

export const emptyReading: DecodedReading = {
  measuredAtMs: null,
  volume: null,
  flowMlPerHour: null,
  temperatureCentiC: null,
  pressurePa: null,
  batteryMv: null,
  batteryPct: null,
  signalDbm: null,
  valve: null,
  status: null,
};

export type ReplyResult = "accepted" | "executed" | "refused" | "failed";

/** A meter's answer to a command; matched by id where the protocol carries one, else by sequence. */
export interface CommandReply {
  readonly commandId: CommandId | null;
  /** The one-byte sequence (CJ/T 188 SER) where that is all there is. */
  readonly sequence: number | null;
  /** What kind of order it answers, where the frame says so and it is no close. */
  readonly action?: "change_parameters";
  readonly result: ReplyResult;
  readonly reason: string | null;
  /** Position at the moment of answering, normally before the motor moved. */
  readonly valve: ValvePosition | null;
}

/** One uplink, decoded. */
export interface Telegram {
  /** The address inside the frame, where the protocol has one (CJ/T 188: 14 digits as printed). */
  readonly address: string | null;
  /** Optional and monotone per meter (JSON v1). */
  readonly frameId: number | null;
  /** Present values, and older ones from the meter's memory; any order. */
  readonly readings: readonly DecodedReading[];
  readonly replies: readonly CommandReply[];
  /** What the decoder wants to be given again with this meter's next uplink. */
  readonly learned?: Learned;
}
