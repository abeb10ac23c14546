/** What a frame means, for people: readings with their units, answers to orders, and what was heard in a bad frame. */
import { statusToNames, type StatusFlags } from "#domain/status.ts";
import { statusWords } from "#domain/statusWords.ts";
import type { CommandReply, DecodedReading, Telegram } from "#domain/telegram.ts";
import { formatInstant, formatM3 } from "#domain/units.ts";
import { printDecimal } from "#protocols/codec/decimal.ts";
import type { Heard } from "#protocols/contract.ts";
import { plainLines } from "./table.ts";
import { shown } from "./width.ts";
import { headings, phrases, resultWords, valveWords, type Language } from "./words.ts";

/** One quantity of a reading: its name, its unit, and how it is written; null: the reading does not say. */
interface Column {
  readonly heading: keyof typeof headings;
  readonly unit: string;
  readonly write: (reading: DecodedReading, language: Language) => string | null;
}

const scaled = (count: number | null, exponent: number): string | null =>
  count === null ? null : printDecimal({ count, exponent });

/** In the order in which they are shown. */
const columns: readonly Column[] = [
  {
    heading: "measuredAt",
    unit: "",
    write: ({ measuredAtMs }) => (measuredAtMs === null ? null : formatInstant(measuredAtMs)),
  },
  { heading: "volume", unit: "m³", write: ({ volume }) => volume && formatM3(volume.ml) },
  {
    heading: "flow",
    unit: "m³/h",
    write: ({ flowMlPerHour }) => (flowMlPerHour === null ? null : formatM3(flowMlPerHour)),
  },
  {
    heading: "temperature",
    unit: "°C",
    write: ({ temperatureCentiC }) => scaled(temperatureCentiC, -2),
  },
  { heading: "pressure", unit: "kPa", write: ({ pressurePa }) => scaled(pressurePa, -3) },
  { heading: "battery", unit: "mV", write: ({ batteryMv }) => scaled(batteryMv, 0) },
  { heading: "battery", unit: "%", write: ({ batteryPct }) => scaled(batteryPct, 0) },
  { heading: "signal", unit: "dBm", write: ({ signalDbm }) => scaled(signalDbm, 0) },
  {
    heading: "valve",
    unit: "",
    write: ({ valve }, language) => valve && valveWords[valve][language],
  },
  {
    heading: "status",
    unit: "",
    write: ({ status }, language) => (status === null ? null : statusText(status, language)),
  },
];

/** The words that the API uses for them; in Chinese with their translation. */
function statusText(status: StatusFlags, language: Language): string {
  const names = statusToNames(status);
  if (names.length === 0) return phrases.noStatus[language];
  return language === "en"
    ? names.join(", ")
    : names.map((name) => `${statusWords[name].zh} (${name})`).join("、");
}

type Row = readonly [label: string, text: string];

/** Everything that a telegram says. One reading stands line by line; several stand in a table. */
export function telegramLines(telegram: Telegram, language: Language): readonly string[] {
  const { address, frameId, readings } = telegram;
  const head: Row[] = [];
  if (address !== null) head.push([headings.address[language], shown(address)]);
  if (frameId !== null) head.push([headings.frameId[language], String(frameId)]);
  const [only] = readings;
  if (only === undefined) return plainLines(head);
  if (readings.length === 1) return plainLines([...head, ...rowsOf(only, language)]);
  const table = readingTable(readings, language);
  return head.length === 0 ? table : [...plainLines(head), "", ...table];
}

function rowsOf(reading: DecodedReading, language: Language): readonly Row[] {
  return columns.flatMap(({ heading, unit, write }): readonly Row[] => {
    const label = headings[heading][language];
    const text = write(reading, language);
    if (text !== null) return [[label, `${text} ${unit}`]];
    return heading === "measuredAt" ? [[label, `(${phrases.noClock[language]})`]] : [];
  });
}

function readingTable(readings: readonly DecodedReading[], language: Language): readonly string[] {
  const used = columns.filter(({ write }) =>
    readings.some((reading) => write(reading, language) !== null),
  );
  const head = used.map(({ heading, unit }) => `${headings[heading][language]} ${unit}`);
  const rows = readings.map((reading) => used.map(({ write }) => write(reading, language) ?? "-"));
  return plainLines([head, ...rows]);
}

/** A meter's answers to orders. */
export function replyLines(
  replies: readonly CommandReply[],
  language: Language,
): readonly string[] {
  return replies.flatMap(({ commandId, sequence, result, reason, valve }) =>
    plainLines([
      [headings.result[language], resultWords[result][language]],
      ...(commandId === null ? [] : [[headings.command[language], shown(commandId)]]),
      ...(sequence === null ? [] : [[headings.sequence[language], String(sequence)]]),
      ...(reason === null ? [] : [[headings.reason[language], shown(reason)]]),
      ...(valve === null ? [] : [[headings.valve[language], valveWords[valve][language]]]),
    ]),
  );
}

/** The status that a bad frame still told. */
export function heardLines({ address, status }: Heard, language: Language) {
  return plainLines([
    ...(address === null ? [] : [[headings.address[language], shown(address)]]),
    [headings.status[language], statusText(status, language)],
  ]);
}
