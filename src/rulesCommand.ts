/** `mercaptan rules`: a rule document checked here, and shown to and put in force at a service that runs. */
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { readRules } from "#config/loadRules.ts";
import type { RuleChange } from "#domain/ruleChanges.ts";
import { knownThresholds } from "./ruleBook.ts";

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
  const rules = readRules(file, readFileSync(file, "utf8"), knownThresholds);
  if (rules.ok) {
    const { version, hash } = rules.document;
    process.stdout.write(`version ${version}, content ${hash}: no mistake found\n`);
    return;
  }
  for (const { where, message } of rules.problems) process.stderr.write(`${where}: ${message}\n`);
  process.exitCode = refused;
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
