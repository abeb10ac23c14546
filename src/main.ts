#!/usr/bin/env node
/** The program: one name, several sub-commands. */
import closeWithGrace from "close-with-grace";
import { Command, CommanderError } from "commander";
import { ConfigError } from "#config/configError.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { loadSecrets } from "#config/secrets.ts";
import { settings } from "#config/settings.ts";
import { backupCommand } from "./backupCommand.ts";
import { consoleCommand } from "./consoleCommand.ts";
import { decodeCommand } from "./decodeCommand.ts";
import { exitCodeOf, explain } from "./exitCodes.ts";
import { rulesCommand } from "./rulesCommand.ts";
import { exportCommand } from "./exportCommand.ts";
import { restoreCommand } from "./restoreCommand.ts";
import { simulateCommand } from "./simulateCommand.ts";
import { verifyCommand } from "./verifyCommand.ts";

/** SIGTERM must be answered within 25 s (CONTRACT section 4). */
const closeWithinMs = 24_000;

function serveCommand(): Command {
  const command = new Command("serve")
    .description("serve meters, operators and machines until SIGTERM")
    .option("--config <file>", "settings file; ./mercaptan.yaml when it is there")
    .option("--json", "say that it is ready as one JSON line");
  for (const { flag, description, allowed, defaultText, variable, isFileOnly } of settings) {
    if (isFileOnly) continue;
    const help = `${description} (${allowed}; default ${defaultText}; ${variable})`;
    command.option(`${flag} <value>`, help);
  }
  return command.action(async (options: Record<string, string | boolean | undefined>) => {
    const { json, ...flags } = options;
    await runService(flags as Record<string, string | undefined>, json === true);
  });
}

async function runService(
  flags: Readonly<Record<string, string | undefined>>,
  asJson: boolean,
): Promise<void> {
  const config = loadConfig({ flags });
  // Only now: whoever decodes a frame need not wait for brokers and databases to be read.
  const { serve } = await import("./serve.ts");
  const running = await serve(config, loadSecrets(config));
  // Before anything is said: whoever reads that we are ready may stop us at once.
  closeWithGrace({ delay: closeWithinMs, logger: false }, async ({ err }) => {
    // Our own mistake, or a dead engine: nothing more may be acknowledged, and a restart is quick.
    if (err !== undefined) {
      report(err);
      process.exit(exitCodeOf(err));
    }
    await running.stop();
  });
  const api = `http://${config.http.host}:${running.httpPort}`;
  const scheme = config.mqtt.tls === undefined ? "mqtt" : "mqtts";
  const meters = `${scheme}://${config.mqtt.host}:${running.mqttPort}`;
  const cat1 = running.cat1Port === null ? null : `tcp://${config.cat1.host}:${running.cat1Port}`;
  if (running.madeKey !== null) {
    process.stdout.write(`first administrator's API key, shown only now: ${running.madeKey}\n`);
  }
  const ready = asJson
    ? JSON.stringify({ ready: true, api, meters, cat1, dataDir: config.dataDir })
    : `mercaptan ready  api ${api}  meters ${meters}${cat1 === null ? "" : `  cat1 ${cat1}`}  data ${config.dataDir}`;
  process.stdout.write(`${ready}\n`);
}

function report(error: unknown): void {
  process.stderr.write(`${explain(error)}\n`);
}

async function main(): Promise<void> {
  const program = new Command("mercaptan")
    .description("What a gas utility runs between its meters and its people.")
    .showHelpAfterError()
    .exitOverride()
    .addCommand(serveCommand().exitOverride())
    .addCommand(simulateCommand().exitOverride())
    .addCommand(consoleCommand().exitOverride())
    .addCommand(decodeCommand().exitOverride())
    .addCommand(rulesCommand().exitOverride())
    .addCommand(backupCommand().exitOverride())
    .addCommand(restoreCommand().exitOverride())
    .addCommand(exportCommand().exitOverride())
    .addCommand(verifyCommand().exitOverride());
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    report(error);
    if (error instanceof ConfigError) process.stderr.write("see docs/CONFIGURATION.md\n");
    // Listeners and workers of a half-started service must not keep the process.
    process.exit(exitCodeOf(error));
  }
}

await main();
