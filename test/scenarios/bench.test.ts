/**
 * Every scenario of the bench runs and loses nothing. No figure is asserted: this machine may be busy, and here it is,
 * for they run side by side.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { decoderNames } from "#decode/candidates.ts";
import { requireTool } from "../support/tool.ts";

const bench = fileURLToPath(new URL("../bench/bench.ts", import.meta.url));
const few = ["--connections", "20", "--seconds", "1"];

async function run(args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [bench, ...args]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test.concurrent.each([
  ["smart-meter", [...few, "--in-flight", "20", "--runs", "2"]],
  ["smart-meter", [...few, "--rate", "200"]],
])("%s %j loses nothing", async (scenario, args) => {
  const lines = await run(["--scenario", scenario, ...args]);
  expect(lines).toMatchObject([{ scenario, lost: 0, failed: 0, exitCode: 0 }]);
});

test.concurrent.each(["0", "9"])(
  "leak-latency with %s old values in the flood hears every leak",
  async (history) => {
    const lines = await run([
      "--scenario",
      "leak-latency",
      ...few,
      "--rate",
      "200",
      "--history",
      history,
    ]);
    const ours = { scenario: "leak-latency", lost: 0, exitCode: 0, leakToLiveMs: { missed: 0 } };
    expect(lines).toMatchObject([ours, ours]);
  },
);

test.concurrent("leak-close brings every order within the breaker's limits", async () => {
  const lines = await run([
    "--scenario",
    "leak-close",
    ...few.slice(0, 2),
    "--rate",
    "200",
    "--seconds",
    "9",
  ]);
  expect(lines).toMatchObject([{ lost: 0, exitCode: 0, leakToOrderMs: { count: 2, missed: 0 } }]);
});

test.concurrent(
  "the reading store alone answers everything that is asked, and every byte is as written",
  async () => {
    const few = ["--meters", "60", "--days", "3", "--seconds", "1"];
    const lines = await run(["--scenario", "readings", ...few, "--origin"]);
    const figures = lines.map(({ figure }) => figure);
    expect(figures.slice(0, 2)).toEqual(["intake", "day-segments"]);
    const checked = lines.filter(({ failed }) => failed !== undefined);
    expect(checked.map(({ figure, failed }) => [figure, failed])).toEqual([
      ["verify", 0],
      ["ready-after-kill-ms", 0],
    ]);
    const registers = lines.filter(({ figure }) => String(figure).startsWith("registers-at"));
    expect(registers.map(({ meters }) => meters)).toEqual([60, 60]);
  },
);

test.concurrent("sleeping meters take the commands that wait", async () => {
  const args = ["--meters", "20", "--concurrency", "5", "--commands", "50", "--seconds", "1"];
  const [line] = await run(["--scenario", "sleepy", ...args]);
  expect(line).toMatchObject({
    ...{ lost: 0, failed: 0, exitCode: 0 },
    ...{ commandsWaiting: 10, commandsDelivered: 10 },
  });
});

test.concurrent(
  "mosquitto stands beside us",
  { skip: requireTool("mosquitto", "mosquitto") === null },
  async () => {
    const lines = await run(["--scenario", "smart-meter", ...few, "--vs", "mosquitto"]);
    expect(lines.map((line) => line["of"] ?? "ours")).toEqual([
      "ours",
      "mosquitto",
      "ours / mosquitto",
    ]);
    expect(lines[0]).toMatchObject({ lost: 0 });
  },
);

test.concurrent("decode tells a rate for every protocol", async () => {
  const lines = await run(["--scenario", "decode", "--seconds", "0.05", "--runs", "2"]);
  expect(lines.map((line) => line["protocol"])).toEqual(decoderNames);
  for (const line of lines) {
    expect(line).toMatchObject({ scenario: "decode", runs: 2 });
    expect(line["framesPerSecond"]).toBeGreaterThan(0);
    expect(line["frames"]).toBeGreaterThan(0);
  }
});

test.concurrent("an unknown scenario is bad usage", async () => {
  await expect(run(["--scenario", "none"])).rejects.toMatchObject({ code: 2 });
});
