/** `mercaptan backup`: a copy of the data directory beside the running service, or of one that is stopped. */
import { Command } from "commander";
import { makeBackup } from "#backup/makeBackup.ts";
import { ConfigError } from "#config/configError.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { loadFileKeys } from "#config/secrets.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { billedTotals } from "./billedTotals.ts";
import { fileDisk } from "./fileDisk.ts";
import { progressLine } from "./progressLine.ts";
import { systemRng } from "./systemRng.ts";

interface BackupFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly to?: string;
  readonly keyFile?: string;
  readonly keep?: string;
  readonly determinants?: string;
  readonly json?: boolean;
}

/** The sub-command with its options. */
export function backupCommand(): Command {
  return new Command("backup")
    .description("copy the data directory, also beside a running service; only what is new")
    .option("--config <file>", "settings file; ./mercaptan.yaml when it is there")
    .option("--data-dir <directory>", "the data directory; else the one of the settings")
    .option("--to <folder>", "folder of the backups; else backup.folder of the settings")
    .option("--key-file <file>", "keys that seal it; else encryption.keyFile of the settings")
    .option("--keep <count>", "so many backups stay; else backup.keep of the settings")
    .option(
      "--determinants <count>",
      "a restore compares what billing makes of so many meters; 0: none; else the settings'",
    )
    .option("--json", "what was made as one JSON object")
    .action(backup);
}

async function backup({
  config: file,
  dataDir,
  to,
  keyFile,
  keep,
  determinants,
  json,
}: BackupFlags): Promise<void> {
  const flags = {
    config: file,
    dataDir,
    backupFolder: to,
    encryptionKeyFile: keyFile,
    backupKeep: keep,
    backupDeterminants: determinants,
  };
  const config = loadConfig({ flags });
  const { folder } = config.backup;
  if (folder === undefined) {
    throw new ConfigError([{ where: "--to", message: "name the folder of the backups" }]);
  }
  const keys = loadFileKeys(config);
  const progress = progressLine("backup");
  const { name, manifest, newObjects, newBytes, prunedBackups } = await makeBackup({
    dataDir: config.dataDir,
    folder,
    seal: keys === null ? null : fileSeal(keys, systemRng),
    disk: fileDisk(keys),
    billed: billedTotals,
    nowMs: Date.now,
    keep: config.backup.keep,
    determinants: config.backup.determinants,
    say: progress.say,
  });
  progress.end();
  const { totals, leftOut, files } = manifest;
  if (json === true) {
    const said = {
      name,
      folder,
      files: files.length,
      newObjects,
      newBytes,
      prunedBackups,
      determinants: manifest.determinants,
      leftOut,
    };
    process.stdout.write(`${JSON.stringify({ ...said, totals })}\n`);
    return;
  }
  process.stdout.write(
    `${name}: ${files.length} files, ${newObjects} new (${newBytes} bytes), ` +
      `${totals.registers} registers, ${keys === null ? "not sealed" : "sealed"}\n`,
  );
  for (const path of leftOut) {
    process.stderr.write(
      `${path} is a secret and was left out: seal the backup or keep it elsewhere\n`,
    );
  }
}
