/** `mercaptan decode`: a frame as a table of bytes, fields and values, for the engineer with a hex dump. */
import { readFileSync } from "node:fs";
import { styleText } from "node:util";
import { Command, Option } from "commander";
import { processEnvironment } from "#config/environment.ts";
import { answerJson, envelopesJson } from "#decode/answerJson.ts";
import { decoderNames, type DecoderName, type FrameFile } from "#decode/candidates.ts";
import { envelopesIn, isAllDecoded } from "#decode/envelopes.ts";
import { fileOf, keyOf, type FileTrouble } from "#decode/frameFile.ts";
import { hexTrouble, inputBytesMax, inputsOf, type FrameInput } from "#decode/frameText.ts";
import { answersInside, answerTo, isWhole } from "#decode/guess.ts";
import { answerLines, envelopeLines } from "#decode/show.ts";
import { languages, usageWords, type Language } from "#decode/words.ts";

interface DecodeFlags {
  readonly protocol?: DecoderName;
  readonly file?: string;
  readonly keyFile?: string;
  readonly keyEnv?: string;
  readonly authKeyFile?: string;
  readonly authKeyEnv?: string;
  readonly meterFile?: string;
  readonly path?: string;
  readonly lang: Language;
  readonly full?: boolean;
  readonly json?: boolean;
}

const examples = `
A frame is hexadecimal (blanks, colons, 0x, a hex dump or \\x escapes do not matter), base64, or the text
itself. Without --protocol every decoder is asked, and the output says which one was taken.

Keys come from files or from the environment, never from an argument: arguments stand in the process list
and in the shell's history.

Examples:
  mercaptan decode 68 30 42 00 00 00 00 51 51 81 16 90 1f 05 56 34 12 00 2c ... 16
  mercaptan decode '{"v":1,"measuredAt":"2026-03-01T06:00:00Z","volumeM3":"12.5"}'
  mercaptan decode --file capture.bin --json
  xxd capture.bin | mercaptan decode --lang zh-CN
  mercaptan decode --protocol wmbus --key-file meter.key 2E44931578...
  METER_KEY=... mercaptan decode --key-env METER_KEY --file push.hex
  mercaptan decode --path /3423/0 C40140 46E6B6

Exit codes: 0 decoded, 1 not decodable, 2 bad usage.
`;

/** Where the language of the messages comes from when nobody says. */
function languageOfHere(): Language {
  const { LC_ALL, LC_MESSAGES, LANG } = processEnvironment();
  return (LC_ALL ?? LC_MESSAGES ?? LANG ?? "").startsWith("zh") ? "zh-CN" : "en";
}

/** The sub-command with its options. */
export function decodeCommand(): Command {
  const command = new Command("decode")
    .description("show what a frame says, byte by byte; nothing is sent or stored")
    .argument("[frame...]", "the frame; standard input when neither it nor --file is there")
    .addOption(
      new Option("--protocol <name>", "which protocol, when it is known").choices(decoderNames),
    )
    .option("--file <file>", "read the frame from a file, binary or text")
    .option("--key-file <file>", "file with the meter's key: 32 hexadecimal digits or 16 bytes")
    .option("--key-env <name>", "environment variable with the meter's key, hexadecimal")
    .option("--auth-key-file <file>", "file with the authentication key (DLMS, DSMR)")
    .option("--auth-key-env <name>", "environment variable with the authentication key")
    .option("--meter-file <file>", "JSON with what is on file of the meter: clockOffsetMs, formats")
    .option("--path <path>", "LwM2M: where the bytes were read from, such as /3/0")
    .addOption(
      new Option("--lang <language>", "language of headings and explanations")
        .choices(languages)
        .default(languageOfHere()),
    )
    .option("--full", "show long values whole")
    .option("--json", "one JSON object, with everything")
    .addHelpText("after", examples);
  return command.action((words: readonly string[], flags: DecodeFlags) => {
    const refuse = (text: string): never => command.error(`decode: ${text}`, { exitCode: 2 });
    const raw = rawInput(words, flags, refuse);
    const file = frameFile(flags, refuse);
    process.exitCode = show(inputsOf(raw), raw, file, flags, refuse);
  });
}

type Refuse = (text: string) => never;

/** The bytes from where they are; a terminal that nobody types into is not waited for. */
function rawInput(words: readonly string[], { file, lang }: DecodeFlags, refuse: Refuse): Buffer {
  if (words.length > 0 && file !== undefined) return refuse(usageWords.twice[lang]);
  if (words.length > 0) return Buffer.from(words.join(" "));
  if (file === undefined && process.stdin.isTTY) return refuse(usageWords.nothing[lang]);
  const raw = readOr(file ?? 0, refuse, lang);
  if (raw.length <= inputBytesMax) return raw;
  return refuse(`${usageWords.tooLarge[lang]} ${inputBytesMax}`);
}

function readOr(file: string | 0, refuse: Refuse, lang: Language): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    return refuse(`${file === 0 ? "-" : file} ${usageWords.unreadable[lang]} (${code})`);
  }
}

/** Keys, and what else is on file of the meter. */
function frameFile(flags: DecodeFlags, refuse: Refuse): FrameFile {
  const { lang, path } = flags;
  const key = keyFrom(flags.keyFile, flags.keyEnv, refuse, lang);
  const authKey = keyFrom(flags.authKeyFile, flags.authKeyEnv, refuse, lang);
  const told: FrameFile | FileTrouble =
    flags.meterFile === undefined ? {} : fileOf(readOr(flags.meterFile, refuse, lang).toString());
  if ("trouble" in told) return refuse(`${flags.meterFile}: ${told.trouble}`);
  return {
    ...told,
    ...(key === undefined ? {} : { key }),
    ...(authKey === undefined ? {} : { authKey }),
    ...(path === undefined ? {} : { path }),
  };
}

function keyFrom(
  file: string | undefined,
  variable: string | undefined,
  refuse: Refuse,
  lang: Language,
): Uint8Array | undefined {
  if (file === undefined && variable === undefined) return undefined;
  const text = variable === undefined ? undefined : processEnvironment()[variable];
  if (file === undefined && text === undefined) {
    return refuse(`${usageWords.noVariable[lang]} ${variable}`);
  }
  const raw = file === undefined ? Buffer.from(text ?? "") : readOr(file, refuse, lang);
  return keyOf(raw) ?? refuse(`${file ?? variable} ${usageWords.badKey[lang]}`);
}

/** 0 when the frame decodes, or all that stands in the bytes does; else 1. */
function show(
  inputs: readonly FrameInput[],
  raw: Buffer,
  file: FrameFile,
  flags: DecodeFlags,
  refuse: Refuse,
): number {
  const { lang: language, protocol } = flags;
  if (hexTrouble(raw.toString("latin1")) !== null) return refuse(usageWords.oddDigits[language]);
  const answer = answerTo(inputs, protocol, file);
  if (answer === undefined) return refuse(usageWords.nothing[language]);
  const { ok } = answer.decoded;
  const envelopes = ok ? null : envelopesIn(answer.input, protocol, file);
  const inside = ok ? null : answersInside(answer.input, file);
  const isJson = flags.json === true;
  const isFull = flags.full === true;
  const bold = (text: string) => styleText("bold", text, { stream: process.stdout });
  const options = { language, isFull, bold };
  if (envelopes !== null) {
    const lines = () => envelopeLines(envelopes, options).join("\n");
    process.stdout.write(`${isJson ? envelopesJson(envelopes, language) : lines()}\n`);
    return isAllDecoded(envelopes) ? 0 : 1;
  }
  const lines = () => answerLines(answer, inside, options).join("\n");
  process.stdout.write(`${isJson ? answerJson(answer, inside, language) : lines()}\n`);
  return ok || (inside !== null && isWhole(inside)) ? 0 : 1;
}
