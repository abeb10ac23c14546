/** `mercaptan console`: what rings and what is ordered, in a terminal; it reads, and changes nothing. */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { commandStates } from "#domain/command.ts";
import { isEnded } from "#valves/commandTable.ts";
import {
  screenLines,
  type Screen,
  type ScreenLanguage,
  type ShownAlarm,
  type ShownCommand,
} from "./consoleScreen.ts";

interface ConsoleFlags {
  readonly api: string;
  readonly keyFile: string;
  readonly language: ScreenLanguage;
  readonly zone: string;
  readonly every: number;
  readonly once?: boolean;
}

const rowsShown = 30;
/** The service refused, or could not be reached. */
const refused = 2;
const clearScreen = "\u001b[H\u001b[2J";
const requestTimeoutMs = 10_000;

/** Nothing more happens to an order that ended; one that gas passes is still somebody's concern. */
const shownStates = commandStates.filter((state) => !isEnded(state) || state === "passing");
const ringing = "unacknowledged,returned-unacknowledged,latched-unacknowledged,acknowledged";

export function consoleCommand(): Command {
  return new Command("console")
    .description("what rings and what is ordered, in a terminal; changes nothing")
    .requiredOption("--api <url>", "address of the API, such as http://127.0.0.1:8080")
    .requiredOption("--key-file <file>", "file with an API key that may see alarms and commands")
    .addOption(
      new Option("--language <language>", "of the screen").choices(["en", "zh-CN"]).default("en"),
    )
    .option("--zone <zone>", "of the times of day", zoneName, "Asia/Shanghai")
    .option("--every <seconds>", "between two looks", seconds, 5)
    .option("--once", "one look, without clearing the terminal")
    .action(show);
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 1) return value;
  throw new InvalidArgumentError("must be a number of seconds from 1");
}

function zoneName(text: string): string {
  if (Intl.supportedValuesOf("timeZone").includes(text) || text === "UTC") return text;
  throw new InvalidArgumentError("must be a time zone such as Asia/Shanghai");
}

async function show(flags: ConsoleFlags): Promise<void> {
  for (;;) {
    const lines = await look(flags).catch((cause: unknown) => {
      // At three in the morning an old screen must not look like a quiet city.
      process.exitCode = refused;
      return [`THE SERVICE DOES NOT ANSWER: ${cause instanceof Error ? cause.message : "?"}`];
    });
    process.stdout.write(`${flags.once === true ? "" : clearScreen}${lines.join("\n")}\n`);
    if (flags.once === true) return;
    await delay(flags.every * 1_000);
    process.exitCode = 0;
  }
}

async function look(flags: ConsoleFlags): Promise<readonly string[]> {
  // Each by itself: a flood of grave alarms must not push the gravest off the screen.
  const [gravest, others, commands] = await Promise.all([
    items<ShownAlarm>(flags, `/v1/alarms?state=${ringing}&priority=1&limit=${rowsShown}`),
    items<ShownAlarm>(flags, `/v1/alarms?state=${ringing}&priority=2,3&limit=${rowsShown}`),
    items<ShownCommand>(flags, `/v1/commands?state=${shownStates.join(",")}&limit=${rowsShown}`),
  ]);
  const screen: Screen = {
    alarms: [
      ...gravest.items,
      ...others.items.toSorted((one, other) => one.priority - other.priority),
    ],
    moreAlarms: gravest.next !== null || others.next !== null,
    commands: commands.items,
    moreCommands: commands.next !== null,
  };
  return screenLines(screen, { ...flags, nowMs: Date.now() });
}

interface ItemPage<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

async function items<Item>({ api, keyFile }: ConsoleFlags, path: string): Promise<ItemPage<Item>> {
  const response = await fetch(new URL(path, api), {
    headers: { authorization: `Bearer ${readFileSync(keyFile, "utf8").trim()}` },
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as ItemPage<Item>;
}
