/** What meters send: a table of answers by control code and DI, each with its layout and meaning. */
import { fail, ok, type Result } from "#domain/result.ts";
import {
  emptyReading,
  type CommandReply,
  type DecodedReading,
  type Telegram,
  type VolumeRegister,
} from "#domain/telegram.ts";
import { volumeFromCount } from "#domain/units.ts";
import type { Layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace, Heard } from "#protocols/contract.ts";
import type { Frame } from "./frame.ts";
import { halfHourReadings } from "./halfHours.ts";
import {
  bareData,
  metering,
  meteringShort,
  refusalCode,
  refusalStatus,
  report,
  valveAnswer,
} from "./layouts.ts";
import { flowExponent, unitOfShortFrame, volumeExponent, type UnitCount } from "./quantities.ts";
import {
  gasDefault,
  isGas,
  nbIot,
  standardOnly,
  statusOf,
  type MeterStatus,
  type StatusProfile,
} from "./status.ts";

type Content = Pick<Telegram, "readings" | "replies">;
type Meaning<Values> = (values: Values, frame: Frame) => Result<Content, DecodeFault>;

interface Answer {
  readonly controls: readonly number[];
  /** null: this answer has no DI. */
  readonly di: string | null;
  readonly dataBytes: number;
  read(frame: Frame, trace: FieldTrace[] | null): Result<Content, DecodeFault>;
}

/** D7 of the control code: the meter speaks. */
export const answerBit = 0x80;
/** Abnormal answers have D6 too. */
const writeRefused = [0xc4, 0xea];
const refused = [0xc1, 0xc3, 0xc9, 0xd5, 0xd6, ...writeRefused];

const answers: readonly Answer[] = [
  answer([0x81], "901f", metering, (values, frame) => {
    const { valve, flags } = statusOfFrame(frame, values.status);
    return withVolume(values.current, (volume) => {
      const measuredAtMs = values.measuredAt;
      return [{ ...emptyReading, measuredAtMs, volume, valve, status: flags }];
    });
  }),
  answer([0x81], "901f", meteringShort, (values, frame) => {
    const { valve, flags } = statusOfFrame(frame, values.status);
    const current = { count: values.current, unit: unitOfShortFrame };
    return withVolume(current, (volume) => {
      return [{ ...emptyReading, volume, valve, status: flags }];
    });
  }),
  answer([0x81], "9097", report, (values, frame) => {
    const { valve, flags } = statusOfFrame(frame, values.status);
    return withVolume(values.current, (volume) => [
      {
        ...emptyReading,
        measuredAtMs: values.measuredAt,
        volume,
        flowMlPerHour: flowOf(values.flow),
        temperatureCentiC: values.temperature,
        pressurePa: values.pressure === null ? null : values.pressure * paPerPressureCount,
        signalDbm: values.rsrp,
        valve,
        status: flags,
      },
      ...halfHourReadings(values),
    ]);
  }),
  answer([0x84, 0xaa], "a017", valveAnswer, (values, frame) => {
    const status = statusOfFrame(frame, values.status);
    return ok({
      readings: statusReading(status),
      replies: [reply(values.sequence, "accepted", status, null)],
    });
  }),
  answer([0x83], "810a", bareData, () => ok({ readings: [], replies: [] })),
  answer(refused, null, refusalStatus, (values, frame) => {
    const status = statusOfFrame(frame, values.status);
    const isWrite = writeRefused.includes(frame.control);
    const replies = isWrite ? [reply(values.sequence, "refused", status, null)] : [];
    return ok({ readings: statusReading(status), replies });
  }),
  answer(refused, null, refusalCode, (values, frame) => {
    const isValve = writeRefused.includes(frame.control) && sameDi(values.diWire, "a017");
    const reason = `code ${values.code.toUpperCase()}H`;
    const replies = isValve ? [reply(values.sequence, "refused", null, reason)] : [];
    return ok({ readings: [], replies });
  }),
];

/** Pressure counts are thousandths of a megapascal. */
const paPerPressureCount = 1_000;

/** What an answer says. */
export function readAnswer(
  frame: Frame,
  trace: FieldTrace[] | null,
): Result<Telegram, DecodeFault> {
  const known = answers.find((candidate) => fits(candidate, frame));
  if (known === undefined) return fail({ kind: "unsupported", what: describe(frame) });
  const content = known.read(frame, trace);
  if (!content.ok) return content;
  return ok({ address: frame.address, frameId: null, ...content.value });
}

function fits({ controls, di, dataBytes }: Answer, frame: Frame): boolean {
  if (dataBytes !== frame.dataBytes || !controls.includes(frame.control)) return false;
  return di === null || sameDi(diOf(frame), di);
}

/** Vendors send the two bytes of DI in either order, even within one conversation. */
export function sameDi(diWire: string, di: string): boolean {
  return diWire === di || diWire === di.slice(2) + di.slice(0, 2);
}

type FrameData = Pick<Frame, "bytes" | "dataAt" | "dataBytes">;

/** DI as on the wire; empty when the frame is too short to have one. */
export function diOf({ bytes, dataAt, dataBytes }: FrameData): string {
  if (dataBytes < 2) return "";
  return Buffer.from(bytes.subarray(dataAt, dataAt + 2)).toString("hex");
}

/** A frame as a person would name it. */
export function describe(frame: Frame): string {
  const control = frame.control.toString(16).toUpperCase();
  const kind = (frame.control & answerBit) === 0 ? "request" : "answer";
  return `${kind} ${control}H with DI ${diOf(frame).toUpperCase()} and L ${frame.dataBytes}`;
}

function answer<Values>(
  controls: readonly number[],
  di: string | null,
  data: Layout<Values>,
  meaning: Meaning<Values>,
): Answer {
  const statusAt = data.offsetOf("status");
  return {
    controls,
    di,
    dataBytes: data.sizeBytes,
    read(frame, trace) {
      const values = data.decode(frame.bytes, frame.dataAt, trace);
      const content = values.ok ? meaning(values.value, frame) : values;
      if (content.ok || statusAt === undefined) return content;
      return fail({ ...content.fault, heard: heardIn(frame, frame.dataAt + statusAt) });
    },
  };
}

/** The checksum was right, so the status bytes are as the meter wrote them, whatever the others hold. */
function heardIn(frame: Frame, statusAt: number): Heard {
  const bytes = frame.bytes.subarray(statusAt, statusAt + 2);
  const { valve, flags } = statusOfFrame(frame, [...bytes]);
  return { address: frame.address, status: flags, valve };
}

function withVolume(
  { count, unit }: UnitCount,
  readings: (volume: VolumeRegister) => readonly DecodedReading[],
): Result<Content, DecodeFault> {
  const exponent = volumeExponent(unit);
  const ml =
    exponent === undefined || count === null ? undefined : volumeFromCount(count, exponent);
  if (exponent === undefined || count === null || ml === undefined) {
    const code = unit.toString(16).toUpperCase();
    return fail({ kind: "unsupported", what: `unit code ${code}H of a volume` });
  }
  return ok({ readings: readings({ ml, count, exponent }), replies: [] });
}

function flowOf({ count, unit }: UnitCount): number | null {
  const exponent = flowExponent(unit);
  return exponent === undefined || count === null ? null : Math.round(count * 10 ** (exponent + 6));
}

/** The profile is chosen by meter type until meters have models. */
export function profileOf(frame: FrameData & Pick<Frame, "meterType">): StatusProfile {
  if (isGas(frame.meterType)) return gasDefault;
  return sameDi(diOf(frame), "9097") ? nbIot : standardOnly;
}

function statusOfFrame(frame: Frame, [first = 0, second = 0]: readonly number[]): MeterStatus {
  return statusOf(profileOf(frame), first, second);
}

/** A leak bit must be heard wherever it stands; a valve position in an answer belongs to the answer. */
function statusReading({ flags }: MeterStatus): readonly DecodedReading[] {
  return flags === 0 ? [] : [{ ...emptyReading, status: flags }];
}

function reply(
  sequence: number,
  result: "accepted" | "refused",
  status: MeterStatus | null,
  reason: string | null,
): CommandReply {
  return { commandId: null, sequence, result, reason, valve: status?.valve ?? null };
}
