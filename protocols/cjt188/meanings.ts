/** What the values of an answer mean: readings and replies out of what its layout has read. */
import type { StatusMap } from "#domain/meterFile.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import {
  emptyReading,
  type CommandReply,
  type DecodedReading,
  type ReplyResult,
  type Telegram,
  type VolumeRegister,
} from "#domain/telegram.ts";
import { volumeFromCount, type TimestampMs } from "#domain/units.ts";
import type { ValuesOfLayout } from "#protocols/codec/layout.ts";
import type { MeterStatus } from "#protocols/codec/statusMap.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { functionOf, functions, type Frame } from "./frame.ts";
import { halfHourReadings } from "./halfHours.ts";
import { sameDi } from "./identifiers.ts";
import type * as layouts from "./layouts.ts";
import { flowExponent, unitOfShortFrame, volumeExponent, type UnitCount } from "./quantities.ts";
import { statusOf, unusedByte } from "./status.ts";

export type Content = Pick<Telegram, "readings" | "replies">;
type Meant = Result<Content, DecodeFault>;

/** What a meaning may need besides the values: the frame they stand in, and the meter's status map. */
export interface Heading {
  readonly frame: Frame;
  readonly map: StatusMap;
}

type StatusValues = { readonly status: readonly number[] };

/** Nothing for a telegram, but worth reading for people: prices, clocks, registers without a date. */
export function nothing(): Meant {
  return ok({ readings: [], replies: [] });
}

/** A leak bit must be heard wherever it stands. */
export function statusAlone({ status }: StatusValues, heading: Heading): Meant {
  return ok({ readings: statusReading(statusIn(heading, status)), replies: [] });
}

/** 901F. */
export function metered(values: ValuesOfLayout<typeof layouts.metering>, heading: Heading): Meant {
  const { current, measuredAt, status } = values;
  return withVolume(current, (volume) => [present(heading, status, { measuredAt, volume })]);
}

/** 901F without unit and clock. */
export function meteredShort(
  { current, status }: ValuesOfLayout<typeof layouts.meteringShort>,
  heading: Heading,
): Meant {
  const counted = { count: current, unit: unitOfShortFrame };
  return withVolume(counted, (volume) => [present(heading, status, { measuredAt: null, volume })]);
}

/** 901F and 911F of heat meters: the volume is that of the water that carried the heat. */
export function heatMetered(
  values: Pick<
    ValuesOfLayout<typeof layouts.meteringHeat>,
    "volume" | "flow" | "measuredAt" | "status"
  >,
  heading: Heading,
): Meant {
  const { measuredAt, status, flow } = values;
  return withVolume(values.volume, (volume) => [
    { ...present(heading, status, { measuredAt, volume }), flowMlPerHour: flowOf(flow) },
  ]);
}

/** Pressure counts are thousandths of a megapascal. */
const paPerPressureCount = 1_000;

/** 9097: the present values, and the half hours of the day before where their story is certain. */
export function reported(values: ValuesOfLayout<typeof layouts.report>, heading: Heading): Meant {
  const { current, measuredAt, status, pressure } = values;
  return withVolume(current, (volume) => [
    {
      ...present(heading, status, { measuredAt, volume }),
      flowMlPerHour: flowOf(values.flow),
      temperatureCentiC: values.temperature,
      pressurePa: pressure === null ? null : pressure * paPerPressureCount,
      signalDbm: values.rsrp,
    },
    ...halfHourReadings(values),
  ]);
}

/** Where they stand in a freeze. */
const clockOffset = 3;
const registerOffset = 10;

/**
 * D3xx and D4xx. A slot that was never written has neither date nor register. A register without a date
 * must not pass for a present one, so it is refused and waits for people.
 */
export function frozen(
  { frozenAt, current, flow, temperature }: ValuesOfLayout<typeof layouts.freeze>,
  { frame }: Heading,
): Meant {
  if (current.count === null && frozenAt === null) return nothing();
  if (frozenAt === null) {
    const atByte = frame.dataAt + clockOffset;
    return fail({ kind: "unexpectedValue", field: "cjt188.D3xx.frozenAt", atByte });
  }
  if (current.count === null) {
    const atByte = frame.dataAt + registerOffset;
    return fail({ kind: "notBcd", field: "cjt188.D3xx.current", atByte });
  }
  return withVolume(current, (volume) => [
    {
      ...emptyReading,
      measuredAtMs: frozenAt,
      volume,
      flowMlPerHour: flowOf(flow),
      temperatureCentiC: temperature,
    },
  ]);
}

/** A017: the answer is no proof that the valve has moved. Meters answer with two, one or no status bytes. */
export function valveAnswered(
  { sequence, status }: { readonly sequence: number } & Partial<StatusValues>,
  heading: Heading,
): Meant {
  const said = status === undefined ? null : statusIn(heading, status);
  const readings = said === null ? [] : statusReading(said);
  return ok({ readings, replies: [reply(sequence, "accepted", said, null)] });
}

/** A118, normal answer: written, which moves nothing, and says so of no other order. */
export function scheduleAnswered(
  { sequence, status }: { readonly sequence: number } & Partial<StatusValues>,
  heading: Heading,
): Meant {
  const readings = status === undefined ? [] : statusReading(statusIn(heading, status));
  return ok({ readings, replies: [replyTo("a118", sequence, "executed", null, null)] });
}

/** An abnormal answer with status bytes; one that names another write moves no command. */
export function statusRefused(
  values: { readonly sequence: number; readonly diWire?: string } & StatusValues,
  heading: Heading,
): Meant {
  const said = statusIn(heading, values.status);
  const isOurs = isWrite(heading) && isOrdered(values.diWire);
  const replies = isOurs ? [replyTo(values.diWire, values.sequence, "refused", said, null)] : [];
  return ok({ readings: statusReading(said), replies });
}

/** An abnormal answer with a code. */
export function codeRefused(
  values: { readonly code: string; readonly diWire?: string; readonly sequence?: number },
  heading: Heading,
): Meant {
  const { diWire, sequence = null } = values;
  const reason = `code ${values.code.toUpperCase()}H`;
  const isOurs = isWrite(heading) && isOrdered(diWire);
  const replies = isOurs ? [replyTo(diWire, sequence, "refused", null, reason)] : [];
  return ok({ readings: [], replies });
}

/** A refusal without a DI may be one of ours. */
function isOrdered(diWire: string | undefined): boolean {
  return diWire === undefined || sameDi(diWire, "a017") || sameDi(diWire, "a118");
}

/** An answer that names the hours of reports is none to a valve order, whatever its SER. */
function replyTo(
  diWire: string | undefined,
  sequence: number | null,
  result: ReplyResult,
  status: MeterStatus | null,
  reason: string | null,
): CommandReply {
  const said = reply(sequence, result, status, reason);
  const isSchedule = diWire !== undefined && sameDi(diWire, "a118");
  return isSchedule ? { ...said, action: "change_parameters" } : said;
}

function isWrite({ frame }: Heading): boolean {
  const writes: readonly number[] = [functions.writeData, functions.writeDataVendor];
  return writes.includes(functionOf(frame.control));
}

function statusIn({ map }: Heading, [first = 0, second = unusedByte]: readonly number[]) {
  return statusOf(map, first, second);
}

function present(
  heading: Heading,
  status: readonly number[],
  said: { readonly measuredAt: TimestampMs | null; readonly volume: VolumeRegister | null },
): DecodedReading {
  const { valve, flags } = statusIn(heading, status);
  const { measuredAt, volume } = said;
  return { ...emptyReading, measuredAtMs: measuredAt, volume, valve, status: flags };
}

function withVolume(
  { count, unit }: UnitCount,
  readings: (volume: VolumeRegister | null) => readonly DecodedReading[],
): Meant {
  const exponent = volumeExponent(unit);
  if (exponent !== undefined && count === null)
    return ok({ readings: readings(null), replies: [] });
  const ml =
    exponent === undefined || count === null ? undefined : volumeFromCount(count, exponent);
  if (exponent === undefined || count === null || ml === undefined) {
    const code = unit.toString(16).toUpperCase().padStart(2, "0");
    return fail({ kind: "unsupported", what: `unit code ${code}H of a volume` });
  }
  return ok({ readings: readings({ ml, count, exponent }), replies: [] });
}

function flowOf({ count, unit }: UnitCount): number | null {
  const exponent = flowExponent(unit);
  return exponent === undefined || count === null ? null : Math.round(count * 10 ** (exponent + 6));
}

/** A valve position in an answer belongs to the answer. */
function statusReading({ flags }: MeterStatus): readonly DecodedReading[] {
  return flags === 0 ? [] : [{ ...emptyReading, status: flags }];
}

function reply(
  sequence: number | null,
  result: ReplyResult,
  status: MeterStatus | null,
  reason: string | null,
): CommandReply {
  return { commandId: null, sequence, result, reason, valve: status?.valve ?? null };
}
