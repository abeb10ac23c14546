/** `mercaptan decode`: a frame as a table of bytes, fields and values, for the engineer with a hex dump. */
import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { reasonOf } from "#protocols/contract.ts";
import {
  decoderNames,
  decoders,
  type Decoder,
  type DecoderName,
  type FrameKeys,
} from "./decoders.ts";

interface DecodeFlags {
  readonly protocol: DecoderName;
  readonly file?: string;
  readonly keyFile?: string;
  readonly authKeyFile?: string;
  readonly json?: boolean;
}

const hexPattern = /^(?:[0-9a-f]{2}[\s:]*)+$/i;

/** Hexadecimal with or without blanks, else the text itself (JSON). */
function bytesOf(text: string): Uint8Array {
  const trimmed = text.trim();
  return hexPattern.test(trimmed)
    ? Buffer.from(trimmed.replaceAll(/[\s:]/g, ""), "hex")
    : Buffer.from(trimmed);
}

/** The sub-command with its options. */
export function decodeCommand(): Command {
  return new Command("decode")
    .description("show what a frame says, byte by byte; nothing is sent or stored")
    .argument("[frame]", "hexadecimal, or the JSON text; standard input when absent")
    .addOption(
      new Option("--protocol <name>", "which protocol").choices([...decoderNames]).default("json"),
    )
    .option("--file <file>", "read the raw bytes from a file")
    .option("--key-file <file>", "file with the meter's key, hexadecimal, for ciphered frames")
    .option("--auth-key-file <file>", "file with the meter's authentication key, hexadecimal")
    .option("--json", "fields, fault and telegram as one JSON object")
    .action((frame: string | undefined, flags: DecodeFlags) => {
      const bytes =
        flags.file === undefined
          ? bytesOf(frame ?? readFileSync(0, "utf8"))
          : readFileSync(flags.file);
      process.exitCode = show(bytes, flags);
    });
}

/** Keys come from files: an argument would stand in the process list and the shell's history. */
function keysOf({ keyFile, authKeyFile }: DecodeFlags): FrameKeys {
  const read = (file: string) => Buffer.from(readFileSync(file, "utf8").trim(), "hex");
  return {
    ...(keyFile === undefined ? {} : { key: read(keyFile) }),
    ...(authKeyFile === undefined ? {} : { authKey: read(authKeyFile) }),
  };
}

/** 0 when the frame decodes, 1 when it does not. */
function show(bytes: Uint8Array, flags: DecodeFlags): number {
  const decoder: Decoder = decoders[flags.protocol];
  const keys = keysOf(flags);
  const { fields, fault } = decoder.explain(bytes, keys);
  const decoded = decoder.decode(bytes, keys);
  if (flags.json === true) {
    const telegram = decoded.ok ? decoded.value : null;
    const reason = fault === null ? null : reasonOf(fault);
    process.stdout.write(`${JSON.stringify({ fields, fault, reason, telegram }, null, 2)}\n`);
    return decoded.ok ? 0 : 1;
  }
  const rows = fields.map(({ name, from, to, value, unit }) => [
    `${from}-${to - 1}`,
    Buffer.from(bytes.subarray(from, Math.min(to, from + 8))).toString("hex") +
      (to - from > 8 ? "…" : ""),
    name,
    unit === null ? value : `${value} ${unit}`,
  ]);
  const widths = [0, 1, 2].map((column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    process.stdout.write(`${cells.join("  ").trimEnd()}\n`);
  }
  if (!decoded.ok) {
    process.stdout.write(`${reasonOf(decoded.fault)}: ${JSON.stringify(decoded.fault)}\n`);
    return 1;
  }
  return 0;
}
