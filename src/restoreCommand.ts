/** `mercaptan restore`: a backup becomes a new data directory, and proves that it is the same. */
import { Command } from "commander";
import { restoreBackup } from "#backup/restoreBackup.ts";
import type { BilledTotals } from "#backup/totals.ts";
import { ConfigError } from "#config/configError.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { loadFileKeys } from "#config/secrets.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { billedTotals } from "./billedTotals.ts";
import { fileDisk } from "./fileDisk.ts";
import { progressLine } from "./progressLine.ts";
import { systemRng } from "./systemRng.ts";

interface RestoreFlags {
  readonly config?: string;
  readonly from?: string;
  readonly backup?: string;
  readonly dataDir?: string;
  readonly keyFile?: string;
  readonly json?: boolean;
}

/** The sub-command with its options. */
export function restoreCommand(): Command {
  return new Command("restore")
    .description("bring a backup into an empty data directory; hashes and totals are compared")
    .option("--config <file>", "settings file; ./mercaptan.yaml when it is there")
    .option("--from <folder>", "folder of the backups; else backup.folder of the settings")
    .option("--backup <name>", "part of the backup's name; else the newest one")
    .option("--data-dir <directory>", "an empty directory; else the one of the settings")
    .option("--key-file <file>", "keys that open it; else encryption.keyFile of the settings")
    .option("--json", "what was restored as one JSON object")
    .action(restore);
}

function restore({ config: file, from, backup, dataDir, keyFile, json }: RestoreFlags): void {
  const flags = { config: file, dataDir, backupFolder: from, encryptionKeyFile: keyFile };
  const config = loadConfig({ flags });
  const { folder } = config.backup;
  if (folder === undefined) {
    throw new ConfigError([{ where: "--from", message: "name the folder of the backups" }]);
  }
  const keys = loadFileKeys(config);
  const progress = progressLine("restore");
  const { name, manifest } = restoreBackup({
    folder,
    wanted: backup,
    dataDir: config.dataDir,
    seal: keys === null ? null : fileSeal(keys, systemRng),
    disk: fileDisk(keys),
    billed: billedTotals,
    nowMs: Date.now(),
    say: progress.say,
  });
  progress.end();
  const { totals, leftOut, auditHead, madeAt } = manifest;
  if (json === true) {
    const said = { name, madeAt, dataDir: config.dataDir, leftOut, auditHead, totals };
    process.stdout.write(`${JSON.stringify(said)}\n`);
    return;
  }
  process.stdout.write(
    `${name} restored to ${config.dataDir}; the same as when it was made:\n` +
      `  ${totals.registers} registers, together ${totals.registerSumMl} ml, hash ${totals.registersSha256}\n` +
      billedLines(totals.billed ?? {}) +
      `  ${Object.keys(totals.rows).length} tables with ${rowsIn(totals.rows)} rows\n` +
      `  audit: ${auditHead === null ? "empty" : `entry ${auditHead.seq}, ${auditHead.hash}`}\n`,
  );
  for (const path of leftOut) {
    process.stderr.write(
      `${path} is not in the backup: put it into ${config.dataDir} before the start\n`,
    );
  }
}

/** What people compare with their own books: the months, and what was frozen. */
function billedLines(billed: BilledTotals): string {
  const lines = Object.entries(billed).flatMap(([name, { meters, volumeMl, determinants }]) => {
    if (name.startsWith("gas month")) return [`  ${name}: ${meters} meters, ${volumeMl} ml\n`];
    return name.startsWith("frozen") ? [`  ${determinants} ${name}, ${volumeMl} ml\n`] : [];
  });
  return lines.join("");
}

function rowsIn(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((all, count) => all + count, 0);
}
