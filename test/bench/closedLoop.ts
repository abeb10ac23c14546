/** The closed loop over a city, as figures: from the leak to the proof that gas has stopped, by protocol and habit. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { runLoop, type LoopLine } from "../loop/loopRun.ts";
import type { LoopPlan } from "../loop/loopPlan.ts";
import { memoryMb } from "./processStats.ts";
import { quantilesMs } from "./quantiles.ts";
import type { Report } from "./report.ts";

/** A line for all leaks, each protocol, each habit, and both together; times are the city's, in seconds. */
export async function runClosedLoop(plan: LoopPlan): Promise<readonly Report[]> {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-loop-"));
  const startedMs = performance.now();
  try {
    const { lines, uplinks, closes, radio } = runLoop(plan, directory, (line) =>
      process.stderr.write(`closed-loop: ${line}\n`),
    );
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    const ended: Record<string, number> = {};
    for (const line of lines) ended[line.ended] = (ended[line.ended] ?? 0) + 1;
    const memory = memoryMb(process.pid);
    const common = { scenario: "closed-loop", ...plan };
    return [
      { ...common, of: "all", ...figuresOf(lines), ended, uplinks, radio, closes, seconds, memory },
      ...groups(lines, ({ protocol }) => protocol).map((group) => ({ ...common, ...group })),
      ...groups(lines, ({ habit }) => habit).map((group) => ({ ...common, ...group })),
      ...groups(lines, ({ protocol, habit }) => `${protocol}, ${habit}`).map((group) => ({
        ...common,
        ...group,
      })),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function groups(lines: readonly LoopLine[], nameOf: (line: LoopLine) => string) {
  const names = [...new Set(lines.map(nameOf))];
  return names.map((of) => ({ of, ...figuresOf(lines.filter((line) => nameOf(line) === of)) }));
}

function figuresOf(lines: readonly LoopLine[]) {
  const seconds = (of: (line: LoopLine) => number | null) =>
    quantilesMs(lines.flatMap((line) => of(line) ?? []));
  return {
    leaks: lines.length,
    inOutages: lines.filter(({ hadOutage }) => hadOutage).length,
    toldAfter: seconds(({ toldAfter }) => toldAfter),
    shutAfter: seconds(({ shutAfter }) => shutAfter),
    verifiedAfter: seconds(({ verifiedAfter }) => verifiedAfter),
  };
}
