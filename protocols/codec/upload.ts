/** What JSON v1 and the protobuf schema say alike: one upload of a meter, by our names. */
import { commandId } from "#domain/ids.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import { statusFromNames, statusToNames, type StatusName } from "#domain/status.ts";
import {
  emptyReading,
  type CommandReply,
  type DecodedReading,
  type ReplyResult,
  type Telegram,
  type ValvePosition,
  type VolumeRegister,
} from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { CommandOrder, DecodeFault, EncodeFault } from "#protocols/contract.ts";

/** The largest upload that is looked at. */
export const uploadBytesMax = 64 * 1024;
/** The only version there is. */
export const uploadVersion = 1;
/** The most older values in one upload. */
export const historyEntriesMax = 1_000;
/** More than there are words, in case an encoder repeats itself. */
export const statusWordsMax = 64;
/** The longest id of a command. */
export const commandIdCharsMax = 64;
/** The longest reason in an answer. */
export const reasonCharsMax = 256;
/** What a meter may say became of a command. */
export const replyResults = [
  "accepted",
  "executed",
  "refused",
  "failed",
] as const satisfies readonly ReplyResult[];

type OrderedParameters = Pick<CommandOrder, "parameters">;

/** The interval that an order sets; undefined: none. */
export function intervalOf({ parameters }: OrderedParameters): number | undefined {
  if (parameters === undefined || parameters === null) return undefined;
  return "reportEverySeconds" in parameters ? parameters.reportEverySeconds : undefined;
}

/** What a meter reads: the interval comes with its action, and with no other. */
export function withInterval<Order extends Pick<CommandOrder, "action">>(
  order: Order,
  reportEverySeconds: number | undefined,
): Result<Order & OrderedParameters, DecodeFault> {
  if ((order.action === "change_parameters") !== (reportEverySeconds !== undefined)) {
    return fail({ kind: "schema", path: "reportEverySeconds", problem: "with its action only" });
  }
  if (reportEverySeconds === undefined) return ok(order);
  return ok({ ...order, parameters: { reportEverySeconds } });
}

/** The order wants hours of the day, which neither has a word for. */
export function saysHours({ parameters }: OrderedParameters): boolean {
  return parameters !== undefined && parameters !== null && "reportHours" in parameters;
}

export const noHours = fail<EncodeFault>({ kind: "unsupported", what: "hours of reports" });

/** Register values as an upload carries them; undefined: it does not say. */
interface MeasuredRecord {
  readonly measuredAtMs: TimestampMs | null | undefined;
  readonly volume: VolumeRegister | undefined;
  readonly flowMlPerHour: number | undefined;
  readonly temperatureCentiC: number | undefined;
  readonly pressurePa: number | undefined;
}

/** An older value: worth nothing without its time and its register. */
interface HistoryRecord extends MeasuredRecord {
  readonly measuredAtMs: TimestampMs | null;
  readonly volume: VolumeRegister;
}

/** One upload of a meter. */
interface UploadRecord extends MeasuredRecord {
  readonly version: number;
  readonly frameId: number | undefined;
  readonly batteryMv: number | undefined;
  readonly batteryPct: number | undefined;
  readonly signalDbm: number | undefined;
  readonly valve: ValvePosition | undefined;
  readonly status: readonly StatusName[] | undefined;
  readonly history: readonly HistoryRecord[] | undefined;
  readonly reply: ReplyRecord | undefined;
}

/** A meter's answer to a command. */
interface ReplyRecord {
  readonly commandId: string;
  readonly result: ReplyResult;
  readonly reason: string | undefined;
}

/** The upload as a telegram; undefined when it says nothing but, at most, a time. */
export function telegramOf(upload: UploadRecord): Telegram | undefined {
  const present: DecodedReading = {
    measuredAtMs: upload.measuredAtMs ?? null,
    volume: upload.volume ?? null,
    flowMlPerHour: upload.flowMlPerHour ?? null,
    temperatureCentiC: upload.temperatureCentiC ?? null,
    pressurePa: upload.pressurePa ?? null,
    batteryMv: upload.batteryMv ?? null,
    batteryPct: upload.batteryPct ?? null,
    signalDbm: upload.signalDbm ?? null,
    valve: upload.valve ?? null,
    status: upload.status === undefined ? null : statusFromNames(upload.status),
  };
  const readings = saysSomething(present) ? [present] : [];
  for (const entry of upload.history ?? []) readings.push(oldReading(entry));
  const replies = upload.reply === undefined ? [] : [replyOf(upload.reply)];
  if (readings.length === 0 && replies.length === 0) return undefined;
  return { address: null, frameId: upload.frameId ?? null, readings, replies };
}

function oldReading(entry: HistoryRecord): DecodedReading {
  return {
    ...emptyReading,
    measuredAtMs: entry.measuredAtMs,
    volume: entry.volume,
    flowMlPerHour: entry.flowMlPerHour ?? null,
    temperatureCentiC: entry.temperatureCentiC ?? null,
    pressurePa: entry.pressurePa ?? null,
  };
}

function replyOf({ commandId: id, result, reason }: ReplyRecord): CommandReply {
  return {
    commandId: commandId(id),
    sequence: null,
    result,
    reason: reason ?? null,
    valve: null,
  };
}

const values = [
  "volume",
  "status",
  "valve",
  "flowMlPerHour",
  "temperatureCentiC",
  "pressurePa",
  "batteryMv",
  "batteryPct",
  "signalDbm",
] as const satisfies readonly (keyof DecodedReading)[];

/** A time alone is no reading. */
function saysSomething(reading: DecodedReading): boolean {
  return values.some((name) => reading[name] !== null);
}

/** A telegram as an upload, for simulated meters: the first reading is the present one. */
export function uploadOf(telegram: Telegram): UploadRecord {
  const [present = emptyReading, ...history] = telegram.readings;
  const [reply] = telegram.replies;
  return {
    version: uploadVersion,
    frameId: telegram.frameId ?? undefined,
    ...measuredOf(present),
    batteryMv: present.batteryMv ?? undefined,
    batteryPct: present.batteryPct ?? undefined,
    signalDbm: present.signalDbm ?? undefined,
    valve: present.valve ?? undefined,
    status: present.status === null ? undefined : statusToNames(present.status),
    history: history.length === 0 ? undefined : history.flatMap(historyOf),
    reply: reply === undefined ? undefined : replyRecordOf(reply),
  };
}

function historyOf(reading: DecodedReading): HistoryRecord[] {
  const { measuredAtMs, volume } = reading;
  const hasBoth = measuredAtMs !== null && volume !== null;
  return hasBoth ? [{ ...measuredOf(reading), measuredAtMs, volume }] : [];
}

function measuredOf(reading: DecodedReading): MeasuredRecord {
  return {
    measuredAtMs: reading.measuredAtMs ?? undefined,
    volume: reading.volume ?? undefined,
    flowMlPerHour: reading.flowMlPerHour ?? undefined,
    temperatureCentiC: reading.temperatureCentiC ?? undefined,
    pressurePa: reading.pressurePa ?? undefined,
  };
}

function replyRecordOf({ commandId: id, result, reason }: CommandReply): ReplyRecord | undefined {
  return id === null ? undefined : { commandId: id, result, reason: reason ?? undefined };
}
