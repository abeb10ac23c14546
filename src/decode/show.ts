/** The whole answer of `mercaptan decode` as text: heading, table, what it means, and what is wrong. */
import type { Telegram } from "#domain/telegram.ts";
import { reasonOf, type DecodeFault } from "#protocols/contract.ts";
import { candidateOf } from "./candidates.ts";
import { envelopeRows } from "./envelopeLines.ts";
import type { OpenedEnvelope } from "./envelopes.ts";
import { faultWords, reasonWords } from "./faultWords.ts";
import type { Answer, Inside, Opinion } from "./guess.ts";
import { heardLines, replyLines, telegramLines } from "./readingLines.ts";
import { fieldTable, fullTable, linesOf, plainLines, shortTable } from "./table.ts";
import { piecesOf, shown } from "./width.ts";
import { formWords, headings, phrases, type Language } from "./words.ts";

/** How it is to be shown. */
export interface ShowOptions {
  readonly language: Language;
  /** Nothing is cut. */
  readonly isFull: boolean;
  /** Makes a heading stand out where the terminal can. */
  readonly bold: (text: string) => string;
}

const indent = "  ";

/** Everything about one answer, line by line. */
export function answerLines(
  answer: Answer,
  inside: Inside | null,
  options: ShowOptions,
): readonly string[] {
  const { language } = options;
  const { input, fields, decoded, isLost } = answer;
  const limits = options.isFull ? fullTable : shortTable;
  const [head = "", ...rows] = fieldTable(input.bytes, fields, language, limits);
  const hasTable = fields.length > 0 && !isLost;
  return [
    headline(answer, options),
    ...(hasTable ? ["", options.bold(head), ...rows] : []),
    ...(decoded.ok
      ? meaningLines(answer, decoded.value, options)
      : troubleLines(answer, decoded.fault, inside, options)),
    ...(inside?.answers ?? []).flatMap((one) => ["", "", ...answerLines(one, null, options)]),
  ];
}

/** Envelopes, and what each of them holds. */
export function envelopeLines(
  opened: readonly OpenedEnvelope[],
  options: ShowOptions,
): readonly string[] {
  const { language, bold } = options;
  return opened.flatMap((one, place) => [
    ...(place === 0 ? [] : ["", ""]),
    bold(`${headings.envelope[language]} (${one.carrier})`),
    ...envelopeRows(one, language).map((line) => indent + line),
    ...(one.answer === null ? [] : ["", ...answerLines(one.answer, null, options)]),
  ]);
}

function headline({ protocol, isGuess, isLost, input }: Answer, options: ShowOptions): string {
  const { language, bold } = options;
  const how = isGuess ? phrases.guessed[language] : phrases.named[language];
  const size = `${input.bytes.length} ${phrases.bytes[language]}`;
  const form = formWords[input.form][language];
  const title = isLost ? "?" : `${candidateOf(protocol).title} (${protocol}, ${how})`;
  return `${bold(title)} · ${size} · ${form}`;
}

function block(title: string, lines: readonly string[], { bold }: ShowOptions): readonly string[] {
  return ["", bold(title), ...lines.map((line) => (line === "" ? "" : indent + line))];
}

function meaningLines(
  { protocol }: Answer,
  telegram: Telegram,
  options: ShowOptions,
): readonly string[] {
  const { language } = options;
  const { readings, replies } = telegram;
  const lines = telegramLines(telegram, language);
  const nothing = protocol === "sparkplug" ? phrases.tableOfMetrics : phrases.noReadings;
  const isSilent = readings.length === 0 && replies.length === 0;
  const said = isSilent ? [...lines, nothing[language]] : lines;
  return [
    ...(said.length === 0 ? [] : block(headings.readings[language], said, options)),
    ...(replies.length === 0
      ? []
      : block(headings.replies[language], replyLines(replies, language), options)),
  ];
}

function troubleLines(
  answer: Answer,
  fault: DecodeFault,
  inside: Inside | null,
  options: ShowOptions,
): readonly string[] {
  const { language } = options;
  const { opinions, isLost } = answer;
  const code = reasonOf(fault);
  const words = isLost
    ? [phrases.nothingFits, phrases.tryNext].flatMap((one) =>
        piecesOf(one[language], textColumnsMax),
      )
    : labelled([
        [headings.what[language], shown(faultWords(fault)[language])],
        [headings.means[language], reasonWords[code].means[language]],
        [headings.next[language], reasonWords[code].next[language]],
      ]);
  const title = isLost ? headings.fault[language] : `${headings.fault[language]}: ${code}`;
  const asked = isLost ? opinions : opinions.filter(({ looksLike }) => looksLike);
  return [
    ...block(title, words, options),
    ...(fault.heard === undefined
      ? []
      : block(headings.heard[language], heardLines(fault.heard, language), options)),
    ...(asked.length < 2
      ? []
      : block(headings.candidates[language], opinionLines(asked, language), options)),
    ...(inside === null
      ? []
      : block(headings.inside[language], insideLines(inside, language), options)),
  ];
}

const textColumnsMax = 84;
const insideBytesMax = 24;

/** Sentences behind their labels, broken into lines that stand under each other. */
function labelled(rows: readonly (readonly [label: string, text: string])[]): readonly string[] {
  return linesOf(rows.map(([label, text]) => [[label], piecesOf(text, textColumnsMax)]));
}

function opinionLines(opinions: readonly Opinion[], language: Language): readonly string[] {
  const rows = opinions.flatMap(({ protocol, decoded }) => {
    if (decoded.ok) return [[protocol, "ok"]];
    const { fault } = decoded;
    return [[protocol, reasonOf(fault), shown(faultWords(fault)[language])]];
  });
  return plainLines(rows);
}

function insideLines({ frames, noiseBytes }: Inside, language: Language): readonly string[] {
  const rows = frames.map(({ protocol, bytes }) => {
    const isKnown = protocol !== "dl645" && protocol !== "diaphragm";
    const hex = Buffer.from(bytes.subarray(0, insideBytesMax)).toString("hex");
    const size = `${bytes.length} ${phrases.bytes[language]}`;
    const cells = [protocol, size, bytes.length > insideBytesMax ? `${hex}…` : hex];
    return isKnown ? cells : [...cells, `(${phrases.notDecoded[language]})`];
  });
  const noise = noiseBytes === 0 ? [] : [`${noiseBytes} ${phrases.noise[language]}`];
  return [...plainLines(rows), ...noise];
}
