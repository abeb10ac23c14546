/** JSON v1 uplinks: the table of keys, and what they mean as a telegram. */
import { commandId } from "#domain/ids.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import { statusFromNames, statusNames, statusToNames } from "#domain/status.ts";
import {
  emptyReading,
  valvePositions,
  type DecodedReading,
  type Telegram,
  type VolumeRegister,
} from "#domain/telegram.ts";
import { volumeFromCount } from "#domain/units.ts";
import type { Decimal } from "../codec/decimal.ts";
import type { DecodeFault } from "../contract.ts";
import { decimal, instant, integer, listOf, oneWord, scaled, text, words } from "./kinds.ts";
import { objectOf, type RecordOf } from "./object.ts";

export const jsonHistoryMax = 1_000;
/** More than all there are, in case an encoder repeats itself. */
const statusWordsMax = 64;
export const commandIdCharsMax = 64;
const reasonCharsMax = 256;

const measured = {
  measuredAt: instant,
  volumeM3: decimal("m³"),
  flowM3h: scaled("m³/h", 6),
  temperatureC: scaled("°C", 2),
  pressureKpa: scaled("kPa", 3),
} as const;

/** The keys in the order in which our encoders write them. CONTRACT section 2. */
const table = {
  v: integer(),
  frameId: integer(),
  ...measured,
  batteryMv: integer("mV"),
  batteryPct: integer("%"),
  signalDbm: integer("dBm"),
  valve: oneWord(valvePositions, "unknown"),
  status: words(statusNames, statusWordsMax),
  history: listOf(objectOf(measured), jsonHistoryMax),
  reply: objectOf({
    commandId: text(commandIdCharsMax),
    result: oneWord(["accepted", "executed", "refused", "failed"]),
    reason: text(reasonCharsMax),
  }),
} as const;

export const uplinkObject = objectOf(table);
type UplinkRecord = RecordOf<typeof table>;
type MeasuredRecord = RecordOf<typeof measured>;

/** What the keys say, as a telegram. */
export function telegramOf(uplink: UplinkRecord): Result<Telegram, DecodeFault> {
  if (uplink.v !== 1) return schemaFault("v", "not version 1");
  const frameId = uplink.frameId ?? null;
  if (frameId !== null && frameId < 0) return schemaFault("frameId", "negative");
  const readings: DecodedReading[] = [];
  const present = presentReading(uplink);
  if (present === undefined) return schemaFault("volumeM3", notMillilitres);
  if (saysSomething(present)) readings.push(present);
  for (const [index, entry] of (uplink.history ?? []).entries()) {
    const path = `history[${index}]`;
    if (entry.measuredAt === undefined) return schemaFault(`${path}.measuredAt`, "missing");
    if (entry.volumeM3 === undefined) return schemaFault(`${path}.volumeM3`, "missing");
    const old = measuredReading(entry);
    if (old === undefined) return schemaFault(`${path}.volumeM3`, notMillilitres);
    readings.push(old);
  }
  const { reply } = uplink;
  if (reply === undefined) {
    if (readings.length === 0) return schemaFault("", "neither a reading nor a reply");
    return ok({ address: null, frameId, readings, replies: [] });
  }
  if (reply.commandId === undefined) return schemaFault("reply.commandId", "missing");
  if (reply.result === undefined) return schemaFault("reply.result", "missing");
  const answer = {
    commandId: commandId(reply.commandId),
    sequence: null,
    result: reply.result,
    reason: reply.reason ?? null,
    valve: null,
  };
  return ok({ address: null, frameId, readings, replies: [answer] });
}

const notMillilitres = "not a whole number of millilitres in the safe range";

function schemaFault(path: string, problem: string) {
  return fail<DecodeFault>({ kind: "schema", path, problem });
}

function presentReading(uplink: UplinkRecord): DecodedReading | undefined {
  const reading = measuredReading(uplink);
  if (reading === undefined) return undefined;
  return {
    ...reading,
    batteryMv: uplink.batteryMv ?? null,
    batteryPct: uplink.batteryPct ?? null,
    signalDbm: uplink.signalDbm ?? null,
    valve: uplink.valve ?? null,
    status: uplink.status === undefined ? null : statusFromNames(uplink.status),
  };
}

function measuredReading(entry: MeasuredRecord): DecodedReading | undefined {
  const volume = entry.volumeM3 === undefined ? null : registerOf(entry.volumeM3);
  if (volume === undefined) return undefined;
  return {
    ...emptyReading,
    measuredAtMs: entry.measuredAt ?? null,
    volume,
    flowMlPerHour: entry.flowM3h ?? null,
    temperatureCentiC: entry.temperatureC ?? null,
    pressurePa: entry.pressureKpa ?? null,
  };
}

function registerOf({ count, exponent }: Decimal): VolumeRegister | undefined {
  const ml = volumeFromCount(count, exponent);
  return ml === undefined ? undefined : { ml, count, exponent };
}

/** A time alone is no reading. */
function saysSomething(reading: DecodedReading): boolean {
  return presentKeys.some((key) => reading[key] !== null);
}

const presentKeys = [
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

/** A telegram as its keys: the first reading is the present one, the others are history. */
export function uplinkRecord(telegram: Telegram): UplinkRecord {
  const [present = emptyReading, ...history] = telegram.readings;
  const [reply] = telegram.replies;
  return {
    v: 1,
    frameId: telegram.frameId ?? undefined,
    ...measuredRecord(present),
    batteryMv: present.batteryMv ?? undefined,
    batteryPct: present.batteryPct ?? undefined,
    signalDbm: present.signalDbm ?? undefined,
    valve: present.valve ?? undefined,
    status: present.status === null ? undefined : [...statusToNames(present.status)],
    history: history.length === 0 ? undefined : history.map(measuredRecord),
    reply:
      reply === undefined
        ? undefined
        : {
            commandId: reply.commandId ?? undefined,
            result: reply.result,
            reason: reply.reason ?? undefined,
          },
  };
}

function measuredRecord(reading: DecodedReading): MeasuredRecord {
  return {
    measuredAt: reading.measuredAtMs ?? undefined,
    volumeM3: reading.volume ?? undefined,
    flowM3h: reading.flowMlPerHour ?? undefined,
    temperatureC: reading.temperatureCentiC ?? undefined,
    pressureKpa: reading.pressurePa ?? undefined,
  };
}
