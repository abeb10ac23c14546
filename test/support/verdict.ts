/** How the programs that hold a service against its promises end: what they saw, what was broken, one line. */

const linesShown = 10;

/** What each of these programs is told beside its own options. */
export const verdictOptions = {
  factor: { type: "string", default: "20" },
  seed: { type: "string", default: "1" },
  settle: { type: "string", default: "300" },
  break: { type: "string", default: "none" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Where progress is told: with JSON the standard output is for the result alone. */
export function progressTo(isJson: boolean): (line: string) => void {
  const stream = isJson ? process.stderr : process.stdout;
  return (line) => stream.write(`${line}\n`);
}

export interface Verdict {
  readonly isJson: boolean;
  readonly report: { readonly violations: readonly string[] };
  readonly facts: object;
  /** Shown, but no violation. */
  readonly remarks?: readonly string[];
  readonly summary: string;
}

/** Prints it; a violation is an exit code of 1. */
export function printVerdict({ isJson, report, facts, remarks = [], summary }: Verdict): void {
  const { violations, ...figures } = report;
  const ok = violations.length === 0;
  const shown = violations.slice(0, linesShown);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  if (isJson) {
    say(JSON.stringify({ ok, ...figures, violations: violations.length, first: shown }));
  } else {
    say(JSON.stringify(facts));
    for (const line of [...remarks.slice(0, linesShown), ...shown]) say(`  ${line}`);
    say(summary);
  }
  process.exitCode = ok ? 0 : 1;
}
