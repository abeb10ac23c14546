/** `mercaptan simulate`: a district of simulated meters against a service that runs already. */
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";

function atLeast(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isFinite(value) && value >= min) return value;
    throw new InvalidArgumentError(`must be a number from ${min}`);
  };
}

interface SimulateFlags {
  readonly api: string;
  readonly keyFile: string;
  readonly broker: string;
  readonly meters: number;
  readonly seed: number;
  readonly hours: number;
  readonly truth?: string;
  readonly factor: number;
  readonly baseMs?: number;
  readonly json?: boolean;
}

/** The sub-command with its options. */
export function simulateCommand(): Command {
  return new Command("simulate")
    .description("register a district of simulated meters and let it report")
    .requiredOption("--api <url>", "address of the API, such as http://127.0.0.1:8080")
    .requiredOption("--key-file <file>", "file with an administrator's API key")
    .option("--broker <host:port>", "the meters' listener", "127.0.0.1:1883")
    .option("--meters <n>", "how many", atLeast(1), 100)
    .option("--seed <n>", "the same seed is the same district", atLeast(0), 1)
    .option("--hours <h>", "how long, in the service's time", atLeast(0), 1)
    .option("--truth <file>", "where the district's own record goes (NDJSON)")
    .option("--factor <n>", "the service's clock.factor, when it runs in time-lapse", atLeast(1), 1)
    .option("--base-ms <ms>", "the service's clock.baseMs", atLeast(0))
    .option("--json", "one JSON object at the end")
    .action(async (flags: SimulateFlags) => {
      const [host = "127.0.0.1", port = "1883"] = flags.broker.split(":");
      const key = readFileSync(flags.keyFile, "utf8").trim();
      const { runSimulate } = await import("#simulators/simulate.ts");
      const outcome = await runSimulate({
        api: { baseUrl: flags.api, key },
        broker: { host, port: Number(port) },
        meters: flags.meters,
        seed: flags.seed,
        hours: flags.hours,
        truthFile: flags.truth ?? null,
        lapse: { factor: flags.factor, baseMs: flags.baseMs ?? Date.now() },
        say: (line) => process.stderr.write(`${line}\n`),
      });
      const line = flags.json === true ? JSON.stringify(outcome) : "done";
      process.stdout.write(`${line}\n`);
    });
}
