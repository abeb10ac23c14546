/** CONTRACT section 4, end to end: how the program starts, how it refuses to, and how it ends. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { secondMs } from "#domain/units.ts";
import { cjt188, expectCalm, frameAddress, json, nowMs } from "../support/hostile.ts";
import { Home, type Program, type Service } from "../support/program.ts";

const homes: Home[] = [];
function newHome(): Home {
  const home = new Home();
  homes.push(home);
  return home;
}
// Most of the time goes into starting programs, so all but the one under load do so side by side.
afterAll(async () => {
  for (const home of homes) await home.remove();
});

const keyPattern = /^first administrator's API key, shown only now: (\S+)$/m;

/** Ends by itself with this code, says why, and never was ready. */
async function expectEnd(program: Program, code: number, ...words: readonly string[]) {
  program.child.stdout?.on("data", () => {
    // It should not have got this far.
    if (program.stdout.includes("mercaptan ready")) program.child.kill("SIGKILL");
  });
  expect(await program.exited, program.stderr).toBe(code);
  for (const word of words) expect(program.stderr).toContain(word);
  expect(program.stdout).not.toContain("mercaptan ready");
}

test.concurrent(
  "with nothing but defaults: a key is made and shown once, the data are in ./data",
  async () => {
    const home = newHome();
    const first = home.run(["serve"]);
    const service = await home.ready(first);
    const [, key = ""] = keyPattern.exec(first.stdout) ?? [];
    expect(key.length).toBeGreaterThanOrEqual(32);
    expect(first.stdout.indexOf(key)).toBeLessThan(first.stdout.indexOf("mercaptan ready"));
    expect(statSync(home.dataDir).mode & 0o777).toBe(0o700);
    await expectWelcome(service, key, 200);
    expect(await service.stop()).toBe(0);

    const second = home.run(["serve"]);
    const again = await home.ready(second);
    expect(second.stdout).toMatch(/^mercaptan ready .+\n$/);
    await expectWelcome(again, key, 200);
    expect(await again.stop()).toBe(0);
    for (const { stdout, stderr } of [first, second])
      expect(stdout + stderr).not.toContain("Warning");
  },
);

async function expectWelcome(service: Service, key: string, status: number): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  expect((await fetch(`${service.api}/v1/meters`, { headers })).status).toBe(status);
}

test.concurrent(
  "with a key file: that key and no other, and nothing of it is printed or logged",
  async () => {
    const home = newHome();
    const service = await home.serve({ MERCAPTAN_LOG_LEVEL: "trace" });
    await expectWelcome(service, home.key, 200);
    await expectWelcome(service, `${home.key}x`, 401);
    await service.stop();
    const { stdout, stderr } = service.program;
    expect(stdout).not.toMatch(keyPattern);
    expect(stderr).toContain("api.unauthorised");
    expect(stdout + stderr).not.toContain(home.key);
    const entries = readdirSync(home.dataDir, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((found) => found.isFile())) {
      expect(
        readFileSync(join(entry.parentPath, entry.name), "latin1").includes(home.key),
        entry.name,
      ).toBe(false);
    }
  },
);

test.concurrent("as JSON: one line that a program can read", async () => {
  const home = newHome();
  const program = home.run(["serve", "--json"], { MERCAPTAN_ADMIN_KEY_FILE: home.keyFile });
  program.child.stdout?.once("data", () => program.child.kill("SIGTERM"));
  expect(await program.exited).toBe(0);
  expect(JSON.parse(program.stdout)).toMatchObject({ ready: true, dataDir: "./data" });
});

test.concurrent("exit code 2: settings that do not exist or cannot be", async () => {
  const home = newHome();
  await expectEnd(home.run(["serve"], { MERCAPTAN_X: "1" }), 2, "MERCAPTAN_X");
  await expectEnd(home.run(["serve"], { MERCAPTAN_HTTP_PORT: "eighty" }), 2, "MERCAPTAN_HTTP_PORT");
  await expectEnd(home.run(["serve", "--open-valves"]), 2, "--open-valves");
  await expectEnd(home.run(["surf"]), 2, "surf");
  writeFileSync(join(home.folder, "short.key"), "123");
  const short = { MERCAPTAN_ADMIN_KEY_FILE: join(home.folder, "short.key") };
  await expectEnd(home.run(["serve"], short), 2, "32");
  const missing = { MERCAPTAN_ADMIN_KEY_FILE: join(home.folder, "no.key") };
  await expectEnd(home.run(["serve"], missing), 2, "no.key");
  writeFileSync(join(home.folder, "mercaptan.yaml"), "http:\n  prot: 8080\n");
  await expectEnd(home.run(["serve"]), 2, "mercaptan.yaml:2:3", "prot");
});

test.concurrent("exit code 3: a data directory that cannot be used", async () => {
  const home = newHome();
  writeFileSync(join(home.folder, "file"), "");
  const underFile = { MERCAPTAN_DATA_DIR: join(home.folder, "file", "data") };
  await expectEnd(home.run(["serve"], underFile), 3, "MERCAPTAN_DATA_DIR");
  const isFile = { MERCAPTAN_DATA_DIR: join(home.folder, "file") };
  await expectEnd(home.run(["serve"], isFile), 3, "MERCAPTAN_DATA_DIR");
  mkdirSync(join(home.folder, "odd", "ledger.sqlite"), { recursive: true });
  await expectEnd(home.run(["serve"], { MERCAPTAN_DATA_DIR: join(home.folder, "odd") }), 3);
});

test.concurrent("exit code 3: a damaged ledger, and it is left as it is", async () => {
  const home = newHome();
  const service = await home.serve();
  await service.register([{ id: "M1", protocol: "json" }]);
  expect(await service.stop()).toBe(0);
  // After an orderly end all of it is in one file.
  expect(readdirSync(home.dataDir)).not.toContain("ledger.sqlite-wal");
  const file = join(home.dataDir, "ledger.sqlite");
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 0, 100);
  writeFileSync(file, bytes);
  await expectEnd(home.run(["serve"]), 3, "damaged", "backup");
  expect(readFileSync(file).equals(bytes)).toBe(true);
  writeFileSync(join(home.dataDir, "pepper.key"), "none");
  await expectEnd(home.run(["serve"]), 3, "PEPPER_DAMAGED");
});

test.concurrent(
  "exit code 3: a second process on the same data, which does not disturb the first",
  async () => {
    const home = newHome();
    const service = await home.serve();
    await expectEnd(home.run(["serve"]), 3);
    await expectCalm(service);
    await service.register([{ id: "M1", protocol: "json" }]);
    expect(await service.stop()).toBe(0);
  },
);

test.concurrent("exit code 4: a port that is taken, for meters or for people", async () => {
  const home = newHome();
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const port = String((taken.address() as AddressInfo).port);
  try {
    await expectEnd(home.run(["serve"], { MERCAPTAN_HTTP_PORT: port }), 4, port);
    await expectEnd(home.run(["serve"], { MERCAPTAN_MQTT_PORT: port }), 4, port);
  } finally {
    taken.close();
  }
});

/** Publishes one reading after the other until the connection ends; the instants that were acknowledged. */
async function reportUntilTheEnd(service: Service, id: string): Promise<readonly number[]> {
  const acknowledged: number[] = [];
  const meter = await service.login(id);
  const ended = new Promise<void>((resolve) => meter.once("close", () => resolve()));
  let measuredAt = nowMs - 3_600 * secondMs;
  const sendNext = (): void => {
    const sentAt = (measuredAt += secondMs);
    meter.publish(`meters/${id}/up/json`, json({ measuredAt: sentAt }), { qos: 1 }, (error) => {
      if (error !== undefined && error !== null) return;
      acknowledged.push(sentAt);
      if (acknowledged.length < 3_000) sendNext();
    });
  };
  for (let inFlight = 0; inFlight < 4; inFlight += 1) sendNext();
  await ended;
  await meter.endAsync(true);
  return acknowledged;
}

test("SIGTERM under load: exit 0 in time, and everything that was acknowledged is there", async () => {
  const home = newHome();
  const service = await home.serve();
  const ids = Array.from({ length: 20 }, (_, index) => `M${index}`);
  await service.register(ids.map((id) => ({ id, protocol: "json" as const })));
  const reporting = ids.map(async (id) => reportUntilTheEnd(service, id));
  while ((await service.metric("mercaptan_readings_total")) < 500);
  const startedMs = performance.now();
  expect(await service.stop(), service.program.stderr).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(25 * secondMs);
  const owed = await Promise.all(reporting);
  expect(owed.flat().length).toBeGreaterThanOrEqual(500);

  const again = await home.serve();
  for (const [index, id] of ids.entries()) {
    const kept = await again.items<{ measuredAt: string }>(`/v1/meters/${id}/readings?limit=1000`);
    const instants = kept.map(({ measuredAt }) => Date.parse(measuredAt));
    expect(new Set(instants).size, id).toBe(instants.length);
    expect(instants, id).toEqual(expect.arrayContaining([...(owed[index] ?? [])]));
  }
  await again.issue("meters", "M0");
  const meter = await again.login("M0");
  const repeated = json({ measuredAt: nowMs - 3_599 * secondMs });
  await meter.publishAsync("meters/M0/up/json", repeated, { qos: 1 });
  const duplicates = { protocol: "json", outcome: "duplicate" };
  expect(await again.metric("mercaptan_uplinks_total", duplicates)).toBe(1);
  await meter.endAsync();
  expect(await again.stop()).toBe(0);
});

test.concurrent("every sub-command explains itself", async () => {
  const home = newHome();
  const help = home.run(["--help"]);
  expect(await help.exited).toBe(0);
  for (const name of ["serve", "simulate", "decode"]) {
    expect(help.stdout).toContain(name);
    const own = home.run([name, "--help"]);
    expect(await own.exited, own.stderr).toBe(0);
    expect(own.stdout).toContain("--json");
    expect(readdirSync(home.folder)).toEqual(["admin.key"]);
  }
});

test.concurrent("decode shows what a frame says, and why it says nothing", async () => {
  const home = newHome();
  const hex = cjt188().toString("hex");
  const good = home.run(["decode", "--protocol", "cjt188", hex]);
  expect(await good.exited).toBe(0);
  expect(good.stdout).toContain(frameAddress);
  const asJson = home.run(["decode", "--protocol", "cjt188", "--json", hex]);
  expect(await asJson.exited).toBe(0);
  expect(JSON.parse(asJson.stdout)).toMatchObject({
    fault: null,
    telegram: { address: frameAddress, readings: [{ volume: { ml: 1e9 } }] },
  });
  const cut = home.run(["decode", "--protocol", "cjt188", hex.slice(0, -8)]);
  expect(await cut.exited).toBe(1);
  expect(cut.stdout).toContain("TRUNCATED");
  expect(await home.run(["decode", "--protocol", "morse", hex]).exited).toBe(2);
});

test.concurrent(
  "decode opens a ciphered frame with the key from a file, and says when it has none",
  async () => {
    const home = newHome();
    const card = new URL("../cards/wmbus/mode7.json", import.meta.url);
    const { hex, options } = JSON.parse(readFileSync(card, "utf8"));
    const keyFile = join(home.folder, "meter.key");
    writeFileSync(keyFile, `${options.key}\n`, { mode: 0o600 });
    const opened = home.run(["decode", "--protocol", "wmbus", "--key-file", keyFile, hex]);
    expect(await opened.exited).toBe(0);
    expect(opened.stdout).not.toContain(options.key);
    const closed = home.run(["decode", "--protocol", "wmbus", hex]);
    expect(await closed.exited).toBe(1);
    expect(closed.stdout).toContain("KEY");
  },
);
