/**
 * A network fails with thousands of meters in it, and some of them come through with a leak: how often the operator is
 * rung, and how soon the leaks are on top of the list. Real sockets and a real console; the service's clock runs fast,
 * for silence takes hours.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { dayMs, secondMs } from "#domain/units.ts";
import { SimClock } from "#simulators/clock.ts";
import { AlarmBoard, msUntil, type BoardAlarm } from "./alarmBoard.ts";
import { openMeters } from "./leakLatency.ts";
import { settled, startLoad } from "./load.ts";
import type { RawMeter } from "./rawMeter.ts";
import type { Report } from "./report.ts";
import { callApi, withService, type Service } from "./service.ts";
import { storedRows } from "./storedRows.ts";

export interface OutageOptions {
  readonly meters: number;
  readonly leaks: number;
  /** How long the network is out; after three days each silence would be an alarm of its own. */
  readonly days: number;
  /** How many times faster than real time the service's clock runs. */
  readonly factor: number;
}

/** What is promised: so few alarms for the outage, and each leak on top so soon. */
const alarmsMax = 5;
const onTopWithinMs = 1_000;
/** So often the engine looks at who is silent; leaks so far apart come while meters are being hidden. */
const lookEveryMs = 1_000;
/** Another network with a tenth of the meters goes on. */
const otherShare = 0.1;
const reportEveryMs = dayMs / 4;
/** Far beyond what is promised: what is late is measured. */
const seeWithinMs = 10_000;
const hideWithinMs = 30_000;

/** One line. */
export async function runOutage(options: OutageOptions): Promise<readonly Report[]> {
  const clock = new SimClock({ baseMs: Date.now(), factor: options.factor });
  return withService(async (service) => [await measure(service, clock, options)], {
    MERCAPTAN_CLOCK_FACTOR: String(options.factor),
    MERCAPTAN_CLOCK_BASE_MS: String(clock.lapse.baseMs),
  });
}

async function measure(service: Service, clock: SimClock, options: OutageOptions) {
  const { meters: size, leaks, days, factor } = options;
  const network = await openIn(service, clock, "north", size);
  const other = await openIn(service, clock, "south", Math.ceil(size * otherShare));
  const board = await AlarmBoard.open(service);
  const stopOther = reportOften(other, factor);
  for (const meter of network.meters) meter.send();
  await settled(network.counts);
  say(`${network.counts.acknowledged} meters have reported`);

  const failedAtMs = clock.nowMs();
  for (const meter of network.meters) meter.close();
  const outageAfterMs = await msUntil(() => outageOf(board) !== undefined, hideWithinMs);
  const seen: Seen[] = [];
  for (const meter of network.meters.slice(0, leaks)) {
    seen.push(await leak(service, board, meter, seen));
    await pause(lookEveryMs);
  }
  const hidden = await hideAll(service, board, size - leaks);
  say(`${hidden} silent meters are hidden, for ${days} days`);
  await clock.sleepUntil(failedAtMs + days * dayMs);

  for (const meter of network.meters) await meter.open(service.mqttPort);
  const stopNetwork = reportOften(network, factor);
  const isOver = () => outageOf(board)?.state === "returned-unacknowledged";
  const overAfterMs = await msUntil(isOver, seeWithinMs);
  // What the group does not hold would ring now.
  await pause(lookEveryMs);
  stopOther();
  stopNetwork();
  for (const { meters, counts } of [network, other]) {
    await settled(counts);
    for (const meter of meters) meter.close();
  }
  board.close();
  const exitCode = await service.stop();
  const acknowledged = network.counts.acknowledged + other.counts.acknowledged;
  const lost = Math.max(0, acknowledged - storedRows(service.dataDir).uplinks);
  const isWhole = hidden >= size - leaks && overAfterMs !== null && lost === 0;
  return {
    ...{ scenario: "outage", ...options },
    ...judge(board, seen, isWhole),
    ...{ outageAfterMs, hidden, lost, exitCode },
  };
}

type Network = Awaited<ReturnType<typeof openIn>>;

async function openIn(service: Service, clock: SimClock, area: string, size: number) {
  // These meters count on without a pause, for days: in a house that would be an alarm.
  const shared = { area, siteClass: "industry", reportEverySeconds: reportEveryMs / secondMs };
  return openMeters(service, `${area}-`, size, null, () => clock.nowMs(), shared);
}

/** Twice as often as they must, until it is stopped. */
function reportOften({ meters }: Network, factor: number): () => void {
  const rate = (2 * meters.length * secondMs * factor) / reportEveryMs;
  return startLoad(meters, { inFlight: 1, rate });
}

function outageOf(board: AlarmBoard): BoardAlarm | undefined {
  return board.shown().find(({ rule }) => rule === "OUTAGE");
}

/** From its uplink until it and the leaks before it, and nothing else, are on top; null: it never came. */
interface Seen {
  readonly meterId: string;
  readonly onFeedMs: number | null;
  readonly inListMs: number | null;
}

async function leak(
  service: Service,
  board: AlarmBoard,
  meter: RawMeter,
  before: readonly Seen[],
): Promise<Seen> {
  await meter.open(service.mqttPort);
  const meterIds = new Set([meter.id, ...before.map(({ meterId }) => meterId)]);
  const areOnTop = (alarms: readonly BoardAlarm[]) => {
    const top = alarms.slice(0, meterIds.size);
    const leaking = new Set(top.filter(({ rule }) => rule === "R1").map(({ meterId }) => meterId));
    return meterIds.symmetricDifference(leaking).size === 0;
  };
  const sentAtMs = performance.now();
  meter.send(true);
  const [onFeedMs, inListMs] = await Promise.all([
    msUntil(() => areOnTop(board.shown()), seeWithinMs, sentAtMs),
    msUntil(async () => areOnTop(await page(service, "")), seeWithinMs, sentAtMs),
  ]);
  return { meterId: meter.id, onFeedMs, inListMs };
}

/** The list as the API orders it. */
async function page(service: Service, query: string): Promise<readonly BoardAlarm[]> {
  const { items } = (await callApi(service, "GET", `/v1/alarms?${query}`)) as {
    readonly items: readonly BoardAlarm[];
  };
  return items;
}

/** How many alarms stand under the outage, once it is as many as expected or no more come. */
async function hideAll(service: Service, board: AlarmBoard, expected: number): Promise<number> {
  const id = outageOf(board)?.id;
  if (id === undefined) return 0;
  const isAll = async () => (await countUnder(service, id)) >= expected;
  await msUntil(isAll, hideWithinMs);
  return countUnder(service, id);
}

async function countUnder(service: Service, parentId: string): Promise<number> {
  let count = 0;
  for (let cursor = ""; ;) {
    const query = `parentId=${parentId}&state=suppressed&limit=1000${cursor}`;
    const { items, next } = (await callApi(service, "GET", `/v1/alarms?${query}`)) as {
      readonly items: readonly unknown[];
      readonly next: string | null;
    };
    count += items.length;
    if (next === null) return count;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

/** Whatever rang counts against the outage, but for what a leak brings with it. */
function judge({ rang }: AlarmBoard, seen: readonly Seen[], isWhole: boolean) {
  const isOfLeak = ({ rule, meterId }: BoardAlarm) =>
    rule !== "R12" && seen.some((one) => one.meterId === meterId);
  const others = rang.filter((alarm) => !isOfLeak(alarm));
  const alarms: Record<string, number> = {};
  for (const { rule } of others) alarms[rule] = (alarms[rule] ?? 0) + 1;
  const slowest = (of: (one: Seen) => number | null) =>
    Math.max(0, ...seen.map((one) => of(one) ?? Infinity));
  const onFeedMs = slowest((one) => one.onFeedMs);
  const inListMs = slowest((one) => one.inListMs);
  const isMet =
    isWhole &&
    others.length >= 1 &&
    others.length <= alarmsMax &&
    Math.max(onFeedMs, inListMs) <= onTopWithinMs;
  return {
    ...{ operatorAlarms: others.length, alarms, leaksOnTopMs: { onFeedMs, inListMs } },
    ...{ alarmsMax, onTopWithinMs, met: isMet ? "must" : "none" },
  };
}

function say(text: string): void {
  process.stderr.write(`outage: ${text}\n`);
}
