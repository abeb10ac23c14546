/** The disk takes nothing more: nothing is promised, everybody is told, and with space it goes on by itself. */
import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { callApi } from "../bench/service.ts";
import { checkLedger } from "../kill/checks.ts";
import { readMetric } from "../kill/exposition.ts";
import type { KeeperMeter } from "../kill/keeperMeter.ts";
import { Load, registerKeepers } from "../kill/keepers.ts";
import { freePorts } from "../kill/ports.ts";
import { Victim } from "../kill/victim.ts";
import { smallDisk } from "../support/smallDisk.ts";
import { requireTool } from "../support/tool.ts";

/** A way to make writing fail for a process that runs, and to end the trouble. */
interface Trouble {
  /** Undefined: where the service keeps its data anyway. */
  readonly dataDir: string | undefined;
  begin(pid: number): void;
  end(pid: number): void;
}

const endings: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

/** No file may grow: works for everybody, and for every file of the process at once. */
function fileSizeLimit(): Trouble | null {
  const prlimit = requireTool("prlimit", "util-linux");
  if (prlimit === null) return null;
  const set = (pid: number, bytes: string) =>
    void execFileSync(prlimit, ["--pid", String(pid), `--fsize=${bytes}:`]);
  return {
    dataDir: undefined,
    begin: (pid) => set(pid, "4096"),
    end: (pid) => set(pid, "unlimited"),
  };
}

/** A small file system that is full, and is made larger. Needs the right to mount. */
function fullDisk(): Trouble | null {
  const disk = smallDisk(64);
  if (disk === null) return null;
  endings.push(() => disk.remove());
  return {
    dataDir: disk.dataDir,
    begin: () => disk.fillUpTo(0),
    end: () => disk.enlarge(512),
  };
}

const troubles = { "no file may grow": fileSizeLimit, "the disk is full": fullDisk };

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await delay(50);
  }
}

function sum(meters: readonly KeeperMeter[], of: (meter: KeeperMeter) => number): number {
  return meters.reduce((all, meter) => all + of(meter), 0);
}

const owed = (meters: readonly KeeperMeter[]) => sum(meters, (meter) => meter.obligations.length);

async function readiness(victim: Victim) {
  const response = await fetch(`${victim.api}/readyz`);
  const { reasons } = (await response.json()) as { readonly reasons: readonly string[] };
  return { status: response.status, reasons };
}

test.each(Object.keys(troubles) as (keyof typeof troubles)[])(
  "%s: acknowledgements stop, and everything is there in the end",
  async (name) => {
    const trouble = troubles[name]();
    if (trouble === null) return;
    const [http = 0, mqtt = 0] = await freePorts(2, Math.random);
    // With a reserve the disk would never be as full as this test wants it.
    const settings = { MERCAPTAN_DISK_RESERVE_MIB: "0" };
    const command = ["src/main.ts", "serve", "--json"];
    const victim = new Victim({ http, mqtt }, command, trouble.dataDir, settings);
    endings.push(async () => {
      await victim.kill();
      victim.remove();
    });
    await victim.start();
    const events = { ordered: () => undefined, acknowledged: () => undefined };
    const meters = await registerKeepers(victim, 50, events);
    const load = new Load(meters, 500);
    endings.push(() => {
      load.stop();
      for (const meter of meters) meter.rest();
    });
    for (const meter of meters) meter.rise(victim.mqttPort);
    await until(() => owed(meters) > 500, "some uplinks are acknowledged");

    trouble.begin(victim.pid);
    let before = -1;
    // Space that a failed commit had taken may serve a smaller one; then that one is as good as any.
    await until(async () => {
      const last = before;
      before = owed(meters);
      await delay(1_000);
      return owed(meters) === before && last !== -1;
    }, "a second without an acknowledgement");
    expect(await readiness(victim)).toEqual({
      status: 503,
      reasons: ["readings cannot be stored: LEDGER_WRITE_FAILED"],
    });
    await until(() => meters.every(({ lostLinks }) => lostLinks > 0), "every link is closed");
    expect((await fetch(`${victim.api}/healthz`)).status).toBe(200);
    const failures = await readMetric(victim.api, "mercaptan_events_total", {
      event: "engine.commitFailed",
    });
    expect(failures).toBeGreaterThan(0);

    trouble.end(victim.pid);
    await until(async () => (await readiness(victim)).status === 200, "it is ready by itself");
    await until(() => owed(meters) > before + 500, "uplinks are acknowledged again");
    load.stop();
    await until(() => sum(meters, ({ waiting }) => waiting) === 0, "all repetitions are stored");
    const page = await callApi(victim, "GET", "/v1/events?after=0&limit=10000");
    const kinds = (page as { items: readonly { kind: string }[] }).items.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(["system.blind", "system.sighted"]));
    expect(await victim.stop()).toBe(0);

    const { lost, storedTwice, violations } = checkLedger(victim.dataDir, meters, new Set());
    expect({ lost, storedTwice }).toEqual({ lost: 0, storedTwice: 0 });
    // And nothing else is wrong.
    expect(violations).toEqual(["an alarm BLIND: a fault of our own"]);
  },
);
