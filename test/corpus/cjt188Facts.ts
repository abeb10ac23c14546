/** What a CJ/T 188 frame says, by the names that a corpus of frames uses. */
import { unreachable } from "#domain/invariant.ts";
import { formatInstant } from "#domain/units.ts";
import { decodeFrame, encodeFrame, startOf, type Frame } from "#protocols/cjt188/frame.ts";
import {
  bareData,
  bareIdentifier,
  metering,
  meteringShort,
  report,
  valveAnswer,
} from "#protocols/cjt188/layouts.ts";
import {
  flowExponent,
  localOffsetMs,
  unitOfShortFrame,
  volumeExponent,
  type UnitCount,
} from "#protocols/cjt188/quantities.ts";
import {
  addressRequest,
  clockRequest,
  scheduleRequest,
  valveRequest,
  valveRequestOfTwo,
} from "#protocols/cjt188/requestLayouts.ts";
import { decodeCjt188Request, type Cjt188Request } from "#protocols/cjt188/requests.ts";
import { nbIot, statusOf } from "#protocols/cjt188/status.ts";
import { printDecimal } from "#protocols/codec/decimal.ts";
import type { Layout } from "#protocols/codec/layout.ts";

export type Facts = Readonly<Record<string, unknown>>;

/** Every fact that the codec can tell of a frame; undefined when it refuses the frame. */
export function factsOf(bytes: Uint8Array): Facts | undefined {
  const whole = decodeFrame(bytes, null);
  if (!whole.ok) return undefined;
  const frame = whole.value;
  const content = (frame.control & 0x80) === 0 ? requestFacts(bytes) : answerFacts(frame);
  return content === undefined ? undefined : { ...headFacts(frame), ...content };
}

/** The frame written again from what was read of it; undefined for frames that we never write. */
export function rewritten(bytes: Uint8Array): Uint8Array | undefined {
  const request = decodeCjt188Request(bytes);
  if (!request.ok) return undefined;
  return encodeFrame(request.value, dataOf(request.value), startOf(bytes));
}

function dataOf(request: Cjt188Request): Uint8Array {
  const isOfTwo = request.control === 0x24;
  switch (request.kind) {
    case "valve":
      return isOfTwo
        ? valveRequestOfTwo.encode({ ...request, spare: 0 })
        : valveRequest.encode(request);
    case "clock":
      return clockRequest.encode(request);
    case "address":
      return addressRequest.encode(request);
    case "schedule":
      return scheduleRequest.encode(request);
    case "read":
      return readData(request);
    default:
      return unreachable(request);
  }
}

function readData({ diWire, sequence }: Extract<Cjt188Request, { readonly kind: "read" }>) {
  return sequence === null
    ? bareIdentifier.encode({ diWire })
    : bareData.encode({ diWire, sequence });
}

function headFacts({ bytes, meterType, address, control, dataBytes }: Frame): Facts {
  const printed = /^A+$/.test(address) ? "broadcast" : address;
  return {
    preamble: startOf(bytes),
    meterType: meterType.toString(16),
    address: printed,
    addressDisplay: address,
    addressWire: Buffer.from(Buffer.from(address, "hex").toReversed()).toString("hex"),
    meterNumber: address.slice(4),
    manufacturerCode: address.slice(0, 4),
    control: hexByte(control),
    length: dataBytes,
  };
}

function requestFacts(bytes: Uint8Array): Facts | undefined {
  const request = decodeCjt188Request(bytes);
  if (!request.ok) return undefined;
  const { value } = request;
  const facts = { diWire: value.diWire, ser: value.sequence };
  if (value.kind === "valve") {
    return {
      ...facts,
      valveCommand: value.operation,
      operationCode: hexByte(bytes[startOf(bytes) + 14] ?? 0),
    };
  }
  if (value.kind === "address") {
    return { ...facts, newAddressWire: Buffer.from(bytes.slice(-9, -2)).toString("hex") };
  }
  if (value.kind === "schedule") {
    const hours = value.reportHours.filter((hour) => hour !== null);
    const reportTimes = hours.map((hour) => `${String(hour).padStart(2, "0")}:00`);
    const timeDifference = /^0+$/.test(value.clockDifference) ? "none" : value.clockDifference;
    return { ...facts, timeDifference, reportTimes };
  }
  return facts;
}

function answerFacts(frame: Frame): Facts | undefined {
  const status = read(valveAnswer, frame);
  if (status !== undefined) return { ...common(status), ...statusFacts(status.status) };
  const long = read(metering, frame);
  if (long !== undefined) {
    return {
      ...common(long),
      ...statusFacts(long.status),
      ...currentFacts(frame, long.current),
      settlementCumulative: cubicMetres(long.settlement),
      settlementUnitCode: hexByte(long.settlement.unit),
      time: localTime(long.measuredAt),
    };
  }
  const short = read(meteringShort, frame);
  if (short !== undefined) {
    const current = { count: short.current, unit: unitOfShortFrame };
    return { ...common(short), ...statusFacts(short.status), ...currentFacts(frame, current) };
  }
  const nbIotReport = read(report, frame);
  if (nbIotReport !== undefined) return reportFacts(nbIotReport);
  const bare = read(bareData, frame);
  return bare === undefined ? undefined : common(bare);
}

function reportFacts(values: ValuesOfReport): Facts {
  const decrements = values.decrements.flatMap((litres, index) => {
    const halfHour = 47 - index;
    const hour = String(Math.trunc(halfHour / 2)).padStart(2, "0");
    const at = `${hour}:${halfHour % 2 === 0 ? "00" : "30"}`;
    return litres === 0 ? [] : [[at, litres / 1_000] as const];
  });
  const flowCount = values.flow.count ?? Number.NaN;
  const freeze = { count: values.freezeCount, unit: values.current.unit };
  return {
    ...common(values),
    currentCumulative_m3: Number(cubicMetres(values.current)),
    settlementCumulative_m3: Number(cubicMetres(values.settlement)),
    reverseCumulative_m3: Number(cubicMetres(values.reverse)),
    flowRate_m3h: flowCount * 10 ** (flowExponent(values.flow.unit) ?? Number.NaN),
    temperature_c: (values.temperature ?? Number.NaN) / 100,
    pressure_mpa: (values.pressure ?? Number.NaN) / 1_000,
    time: localTime(values.measuredAt),
    statusWord: values.status.map(hexByte).join(""),
    valveState: statusOf(nbIot, values.status[0] ?? 0, 0).valve,
    signalStrength_dbm: values.rsrp,
    signalQuality: values.signalQuality,
    transmissionCount: values.transmissionCount,
    iccid: values.iccid,
    imei: values.imei.slice(1),
    triggerFlag: values.uploadFlag,
    timingScheme: values.timingScheme,
    freezeCutoffHour: `${hexByte(values.freezeHour)}:00`,
    freezeCutoff_m3: Number(cubicMetres(freeze)),
    halfHourlyDecrements_m3: Object.fromEntries(decrements),
  };
}

type ValuesOfReport = Extract<ReturnType<typeof report.decode>, { readonly ok: true }>["value"];

function read<Values>(data: Layout<Values>, frame: Frame): Values | undefined {
  if (data.sizeBytes !== frame.dataBytes) return undefined;
  const values = data.decode(frame.bytes, frame.dataAt, null);
  return values.ok ? values.value : undefined;
}

function common({ diWire, sequence }: { readonly diWire: string; readonly sequence: number }) {
  return { diWire, ser: sequence };
}

function statusFacts(status: readonly number[]): Facts {
  const [first = 0, second = 0] = status;
  return {
    statusBytes: status.map(hexByte).join(""),
    valveState: statusOf(nbIot, first, second).valve,
  };
}

function currentFacts(frame: Frame, current: UnitCount): Facts {
  const raw = frame.bytes.subarray(frame.dataAt + 3, frame.dataAt + 7);
  return {
    currentRawBcd: Buffer.from(raw).toString("hex"),
    currentCumulative: cubicMetres(current),
    currentUnitCode: hexByte(current.unit),
    currentUnit: volumeExponent(current.unit) === undefined ? null : "m3",
  };
}

function cubicMetres({ count, unit }: UnitCount): string | null {
  const exponent = volumeExponent(unit);
  return count === null || exponent === undefined ? null : printDecimal({ count, exponent });
}

function localTime(atMs: number | null): string | null {
  return atMs === null ? null : formatInstant(atMs + localOffsetMs).slice(0, 19);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
