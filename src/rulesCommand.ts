/** `mercaptan rules`: a rule document checked here, and shown to and put in force at a service that runs. */
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { readRules } from "#config/loadRules.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { loadFileKeys } from "#config/secrets.ts";
import type { BackTestLoudness, BackTestReport } from "#domain/backTest.ts";
import type { RuleChange } from "#domain/ruleChanges.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { backTestLimits, backTestSpan, runBackTest } from "./backTestRun.ts";
import { ruleWords } from "./ruleBook.ts";

interface ServiceFlags {
  readonly api: string;
  readonly keyFile: string;
  readonly json?: boolean;
}

interface PutFlags extends ServiceFlags {
  readonly reason: string;
  readonly replaces: number;
}

/** A document that cannot be used, or a service that refuses it. */
const refused = 2;

/** The sub-command with its own sub-commands. */
export function rulesCommand(): Command {
  const command = new Command("rules").description("rule documents: check, preview, put in force");
  command
    .command("check")
    .description("every mistake in the document, with line and column; asks no service")
    .argument("<file>", "the document, YAML")
    .action(check);
  command
    .command("test")
    .description("what the document would have told over the last days; reads the data directory")
    .argument("<file>", "the document, YAML; - is the factory's rules")
    .option("--days <n>", "how many", wholeNumber, 30)
    .option("--until <instant>", "the end of the days, RFC 3339; else now", instant)
    .option("--warm-up-days <n>", "readings before it that warm the rules", wholeNumber, 90)
    .option("--threads <n>", "else one per processor", wholeNumber)
    .option("--config <file>", "settings file; ./mercaptan.yaml when it is there")
    .option("--data-dir <directory>", "the data directory; else the one of the settings")
    .option("--json", "the whole report as one JSON object")
    .action(test);
  onService(
    command
      .command("preview")
      .description("what the document would change, and for which meters; changes nothing")
      .argument("<file>", "the document, YAML"),
  ).action(preview);
  onService(
    command
      .command("put")
      .description("puts the document in force; it must have been previewed")
      .argument("<file>", "the document, YAML")
      .requiredOption("--reason <text>", "why; kept with who asked, for ever")
      .requiredOption("--replaces <no>", "the number that the preview told", wholeNumber),
  ).action(put);
  return command;
}

function onService(command: Command): Command {
  return command
    .requiredOption("--api <url>", "address of the API, such as http://127.0.0.1:8080")
    .requiredOption("--key-file <file>", "file with an API key that may change rules")
    .option("--json", "the service's answer as it came");
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("must be a whole number");
}

function check(file: string): void {
  const document = checked(file);
  if (document === undefined) return;
  const { version, hash } = document;
  process.stdout.write(`version ${version}, content ${hash}: no mistake found\n`);
}

/** The document, or every mistake on standard error. */
function checked(file: string): RuleDocument | undefined {
  const rules = readRules(file, readFileSync(file, "utf8"), ruleWords);
  if (rules.ok) return rules.document;
  for (const { where, message } of rules.problems) process.stderr.write(`${where}: ${message}\n`);
  process.exitCode = refused;
  return undefined;
}

interface TestFlags {
  readonly days: number;
  readonly until?: number;
  readonly warmUpDays: number;
  readonly threads?: number;
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

function instant(text: string): number {
  const atMs = Date.parse(text);
  if (Number.isFinite(atMs)) return atMs;
  throw new InvalidArgumentError("must be an instant, such as 2026-11-28T00:00:00Z");
}

async function test(file: string, flags: TestFlags): Promise<void> {
  const { days, warmUpDays, threads, until = Date.now(), config: settings, dataDir } = flags;
  if (days < 1 || days > backTestLimits.daysMax) {
    throw new InvalidArgumentError(`--days must be 1 to ${backTestLimits.daysMax}`);
  }
  const candidate = file === "-" ? null : checked(file);
  if (candidate === undefined) return;
  const config = loadConfig({ flags: { config: settings, dataDir } });
  const startedMs = performance.now();
  const span = backTestSpan(days, until);
  const fileKeys = loadFileKeys(config);
  const plan = { directory: config.dataDir, candidate, warmUpDays, fileKeys, ...span };
  const report = await runBackTest(plan, threads);
  const seconds = (performance.now() - startedMs) / 1_000;
  const text = flags.json === true ? JSON.stringify({ ...report, seconds }) : told(report, seconds);
  process.stdout.write(`${text}\n`);
}

function told(report: BackTestReport, seconds: number): string {
  const { rules, candidate, happened, closes, readings, meters } = report;
  const lines = rules.map(
    ({ rule, candidate: would, happened: did, added, gone, moved }) =>
      `${rule.padEnd(5)} would ${would.occurrences} at ${would.meters} meters, did ${did.occurrences} at ${did.meters}; ${added} more, ${gone} less, ${moved} at other times`,
  );
  const loud = ({ rang, perDay, peakIn10Minutes, floodShare }: BackTestLoudness): string =>
    `${rang} rang, ${perDay.toFixed(1)} a day, at most ${peakIn10Minutes} in 10 minutes, ${(100 * floodShare).toFixed(2)} % of the time in flood`;
  return [
    `${readings} readings of ${meters} meters in ${seconds.toFixed(1)} s`,
    ...lines,
    `would: ${loud(candidate)}`,
    `did:   ${loud(happened)}`,
    `closes: would order ${closes.ordered}, the breaker would hold ${closes.heldByBreaker}, would propose ${closes.proposed}; did ${JSON.stringify(report.closesHappened)}`,
  ].join("\n");
}

async function preview(file: string, flags: ServiceFlags): Promise<void> {
  const answer = await post(flags, "/v1/rules/preview", { yaml: readFileSync(file, "utf8") });
  if (answer === null || flags.json === true) return;
  const { version, hash, replaces, meters, previewedAt, isCut } = answer;
  const changes = answer["changes"] as readonly RuleChange[];
  const lines = changes.map(
    ({ rule, name, before, after, meters: count, examples }) =>
      `  ${rule}.${name}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}, ${count} meters (${examples.join(" ")})`,
  );
  if (isCut === true) lines.push("  and more");
  const head = `version ${String(version)} would change ${String(meters)} meters`;
  const foot = `content ${String(hash)}, first shown ${String(previewedAt)}; put it with --replaces ${String(replaces)}`;
  process.stdout.write(`${[head, ...lines, foot].join("\n")}\n`);
}

async function put(file: string, flags: PutFlags): Promise<void> {
  const { reason, replaces } = flags;
  const body = { yaml: readFileSync(file, "utf8"), reason, replaces };
  const answer = await post(flags, "/v1/rules", body);
  if (answer === null || flags.json === true) return;
  const { no, version, inForceAt, by } = answer;
  const said = `number ${String(no)}: version ${String(version)} in force from ${String(inForceAt)}, by ${String(by)}`;
  process.stdout.write(`${said}\n`);
}

type Answer = Readonly<Record<string, unknown>>;

/** The answer; null where the service refused, which is then told. */
async function post(flags: ServiceFlags, path: string, body: object): Promise<Answer | null> {
  const key = readFileSync(flags.keyFile, "utf8").trim();
  const response = await fetch(new URL(path, flags.api), {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.ok) {
    if (flags.json === true) process.stdout.write(`${text}\n`);
    return JSON.parse(text) as Answer;
  }
  process.stderr.write(`refused with ${response.status}: ${text}\n`);
  process.exitCode = refused;
  return null;
}
