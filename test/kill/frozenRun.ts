/**
 * Meters and followers that stop reading, under load: what everybody else gets before and meanwhile, what it costs in
 * memory, and whether a follower that comes back has missed or repeats anything.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { LeakProbe } from "../bench/leakProbe.ts";
import { startLoad } from "../bench/load.ts";
import { cpuBetween, memoryMb, threadCpu, type CpuShares } from "../bench/processStats.ts";
import { quantilesMs, round, type Quantiles } from "../bench/quantiles.ts";
import { emptyCounts, RawMeter } from "../bench/rawMeter.ts";
import { callApi, registerMeters } from "../bench/service.ts";
import { readMetric } from "./exposition.ts";
import { followEvents, followSocket, FrozenMeter, type Follow } from "./frozenParties.ts";
import { KeeperMeter } from "./keeperMeter.ts";
import { closeValve, OrderProbe } from "./orderProbe.ts";
import { freePorts } from "./ports.ts";
import { Victim } from "./victim.ts";

export interface FrozenOptions {
  readonly meters: number;
  /** Uplinks a second of all of them. */
  readonly rate: number;
  /** How long the clients stay frozen, at least. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** What everybody else gets. */
export interface Window {
  readonly seconds: number;
  readonly uplinksPerSecond: number;
  readonly pubackMs: Quantiles;
  readonly leakToLiveMs: Quantiles & { readonly missed: number };
  readonly orderToMeterMs: Quantiles & { readonly missed: number };
  readonly eventsPerSecond: number;
  /** Of one core each. */
  readonly cpu: CpuShares;
  readonly rssMb: number;
}

/** A follower that froze, was cut and came back. */
export interface Resumed {
  /** Events that it was given before it was cut, and after it came back. */
  readonly before: number;
  readonly after: number;
  readonly missed: number;
  readonly repeated: number;
}

export interface FrozenReport {
  readonly before: Window;
  readonly meanwhile: Window;
  readonly rssPeakMb: number;
  readonly cutFollowers: number;
  /** Milliseconds until the meter that neither reads nor speaks, and the one that only speaks, were cut. */
  readonly cutSilentMeterMs: number | null;
  readonly cutChattyMeterMs: number | null;
  /** What became of the order to the meter that does not read. */
  readonly frozenOrder: string;
  readonly resumed: { readonly socket: Resumed; readonly events: Resumed };
  readonly exitCode: number | null;
}

interface Cuts {
  silentMs: number | null;
  chattyMs: number | null;
}

const beforeSeconds = 5;
const warmUpSeconds = 2;
const orderEveryMs = 250;
/** Each turn makes an event at least: a leak that comes, or one that goes. */
const stormEveryMs = 10;
const stormAtOnce = 12;
const stormMeters = 120;
/** A dead link is noticed after one and a half of it. */
const keepAliveSeconds = 5;
/** Long: this one is to be cut because it does not read, not because it is silent. */
const chattyKeepAliveSeconds = 300;
const lookMs = 200;
const followersFrozen = 2;
const cutWithinMs = 30_000;
const catchUpWithinMs = 30_000;

/** Starts a service of its own and removes it. */
export async function runFrozen(options: FrozenOptions): Promise<FrozenReport> {
  const [http = 0, mqtt = 0] = await freePorts(2, Math.random);
  const victim = new Victim({ http, mqtt }, ["src/main.ts", "serve", "--json"]);
  const endings: (() => void)[] = [];
  try {
    await victim.start();
    return await new FrozenRun(options, victim, endings).whole();
  } finally {
    for (const end of endings) end();
    await victim.kill();
    victim.remove();
  }
}

class FrozenRun {
  readonly #options: FrozenOptions;
  readonly #victim: Victim;
  readonly #endings: (() => void)[];
  readonly #counts = emptyCounts();
  #operatorKey = "";

  constructor(options: FrozenOptions, victim: Victim, endings: (() => void)[]) {
    this.#options = options;
    this.#victim = victim;
    this.#endings = endings;
  }

  async whole(): Promise<FrozenReport> {
    const { seconds, say } = this.#options;
    const body = { role: "operator", label: "frozen test" };
    const made = await callApi(this.#victim, "POST", "/v1/keys", body);
    this.#operatorKey = (made as { readonly key: string }).key;
    const ordersMax = Math.ceil(((seconds + beforeSeconds) * 1_000) / orderEveryMs);
    const orders = await this.#employMeters(ordersMax);
    await this.#startLoads();
    const probe = new LeakProbe(this.#victim, await this.#register("P", 20));
    await probe.open();
    this.#endings.push(() => probe.close());
    await delay(warmUpSeconds * 1_000);
    const before = await this.#window(probe, orders, beforeSeconds);
    say(`before: ${JSON.stringify(before)}`);

    const [silent, chatty] = (await this.#register("F", 2)).map((one) => new FrozenMeter(one));
    if (silent === undefined || chatty === undefined) throw new TypeError("two meters, not fewer");
    const socket = await this.#freeze(followSocket);
    const events = await this.#freeze(followEvents);
    await silent.freeze(this.#victim.mqttPort, keepAliveSeconds);
    await chatty.freeze(this.#victim.mqttPort, chattyKeepAliveSeconds);
    this.#endings.push(
      () => silent.close(),
      () => chatty.close(),
    );
    const frozenOrder = await closeValve(this.#operator, silent.id);
    chatty.chatter();
    const cuts = this.#watchCuts();
    const meanwhile = await this.#window(probe, orders, seconds);
    say(`meanwhile: ${JSON.stringify(meanwhile)}`);
    const cutFollowers = await this.#cutFollowers();
    const { silentMs, chattyMs } = await cuts.end();
    const resumed = { socket: await socket.resume(), events: await events.resume() };
    const order = await callApi(this.#operator, "GET", `/v1/commands/${frozenOrder}`);
    const rssPeakMb = memoryMb(this.#victim.pid).peak;
    for (const end of this.#endings.splice(0)) end();
    return {
      before,
      meanwhile,
      rssPeakMb,
      cutFollowers,
      cutSilentMeterMs: silentMs,
      cutChattyMeterMs: chattyMs,
      frozenOrder: (order as { readonly state: string }).state,
      resumed,
      exitCode: await this.#victim.stop(),
    };
  }

  get #operator(): { readonly api: string; readonly key: string } {
    return { api: this.#victim.api, key: this.#operatorKey };
  }

  #register(prefix: string, count: number) {
    const ids = Array.from({ length: count }, (_, no) => `${prefix}${no}`);
    return registerMeters(this.#victim, ids);
  }

  async #employMeters(count: number): Promise<OrderProbe> {
    const orders = new OrderProbe(this.#victim, this.#operatorKey);
    const events = {
      ordered: ({ id }: KeeperMeter) => orders.arrived(id),
      acknowledged: () => undefined,
    };
    const credentials = await this.#register("V", count);
    const meters = credentials.map((one, no) => new KeeperMeter(one, "json", no, events));
    for (const meter of meters) meter.rise(this.#victim.mqttPort);
    this.#endings.push(() => {
      for (const meter of meters) meter.rest();
    });
    while (!meters.every(({ isOnline }) => isOnline)) await delay(20);
    orders.add(meters);
    return orders;
  }

  /** The steady uplinks, and the storm of leaks that come and go: what the followers hear. */
  async #startLoads(): Promise<void> {
    const { meters: count, rate } = this.#options;
    const meters = (await this.#register("B", count)).map((one) => new RawMeter(one, this.#counts));
    const storm = (await this.#register("S", stormMeters)).map(
      (one) => new RawMeter(one, emptyCounts()),
    );
    for (const meter of [...meters, ...storm]) await meter.open(this.#victim.mqttPort);
    let turn = 0;
    const timer = setInterval(() => {
      for (let no = 0; no < stormAtOnce; no += 1, turn += 1) {
        storm[turn % stormMeters]?.send(Math.floor(turn / stormMeters) % 2 === 0);
      }
    }, stormEveryMs);
    const stop = startLoad(meters, { inFlight: 1, rate });
    this.#endings.push(() => {
      clearInterval(timer);
      stop();
      for (const meter of [...meters, ...storm]) meter.close();
    });
  }

  async #window(probe: LeakProbe, orders: OrderProbe, seconds: number): Promise<Window> {
    const acknowledged = this.#counts.acknowledged;
    const latencies = this.#counts.latencyMs.length;
    const eventsBefore = this.#lastSeq();
    const cpuBefore = threadCpu(this.#victim.pid);
    const startedMs = performance.now();
    probe.start();
    const ordersDone = orders.run(startedMs + seconds * 1_000, orderEveryMs);
    await delay(seconds * 1_000);
    const lasted = (performance.now() - startedMs) / 1_000;
    const perSecond = (this.#counts.acknowledged - acknowledged) / lasted;
    const pubackMs = quantilesMs(this.#counts.latencyMs.slice(latencies));
    const events = this.#lastSeq() - eventsBefore;
    const used = cpuBetween(this.#victim.pid, cpuBefore, threadCpu(this.#victim.pid));
    const share = (cpuSeconds: number) => round(cpuSeconds / lasted);
    return {
      seconds: round(lasted),
      uplinksPerSecond: Math.round(perSecond),
      pubackMs,
      leakToLiveMs: await probe.stop(),
      orderToMeterMs: await ordersDone,
      eventsPerSecond: Math.round(events / lasted),
      cpu: { main: share(used.main), engine: share(used.engine), others: share(used.others) },
      rssMb: memoryMb(this.#victim.pid).rss,
    };
  }

  #lastSeq(): number {
    const db = new DatabaseSync(join(this.#victim.dataDir, "ledger.sqlite"), { readOnly: true });
    const row = db.prepare("SELECT max(seq) AS last FROM event").get();
    db.close();
    return Number(row?.["last"] ?? 0);
  }

  /** The load goes on: the kernel takes megabytes before the service feels that nobody reads. */
  async #cutFollowers(): Promise<number> {
    const untilMs = performance.now() + cutWithinMs;
    for (;;) {
      const labels = { event: "live.slowClientCut" };
      const cut = await readMetric(this.#victim.api, "mercaptan_events_total", labels);
      if (cut >= followersFrozen || performance.now() > untilMs) return cut;
      await delay(lookMs);
    }
  }

  /** Follows the feed a little, then stops reading; `resume` comes back behind what it had. */
  async #freeze(follow: Follow): Promise<{ resume(): Promise<Resumed> }> {
    const follower = await follow(this.#victim, null);
    this.#endings.push(() => follower.close());
    while (follower.seqs.length < 10) await delay(lookMs);
    follower.freeze();
    return {
      resume: async () => {
        await follower.thaw();
        const first = follower.seqs.at(0) ?? 0;
        const before = follower.seqs.length;
        const again = await follow(this.#victim, follower.seqs.at(-1) ?? 0);
        this.#endings.push(() => again.close());
        const newest = this.#lastSeq();
        const untilMs = performance.now() + catchUpWithinMs;
        while ((again.seqs.at(-1) ?? 0) < newest && performance.now() < untilMs) await delay(20);
        const all = [...follower.seqs, ...again.seqs];
        const known = new Set(all);
        let missed = 0;
        for (let seq = first; seq <= newest; seq += 1) missed += known.has(seq) ? 0 : 1;
        const after = again.seqs.length;
        return { before, after, missed, repeated: all.length - known.size };
      },
    };
  }

  /** Two sessions are cut, for two reasons; nobody else's is. */
  #watchCuts(): { end(): Promise<Cuts> } {
    const startedMs = performance.now();
    const found: Cuts = { silentMs: null, chattyMs: null };
    const count = (reason: string) =>
      readMetric(this.#victim.api, "mercaptan_events_total", { event: "mqtt.cut", reason });
    let isWatching = true;
    const watching = this.#watch(async () => {
      const sinceMs = Math.round(performance.now() - startedMs);
      if (found.silentMs === null && (await count("KEEP_ALIVE")) > 0) found.silentMs = sinceMs;
      const talkative = (await count("NOT_READING")) + (await count("FLOOD"));
      if (found.chattyMs === null && talkative > 0) found.chattyMs = sinceMs;
      return isWatching;
    });
    return {
      end: async () => {
        isWatching = false;
        await watching;
        return found;
      },
    };
  }

  async #watch(look: () => Promise<boolean>): Promise<void> {
    while (await look()) await delay(lookMs);
  }
}
