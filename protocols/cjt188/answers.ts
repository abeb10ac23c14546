/** What meters send: a table of answers by function and DI, each with its layout and meaning. */
import type { StatusMap } from "#domain/meterFile.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { Layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace, Heard } from "#protocols/contract.ts";
import { describe, diOf, functionOf, functions, isAbnormal, ownerOf, type Frame } from "./frame.ts";
import { identifierOf, isOfGroup } from "./identifiers.ts";
import * as layouts from "./layouts.ts";
import {
  codeRefused,
  frozen,
  heatMetered,
  metered,
  meteredShort,
  nothing,
  reported,
  scheduleAnswered,
  statusAlone,
  statusRefused,
  valveAnswered,
  type Content,
  type Heading,
} from "./meanings.ts";
import { statusOf, unusedByte } from "./status.ts";

interface Answer {
  readonly functions: readonly number[];
  readonly isAbnormal: boolean;
  /** null: this answer has no DI, or any. */
  readonly group: string | null;
  readonly dataBytes: number;
  readonly statusAt: number | undefined;
  read(heading: Heading, trace: FieldTrace[] | null): Result<Content, DecodeFault>;
}

const read = [functions.readData];
const write = [functions.writeData, functions.writeDataVendor];
const anyWrite = [...write, functions.writeAddress, functions.writeMotorSync];
const any = [...read, ...anyWrite, functions.readAddress, functions.readKeyVersion];

const answers: readonly Answer[] = [
  answer(read, "901f", layouts.metering, metered),
  answer(read, "901f", layouts.meteringShort, meteredShort),
  answer(read, "901f", layouts.meteringHeat, heatMetered),
  answer(read, "911f", layouts.meteringHeatCold, heatMetered),
  answer(read, "9097", layouts.report, reported),
  answer(read, "d3xx", layouts.freeze, frozen),
  answer(read, "d4xx", layouts.freeze, frozen),
  answer(read, "d12x", layouts.settlementValue, nothing),
  answer(read, "d2xx", layouts.settlementValue, nothing),
  answer(read, "d2xx", layouts.settlementHeatCold, nothing),
  answer(read, "907f", layouts.clockAnswer, nothing),
  answer(read, "907f", layouts.clockAnswerBare, nothing),
  answer(read, "8102", layouts.prices, nothing),
  answer(read, "8103", layouts.dayOfMonth, nothing),
  answer(read, "8104", layouts.dayOfMonth, nothing),
  answer(read, "8105", layouts.purchase, statusAlone),
  answer([functions.readKeyVersion], "8106", layouts.keyVersion, nothing),
  answer([functions.readAddress], "810a", layouts.bareData, nothing),
  answer([functions.readAddress], "810a", layouts.bareIdentifier, nothing),
  answer([functions.readAddress], "810a", layouts.addressAnswer, nothing),
  answer(write, "a017", layouts.valveAnswer, valveAnswered),
  answer(write, "a017", layouts.writeAnswerOfOne, valveAnswered),
  answer(write, "a017", layouts.bareData, valveAnswered),
  answer(write, "a118", layouts.valveAnswer, scheduleAnswered),
  answer(write, "a118", layouts.writeAnswerOfOne, scheduleAnswered),
  answer(write, "a118", layouts.bareData, scheduleAnswered),
  answer(anyWrite, null, layouts.valveAnswer, statusAlone),
  answer(anyWrite, null, layouts.writeAnswerOfOne, nothing),
  answer(anyWrite, null, layouts.bareData, nothing),
  refusal(layouts.refusalStatus, statusRefused),
  refusal(layouts.refusalCode, codeRefused),
  refusal(layouts.refusalBare, codeRefused),
  refusal(layouts.valveAnswer, statusRefused),
];

/** Reads without a register in them, whose data may have any length: named, and kept as they are. */
const namedReads = ["8102", "8103", "8104", "8105", "8106", "810a", "907f", "8120", "8121"];

/** What an answer says. */
export function readAnswer(
  frame: Frame,
  map: StatusMap,
  trace: FieldTrace[] | null,
): Result<Telegram, DecodeFault> {
  const heading = { frame, map };
  const known = answers.find((candidate) => fits(candidate, frame));
  const content = known === undefined ? readNamed(frame, trace) : known.read(heading, trace);
  if (!content.ok) return content;
  return ok({ address: ownerOf(frame), frameId: null, ...content.value });
}

/** Where ST0 stands in a frame, by the table; undefined: there is no status in it. */
export function statusPlaceOf(frame: Frame): number | undefined {
  return answers.find((candidate) => fits(candidate, frame))?.statusAt;
}

function fits(candidate: Answer, frame: Frame): boolean {
  const { dataBytes, control } = frame;
  if (candidate.dataBytes !== dataBytes || candidate.isAbnormal !== isAbnormal(control))
    return false;
  if (!candidate.functions.includes(functionOf(control))) return false;
  return candidate.group === null || isOfGroup(diOf(frame), candidate.group);
}

/** A known read that fits no layout: without a register in it there is nothing to miss. */
function readNamed(frame: Frame, trace: FieldTrace[] | null): Result<Content, DecodeFault> {
  const di = identifierOf(diOf(frame))?.di ?? "";
  if (trace !== null) explainRaw(frame, trace);
  const isNamed = namedReads.includes(di) && !isAbnormal(frame.control);
  if (!isNamed || frame.dataBytes < layouts.bareData.sizeBytes) {
    return fail({ kind: "unsupported", what: describe(frame) });
  }
  return ok({ readings: [], replies: [] });
}

/** DI, SER and the rest as they stand. */
export function explainRaw({ bytes, dataAt, dataBytes }: Frame, trace: FieldTrace[]): void {
  const parts = [
    ["diWire", 2],
    ["sequence", 1],
    ["data", dataBytes],
  ] as const;
  const end = dataAt + dataBytes;
  let from = dataAt;
  for (const [name, sizeBytes] of parts) {
    const to = Math.min(from + sizeBytes, end);
    if (to === from) return;
    const value = Buffer.from(bytes.subarray(from, to)).toString("hex").toUpperCase();
    trace.push({ name, from, to, value, unit: null });
    from = to;
  }
}

function refusal<Values>(
  data: Layout<Values>,
  meaning: (values: Values, heading: Heading) => Result<Content, DecodeFault>,
): Answer {
  return { ...answer(any, null, data, meaning), isAbnormal: true };
}

function answer<Values>(
  functionsOf: readonly number[],
  group: string | null,
  data: Layout<Values>,
  meaning: (values: Values, heading: Heading) => Result<Content, DecodeFault>,
): Answer {
  const statusAt = data.offsetOf("status");
  return {
    functions: functionsOf,
    isAbnormal: false,
    group,
    dataBytes: data.sizeBytes,
    statusAt,
    read(heading, trace) {
      const { bytes, dataAt } = heading.frame;
      const values = data.decode(bytes, dataAt, trace);
      const content = values.ok ? meaning(values.value, heading) : values;
      if (content.ok || statusAt === undefined) return content;
      return fail({ ...content.fault, heard: heardIn(heading, dataAt + statusAt) });
    },
  };
}

/**
 * The checksum was right, so the status bytes are most likely as the meter wrote them, whatever the others hold. One
 * random frame in 256 has a right sum too: it may raise an alarm, and must not say where a valve is.
 */
function heardIn({ frame, map }: Heading, at: number): Heard {
  const [first = 0, second = unusedByte] = frame.bytes.subarray(at, at + 2);
  const { flags } = statusOf(map, first, second);
  return { address: ownerOf(frame), status: flags, valve: null };
}
