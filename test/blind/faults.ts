/** Each way in which the system may not see, brought about at the real program. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { hourMs } from "#domain/units.ts";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { openMeters } from "../bench/leakLatency.ts";
import { settled, startLoad } from "../bench/load.ts";
import { callApi, withService, type Service } from "../bench/service.ts";
import { flipFirst, storeReadings } from "../support/damagedStore.ts";
import { startMs } from "../support/ledgerRows.ts";
import { movableClock } from "../support/movableClock.ts";
import { smallDisk } from "../support/smallDisk.ts";
import { learnArrivals } from "./learnedArrivals.ts";
import { alarmAfter, unreadyAfter, type Sight } from "./rig.ts";

export interface Fault {
  readonly name: string;
  /** null: this machine does not allow it. */
  readonly run: () => Promise<readonly Sight[] | null>;
}

/** A folder for what the program must find before it starts. */
async function inFolder<Result>(run: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-blind-"));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Meters that report all the time; without them a store that takes nothing goes unnoticed. */
async function load(service: Service, rate: number): Promise<() => void> {
  const { meters } = await openMeters(service, "B", 20, null);
  const stop = startLoad(meters, { inFlight: 1, rate });
  return () => {
    stop();
    for (const meter of meters) meter.close();
  };
}

function noFileMayGrow(pid: number, isOn: boolean): void {
  const limit = isOn ? "4096" : "unlimited";
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${limit}:`]);
}

/** While nothing can be stored no alarm can be either: `/readyz` says it, and BLIND is on record afterwards. */
async function nothingStored(): Promise<readonly Sight[]> {
  return withService(
    async (service) => {
      const stop = await load(service, 20);
      await delay(2_000);
      const beganMs = performance.now();
      noFileMayGrow(service.pid, true);
      const unready = await unreadyAfter(service, beganMs);
      const blind = await alarmAfter(service, "BLIND", async () => {
        noFileMayGrow(service.pid, false);
        await callApi(service, "POST", "/v1/automation/stop", { reason: "the store was full" });
      });
      stop();
      return [unready, { ...blind, sign: "BLIND, once it stores again" }];
    },
    { MERCAPTAN_DISK_RESERVE_MIB: "0" },
  );
}

/** Another program holds the ledger: behind, and on record when it lets go. */
async function behind(): Promise<readonly Sight[]> {
  return withService(async (service) => {
    const stop = await load(service, 20);
    await delay(2_000);
    // The program is writing: whoever holds it next waits for that.
    const holder = new DatabaseSync(join(service.dataDir, ledgerFileName), { timeout: 5_000 });
    const sights: Sight[] = [];
    const lag = await alarmAfter(service, "LAG", async () => {
      const beganMs = performance.now();
      holder.exec("BEGIN IMMEDIATE");
      sights.push(await unreadyAfter(service, beganMs));
      holder.exec("ROLLBACK");
      holder.close();
    });
    stop();
    return [...sights, lag];
  });
}

/** Three a second are usual by the ledger, six a second come for eleven minutes, and then none. */
async function noArrivals(): Promise<readonly Sight[]> {
  return inFolder(async (folder) => {
    learnArrivals(folder, Date.now(), 3);
    return withService(
      async (service) => {
        const stop = await load(service, 6);
        await delay(660_000);
        return [await alarmAfter(service, "ARRIVALS", stop)];
      },
      { MERCAPTAN_DATA_DIR: folder },
    );
  });
}

async function clockMoved(): Promise<readonly Sight[]> {
  return inFolder(async (folder) => {
    const file = join(folder, "moved");
    return withService(
      async (service) => [await alarmAfter(service, "CLOCK", () => writeFileSync(file, ""))],
      { NODE_OPTIONS: movableClock(file) },
    );
  });
}

async function diskLow(): Promise<readonly Sight[] | null> {
  const disk = smallDisk(64);
  if (disk === null) return null;
  try {
    return await withService(
      async (service) => [
        await alarmAfter(service, "DISK", () => disk.take(54)),
        { ...(await alarmAfter(service, "DISK", () => disk.take(60), 2)), sign: "DISK, level 2" },
      ],
      { MERCAPTAN_DATA_DIR: disk.dataDir, MERCAPTAN_DISK_RESERVE_MIB: "0" },
    );
  } finally {
    disk.remove();
  }
}

async function diskFull(): Promise<readonly Sight[] | null> {
  const disk = smallDisk(256);
  if (disk === null) return null;
  try {
    return await withService(
      async (service) => [await alarmAfter(service, "INTAKE", () => disk.fillUpTo(6 * 1_048_576))],
      { MERCAPTAN_DATA_DIR: disk.dataDir, MERCAPTAN_DISK_RESERVE_MIB: "16" },
    );
  } finally {
    disk.remove();
  }
}

/** A server that takes the connection and says nothing, or that is gone. */
async function receiver(answers: () => boolean) {
  const server = createServer((_request, response) => {
    if (answers()) response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}/told`, close };
}

async function nobodyTold(isGone: boolean): Promise<readonly Sight[]> {
  const { url, close } = await receiver(() => false);
  if (isGone) await close();
  const settings = { MERCAPTAN_NOTIFY_HOST_ALLOW_LIST: "127.0.0.1" };
  try {
    return await withService(async (service) => {
      await callApi(service, "POST", "/v1/webhooks", { label: "dispatch", url });
      const tell = { reason: "something to tell" };
      const provoke = () => callApi(service, "POST", "/v1/automation/stop", tell);
      return [await alarmAfter(service, "NOTIFIER", provoke)];
    }, settings);
  } finally {
    if (!isGone) await close();
  }
}

/** With the usual interval, from the moment at which the watchdog no longer answers. */
async function watchdogGone(): Promise<readonly Sight[]> {
  let isWell = true;
  const { url, close } = await receiver(() => isWell);
  try {
    return await withService(
      async (service) => {
        const provoke = () => {
          isWell = false;
        };
        return [await alarmAfter(service, "HEARTBEAT", provoke)];
      },
      { MERCAPTAN_HEARTBEAT_URL: url },
    );
  } finally {
    await close();
  }
}

/** Leaks that come and go: some 9 MB of events, more than the kernel and the service hold for a console. */
async function muchToTell(service: Service): Promise<void> {
  const { meters, counts } = await openMeters(service, "F", 50, null);
  for (let turn = 0; turn < 250; turn += 1) {
    for (const meter of meters) meter.send(turn % 2 === 0);
    await settled(counts);
  }
  for (const meter of meters) meter.close();
}

/** A console that follows from the beginning and reads nothing. */
async function consoleFrozen(): Promise<readonly Sight[]> {
  return withService(async (service) => {
    await muchToTell(service);
    const { hostname, port } = new URL(service.api);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    const head = ["GET /v1/live/sse?after=0 HTTP/1.1", `Host: ${hostname}`];
    const request = [...head, `Authorization: Bearer ${service.key}`, "", ""].join("\r\n");
    const sight = await alarmAfter(service, "FANOUT", () => {
      socket.pause();
      socket.write(request);
    });
    socket.destroy();
    return [sight];
  });
}

/** One flipped byte, from the moment at which somebody reads it; what the start itself reads is read by then. */
async function damaged(): Promise<readonly Sight[]> {
  return inFolder(async (folder) => {
    storeReadings(folder);
    const at = new Date(startMs + 9 * hourMs).toISOString();
    return withService(
      async (service) => {
        const headers = { authorization: `Bearer ${service.key}` };
        const provoke = () => {
          flipFirst(folder);
          // With the damaged chunk the only reading before that instant is gone, and the answer says so.
          return fetch(`${service.api}/v1/meters/M0001/register?at=${at}`, { headers });
        };
        return [await alarmAfter(service, "DAMAGE", provoke)];
      },
      { MERCAPTAN_DATA_DIR: folder },
    );
  });
}

export const faults: readonly Fault[] = [
  { name: "nothing can be stored", run: nothingStored },
  { name: "another program holds the ledger", run: behind },
  { name: "the machine's clock jumps by an hour", run: clockMoved },
  { name: "the disk fills up", run: diskLow },
  { name: "the disk is full", run: diskFull },
  { name: "a receiver hangs", run: () => nobodyTold(false) },
  { name: "a receiver is gone", run: () => nobodyTold(true) },
  { name: "the watchdog does not answer", run: watchdogGone },
  { name: "a console is frozen", run: consoleFrozen },
  { name: "a byte of the store is flipped", run: damaged },
  { name: "nothing arrives any more", run: noArrivals },
];
