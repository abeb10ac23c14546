/** The real program on a disk that fills up, and with a watchdog that stops answering: each an alarm within 30 s. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, type TestContext } from "vitest";
import { Home, type Service } from "../support/program.ts";
import { smallDisk } from "../support/smallDisk.ts";

const withinMs = 30_000;

/** What a test leaves behind ends with it. The tests of this file mostly wait, so they do so together. */
type Ends = TestContext["onTestFinished"];

interface AlarmRow {
  readonly rule: string;
  readonly level: number;
  readonly priority: number;
  readonly state: string;
  readonly message: { readonly en: string };
}

async function alarmsOf(service: Service): Promise<readonly AlarmRow[]> {
  const response = await service.fetch("GET", "/v1/alarms");
  const { items } = (await response.json()) as { readonly items: readonly AlarmRow[] };
  return items;
}

/** The alarm as it then is; how long it took is part of the promise. */
async function alarmWithin30s(
  service: Service,
  rule: string,
  isSo: (alarm: AlarmRow) => boolean,
): Promise<AlarmRow> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = (await alarmsOf(service)).find((alarm) => alarm.rule === rule && isSo(alarm));
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`no such ${rule} within 30 s`);
    await delay(100);
  }
}

function newHome(ends: Ends): Home {
  const home = new Home();
  ends(() => home.remove());
  return home;
}

test.concurrent(
  "a disk that fills up: low, nearly full, and over when there is room again",
  async ({ onTestFinished: ends }) => {
    const disk = smallDisk(64);
    if (disk === null) return;
    ends(() => disk.remove());
    const home = newHome(ends);
    const service = await home.serve({
      MERCAPTAN_DATA_DIR: disk.dataDir,
      MERCAPTAN_DISK_RESERVE_MIB: "0",
    });
    expect((await alarmsOf(service)).filter(({ rule }) => rule === "DISK")).toEqual([]);
    disk.take(54);
    const low = await alarmWithin30s(service, "DISK", ({ level }) => level === 1);
    expect(low).toMatchObject({ priority: 2, state: "unacknowledged" });
    expect(low.message.en).toMatch(/^System: disk space is low \(free 1\d %\)\.$/);
    disk.take(60);
    const full = await alarmWithin30s(service, "DISK", ({ level }) => level === 2);
    expect(full.priority).toBe(1);
    disk.free();
    await alarmWithin30s(service, "DISK", ({ state }) => state === "returned-unacknowledged");
    expect(await service.stop()).toBe(0);
  },
);

/** A watchdog on this machine; how it answers is changed as it runs. */
async function watchdog(ends: Ends) {
  const calls: string[] = [];
  const ways: Record<"well" | "elsewhere" | "never", RequestListener> = {
    well: (_request, response) => void response.end("ok"),
    elsewhere: (_request, response) => void response.writeHead(302, { location: "/other" }).end(),
    never: () => undefined,
  };
  const dog = { calls, way: "well" as keyof typeof ways, url: "" };
  const server = createServer((request, response) => {
    calls.push(request.url ?? "");
    ways[dog.way](request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends(() => {
    server.closeAllConnections();
    server.close();
  });
  dog.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/not-for-logs`;
  return dog;
}

test.concurrent(
  "a watchdog that stops answering or redirects is an alarm; its address is nowhere",
  async ({ onTestFinished: ends }) => {
    const dog = await watchdog(ends);
    const home = newHome(ends);
    const file = join(home.folder, "alive");
    const service = await home.serve({
      MERCAPTAN_HEARTBEAT_URL: dog.url,
      MERCAPTAN_HEARTBEAT_FILE: file,
      MERCAPTAN_HEARTBEAT_EVERY_SECONDS: "5",
      MERCAPTAN_LOG_LEVEL: "info",
    });
    await expect.poll(() => dog.calls.length, { timeout: withinMs }).toBeGreaterThan(1);
    expect(Date.parse(readFileSync(file, "utf8").trim())).toBeGreaterThan(Date.now() - withinMs);
    expect(await alarmsOf(service)).toEqual([]);
    dog.way = "never";
    const alarm = await alarmWithin30s(service, "HEARTBEAT", () => true);
    expect(alarm).toMatchObject({ priority: 2, state: "unacknowledged" });
    expect(alarm.message.en).toContain("url: no answer");
    dog.way = "well";
    await alarmWithin30s(service, "HEARTBEAT", ({ state }) => state === "returned-unacknowledged");
    dog.way = "elsewhere";
    const again = await alarmWithin30s(
      service,
      "HEARTBEAT",
      ({ state }) => state === "unacknowledged",
    );
    expect(again.message.en).toContain("url: status 302");
    expect(dog.calls).not.toContain("/other");
    expect(await service.stop()).toBe(0);
    expect(service.program.stderr).toContain("self.trouble");
    expect(service.program.stderr + JSON.stringify(again)).not.toContain("not-for-logs");
  },
);
