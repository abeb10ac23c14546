/** `mercaptan export`: readings or consumption of a period as a file; reads only, also beside a running service. */
import { Argument, Command, Option } from "commander";
import type { ExportFlags, ExportKind } from "./runExport.ts";

const kinds: readonly ExportKind[] = ["readings", "consumption"];

/** The sub-command with its options. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write readings or consumption of a period to a file that does not exist yet")
    .addArgument(new Argument("<what>", "what is written").choices(kinds))
    .requiredOption("--from <instant>", "RFC 3339 with offset, or the date of a gas day; inclusive")
    .requiredOption("--to <instant>", "the same, exclusive")
    .requiredOption("--out <file>", "the file; it must not exist")
    .addOption(new Option("--format <format>").choices(["csv", "ndjson", "parquet"]).default("csv"))
    .option("--area <area>", "meters of this area only")
    .option("--config <file>", "settings file; ./mercaptan.yaml when it is there")
    .option("--data-dir <directory>", "the data directory; else the one of the settings")
    .option("--json", "what was written as one JSON object")
    .action(async (what: ExportKind, flags: ExportFlags) => {
      // Only now: no other command needs what writes Parquet.
      const { runExport } = await import("./runExport.ts");
      runExport(what, flags);
    });
}
