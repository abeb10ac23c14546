/**
 * What is past rings nobody: thirty days replayed, a projection rebuilt, a backup restored, each on a real engine with
 * its real outbox, which tells a receiver over HTTP and people by short message. No notification, no command.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { makeBackup } from "#backup/makeBackup.ts";
import { restoreBackup } from "#backup/restoreBackup.ts";
import { dayMs, hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import type { Recipient } from "#domain/recipient.ts";
import type { BatchReport, EngineBatch } from "#engine/messages.ts";
import { aliyunSms } from "#notify/aliyunSms.ts";
import { localTimeIn } from "#notify/duty.ts";
import { notifyLimits } from "#notify/limits.ts";
import { Notifier } from "#notify/notifier.ts";
import { PeopleTeller } from "#notify/peopleTeller.ts";
import { openPoster } from "#notify/post.ts";
import type { Ask } from "#ports/requests.ts";
import { protocolByName } from "#protocols/registry.ts";
import { plainDisk } from "#readings/openReadings.ts";
import { billedTotals } from "../../src/billedTotals.ts";
import { systemRng } from "../../src/systemRng.ts";
import { hastyRules, reportedMonth } from "../permutation/histories.ts";
import { queriesOn } from "../support/apiRig.ts";
import { EngineUnderTest, envelopeOf, meterDraft, packed, startMs } from "../support/engine.ts";
import type { TestUplink } from "../support/engine.ts";
import { temporaryDirectory } from "../support/ledgerFiles.ts";
import { chanceOf } from "../support/random.ts";
import { startReceiver } from "../support/receiver.ts";

const days = 30;
const meterCount = 4;
const limits = { ...notifyLimits, firstWaitMs: 5, longestWaitMs: 50, unreportedMax: 1 };
type Receiver = Awaited<ReturnType<typeof startReceiver>>;

let receiver: Receiver;
let provider: Receiver;
let uplinks: readonly (TestUplink & { readonly receivedAtMs: number })[];
let lived: Watched;

/** An engine, and all who are told of what it says. */
interface Watched {
  readonly engine: EngineUnderTest;
  /** Orders that left for meters. */
  readonly downlinks: readonly unknown[];
  run(batch: Partial<EngineBatch>): Extract<BatchReport, { readonly kind: "committed" }>;
  /** Until nothing waits to be told. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

async function watched(engine: EngineUnderTest, asks: readonly Ask[]): Promise<Watched> {
  const queries = queriesOn(engine.directory);
  const told: { notifier?: Notifier; teller?: PeopleTeller } = {};
  const downlinks: unknown[] = [];
  const run = (batch: Partial<EngineBatch>) => {
    const report = engine.process(batch);
    if (report.kind !== "committed") throw new TypeError(report.message);
    for (const { result } of report.answers) expect(result).toMatchObject({ ok: true });
    told.notifier?.committed(report.events, report.directory);
    told.teller?.committed(report.directory);
    downlinks.push(...report.downlinks);
    return report;
  };
  run({ asks: asks.map((ask, askNo) => ({ askNo, envelope: envelopeOf(ask) })) });
  const world = {
    ...{ queries, rng: systemRng, limits, areaOf: () => null, source: "urn:test" },
    clock: { nowMs: () => timestampMs(engine.nowMs), monotonicMs: () => performance.now() },
    observer: { note: () => undefined },
    metrics: { delivery: () => undefined, sinkLag: () => undefined },
    pepper: new Uint8Array(32).fill(7),
  };
  const poster = openPoster(["127.0.0.1"]);
  const notifier = new Notifier(
    {
      ...world,
      queue: {
        webhookReport: (report) => void run({ notices: [{ kind: "webhook", report }] }),
      },
    },
    poster,
    await queries.webhooks(),
  );
  const templates = { alarm: "SMS_1", workOrder: "SMS_2" };
  const url = provider.url.replace("/told", "");
  const account = { url, accessKeyId: "id", secret: "s", signName: "gas", templates };
  const teller = new PeopleTeller(
    {
      ...world,
      queue: {
        notificationReport: (report) => void run({ notices: [{ kind: "notification", report }] }),
      },
      messengers: [aliyunSms(account, poster, () => String(provider.calls.length))],
      localTime: localTimeIn("Asia/Shanghai"),
    },
    (await queries.recipients(null, 1_000)).items,
  );
  Object.assign(told, { notifier, teller });
  notifier.start();
  teller.start();
  const one = (sql: string) => Number(engine.rows(sql)[0]?.["n"]);
  let isClosed = false;
  return {
    engine,
    downlinks,
    run,
    settled: () =>
      vi.waitFor(
        () => {
          notifier.tick();
          teller.poke();
          const newest = one(`SELECT max(seq) AS n FROM event`);
          expect(one("SELECT min(json_extract(json, '$.toldSeq')) AS n FROM webhook")).toBe(newest);
          expect(one("SELECT value AS n FROM setting WHERE name = 'notify.toldSeq'")).toBe(newest);
          expect(one("SELECT count(*) AS n FROM notification WHERE waiting = 1")).toBe(0);
        },
        { timeout: 20_000, interval: 10 },
      ),
    async close() {
      if (isClosed) return;
      isClosed = true;
      await Promise.all([notifier.stop(), teller.stop()]);
      queries.close();
      engine.close();
    },
  };
}

/** Meters, a receiver of all that is loud, and somebody on duty day and night. */
function beginnings(): readonly Ask[] {
  const meters = Array.from({ length: meterCount }, (_none, place): Ask => {
    const meter = meterDraft(`M${place}`, { area: `area ${place}`, reportEveryMs: 31 * dayMs });
    return { kind: "meter.register", meter };
  });
  const filter = { kinds: ["alarm.*", "command.*", "workOrder.*"], priorities: [], areas: [] };
  const person: Recipient = {
    ...{ id: "r1", kind: "operator", label: "on duty", phone: "+8613800000003", mail: null },
    ...{ language: "zh", meterId: null, hours: null, filter: { ...filter, kinds: [] } },
  };
  return [
    ...meters,
    { kind: "webhook.create", webhookId: "w1", label: "dispatch", url: receiver.url, filter },
    { kind: "recipient.put", recipient: person, isNew: true },
  ];
}

/** Calls of both kinds so far. */
function told(): readonly number[] {
  return [receiver.calls.length, provider.calls.length];
}

/** Until no call comes in any more: one that was under way when its caller stopped counts when it has arrived. */
async function quiet(): Promise<void> {
  for (let before = -1, now = NaN; before !== now;) {
    [before, now] = [now, told().reduce((sum, calls) => sum + calls)];
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function replay({ engine, ...watch }: Watched): Promise<void> {
  for (let from = 0; from < uplinks.length; from += 100) {
    const again = uplinks.slice(from, from + 100).map(({ meterNo, bytes }) => ({ meterNo, bytes }));
    watch.run({ uplinks: packed(again, engine.nowMs) });
    engine.nowMs += 1_000;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function kindIn(body: string): string {
  return (JSON.parse(body) as { data: { kind: string } }).data.kind;
}

function commandsOf(engine: EngineUnderTest): number {
  return Number(engine.rows("SELECT count(*) AS n FROM command")[0]?.["n"]);
}

beforeAll(async () => {
  [receiver, provider] = await Promise.all([
    startReceiver(),
    startReceiver(() => '{"Code":"OK","BizId":"b1"}'),
  ]);
  provider.state.usual = 200;
  uplinks = reportedMonth(chanceOf(31), meterCount, startMs, days);
  const engine = new EngineUnderTest();
  engine.restart(hastyRules);
  lived = await watched(engine, beginnings());
  for (const uplink of uplinks) {
    engine.nowMs = uplink.receivedAtMs;
    lived.run({ uplinks: packed([uplink], engine.nowMs) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  // What stands and nobody has answered is due to be told again: not for anything that is old.
  for (let minute = 0; minute < 10; minute += 1) {
    engine.nowMs += minuteMs;
    lived.run({});
  }
  await lived.settled();
}, 120_000);
afterAll(async () => {
  await lived.close();
  await Promise.all([receiver.close(), provider.close()]);
});

test("while it happened many were told and orders were made, or the rest would prove nothing", () => {
  const [posted = 0, texted = 0] = told();
  expect(posted).toBeGreaterThan(50);
  expect(texted).toBeGreaterThan(10);
  expect(commandsOf(lived.engine)).toBeGreaterThan(0);
});

test("thirty days replayed: nobody is told, nothing is ordered", async () => {
  const before = [...told(), commandsOf(lived.engine), lived.downlinks.length];
  await replay(lived);
  await lived.settled();
  expect([...told(), commandsOf(lived.engine), lived.downlinks.length]).toEqual(before);
});

test("the projection rebuilt from what was said: nobody is told, nothing is ordered", async () => {
  const engine = new EngineUnderTest();
  engine.restart(hastyRules);
  const rebuilt = await watched(engine, beginnings());
  try {
    const before = told();
    engine.nowMs = startMs + 40 * dayMs;
    await replay(rebuilt);
    await rebuilt.settled();
    expect(told()).toEqual(before);
    expect([commandsOf(engine), rebuilt.downlinks.length]).toEqual([0, 0]);
    const recorded = engine.rows("SELECT count(*) AS n FROM occurrence WHERE retracted_at IS NULL");
    expect(recorded[0]?.["n"]).toBeGreaterThan(30);
  } finally {
    await rebuilt.close();
  }
});

test("a backup restored in which much waited: nobody is told, nothing is ordered", async () => {
  const [folder, dataDir] = [join(temporaryDirectory(), "b"), join(temporaryDirectory(), "data")];
  // What happens now is not told before the backup is made.
  receiver.state.usual = 503;
  provider.state.usual = 503;
  lived.engine.nowMs += 6 * hourMs;
  const leak = new TextEncoder().encode(
    JSON.stringify({ v: 1, measuredAt: lived.engine.nowMs, status: ["leak"], valve: "open" }),
  );
  const news = [1, 2, 3].map((meterNo) => ({ meterNo, bytes: leak, reachable: false }));
  lived.run({ uplinks: packed(news, lived.engine.nowMs) });
  const { nowMs } = lived.engine;
  const common = {
    folder,
    seal: null,
    disk: plainDisk,
    billed: billedTotals,
    nowMs: () => nowMs,
    say: () => undefined,
  };
  await makeBackup({ ...common, dataDir: lived.engine.directory, keep: 10, determinants: 1_000 });
  restoreBackup({ ...common, wanted: undefined, dataDir, nowMs });
  await lived.close();
  await quiet();
  receiver.state.usual = 204;
  provider.state.usual = 200;
  const inherited = { directory: dataDir, nowMs: nowMs + minuteMs, idsUsed: 100_000 };
  const engine = new EngineUnderTest(protocolByName, inherited);
  const waiting = engine.rows("SELECT count(*) AS n FROM alarm WHERE returned_at IS NULL");
  expect(waiting[0]?.["n"]).toBeGreaterThan(2);
  engine.restart(hastyRules);
  const before = [...told(), commandsOf(engine)];
  const restored = await watched(engine, []);
  onTestFinished(() => restored.close());
  restored.run({});
  await replay(restored);
  await restored.settled();
  // Of the orders that had not left it is told that they are withdrawn; no person is called.
  const kinds = receiver.calls.slice(before[0]).map(({ body }) => kindIn(body));
  expect(new Set(kinds)).toEqual(new Set(["command.cancelled"]));
  expect([provider.calls.length, commandsOf(engine)]).toEqual(before.slice(1));
  expect(restored.downlinks).toEqual([]);
});
