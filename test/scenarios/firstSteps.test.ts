/** The first steps of the README, with programs that we did not write: curl and mosquitto_pub against `serve`. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { rootFolder, textOf } from "../tidy/repository.ts";
import { requireTool } from "../support/tool.ts";

const run = promisify(execFile);
const isEquipped =
  requireTool("mosquitto_pub", "mosquitto-clients") !== null &&
  requireTool("curl", "curl") !== null;
const folder = mkdtempSync(join(tmpdir(), "mercaptan-first-"));
const running: ReturnType<typeof spawn>[] = [];

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true });
});

interface Served {
  readonly key: string;
  readonly api: string;
  readonly mqttPort: string;
  readonly stop: () => Promise<number>;
}

/** Starts the program on free ports and waits for what it prints first. */
async function serve(): Promise<Served> {
  const flags = ["--http-port", "0", "--mqtt-port", "0", "--data-dir", join(folder, "data")];
  const child = spawn(process.execPath, ["src/main.ts", "serve", ...flags], {
    cwd: rootFolder,
    stdio: ["ignore", "pipe", "ignore"],
  });
  running.push(child);
  let key = "";
  for await (const line of createInterface(child.stdout)) {
    key = /shown only now: (\S+)/.exec(line)?.[1] ?? key;
    const ready = /^mercaptan ready +api (\S+) +meters mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(line);
    if (ready === null) continue;
    const stop = async () => {
      child.kill("SIGTERM");
      const [code] = (await once(child, "exit")) as [number];
      return code;
    };
    return { key, api: ready[1] ?? "", mqttPort: ready[2] ?? "", stop };
  }
  return expect.unreachable("the program ended before it was ready");
}

/** The README's commands under "First steps", as a shell runs them. */
function firstSteps(): string {
  const [, section = ""] = textOf("README.md").split("## First steps");
  const blocks = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  return blocks[1] ?? "";
}

test.skipIf(!isEquipped)("what the README says works as it stands", async () => {
  const { key, api, mqttPort, stop } = await serve();
  const steps = firstSteps()
    .replaceAll("http://127.0.0.1:8080", api)
    .replace("--port 1883", `--port ${mqttPort}`)
    .replace(/^export KEY=.*$/m, `export KEY=${key}`)
    // The secret is copied by hand there; here a program reads it from the answer.
    .replace(/^(api .*credentials)$/m, 'answer=$($1)\necho "$answer"')
    .replace(
      /^export SECRET=.*$/m,
      'SECRET=$(echo "$answer" | sed -E \'s/.*"secret":"([^"]+)".*/\\1/\')',
    )
    // The live feed does not end by itself.
    .replace(/^(api --no-buffer .*)$/m, "$1 --max-time 1 || true");
  const { stdout } = await run("bash", ["-euc", steps], { timeout: 30_000 });
  expect(stdout).toContain('"id":"M0001"');
  expect(stdout).toContain('"volumeM3":"1234.567"');
  expect(stdout).toContain('"kind":"meter.registered"');
  expect(await stop()).toBe(0);
});
