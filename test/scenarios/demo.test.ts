/** `npm run demo` as a stranger runs it, with a smaller district. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { simulatedProtocols } from "#simulators/codec.ts";

const demoFile = fileURLToPath(new URL("../../simulators/demo.ts", import.meta.url));
const running = new Set<ReturnType<typeof runDemo>>();

function runDemo(...args: readonly string[]) {
  const child = spawn(process.execPath, [demoFile, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  const ended = once(child, "close").then(([code]) => Number(code));
  const said = async (text: string): Promise<void> => {
    while (!output.includes(text)) {
      const isOver = await Promise.race([ended, once(child.stdout, "data").then(() => null)]);
      if (isOver !== null && !output.includes(text)) expect.unreachable(`${text}\n${output}`);
    }
  };
  const demo = { child, ended, said, output: () => output };
  running.add(demo);
  return demo;
}

afterEach(async () => {
  // SIGTERM, not SIGKILL: the demonstration has an engine of its own to stop.
  for (const { child, ended } of running) {
    if (child.exitCode === null) child.kill("SIGTERM");
    await ended;
  }
  running.clear();
});

test("a leak in each protocol is noticed, shut and verified by zero flow within 60 s", async () => {
  const demo = runDemo("--once", "--meters", "90");
  expect(await demo.ended, demo.output()).toBe(0);
  for (const protocol of simulatedProtocols) {
    const told = demo
      .output()
      .match(new RegExp(`\\(${protocol}, .*(raised|sent|closed|verified)`, "g"));
    expect(told?.map((line) => line.match(/(raised|sent|closed|verified)$/)?.[0])).toEqual(
      expect.arrayContaining(["raised", "sent", "closed", "verified"]),
    );
  }
  expect(demo.output()).toContain("stopped cleanly");
});

test("Ctrl-C stops everything in order", async () => {
  const demo = runDemo("--meters", "60");
  await demo.said("meters live");
  demo.child.kill("SIGINT");
  expect(await demo.ended, demo.output()).toBe(0);
  expect(demo.output()).toContain("stopped cleanly");
});

test("wrong usage is told, with exit code 2", async () => {
  for (const args of [["--meters", "5"], ["--factor", "fast"], ["--open-valves"]]) {
    expect(await runDemo(...args).ended).toBe(2);
  }
});
