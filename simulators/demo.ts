#!/usr/bin/env node
/** `npm run demo`: an engine, a district, and a leak that is noticed, shut and proved shut. */
import { rm } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { ApiAccess } from "./api.ts";
import { callApi, stringIn } from "./api.ts";
import type { TimeLapse } from "./clock.ts";
import { registerDistrict, runDistrict } from "./district.ts";
import { startEngine } from "./engineProcess.ts";
import type { RunningEngine } from "./engineProcess.ts";
import type { Fleet } from "./fleet.ts";
import { followLive } from "./liveFeed.ts";
import { Narrator } from "./narrator.ts";
import { planDistrict } from "./plan.ts";
import { castStory, storyMetersMin } from "./story.ts";
import type { Role } from "./story.ts";
import { noTruth } from "./truth.ts";

const storySecondsMax = 60;
/** The second half of the story is told to its end when there is time for it. */
const tellOnUntilSeconds = 45;
const lookEveryMs = 100;
const statusEveryMs = 30_000;
const progressEvery = 250;

const usage = `A simulated district with an engine of its own: a leak, an alarm, a closed valve, and the proof.

  npm run demo -- [options]

  --meters N    meters in the district (default 1000, at least ${storyMetersMin})
  --factor F    how many times faster than real time the district lives (default 120)
  --seed S      another district (default 2022)
  --once        end after the story: exit code 0 if a leak of each protocol was verified in ${storySecondsMax} s
  --keep        leave the engine's data where they are
  --help        this text
`;

interface DemoSettings {
  readonly meters: number;
  readonly factor: number;
  readonly seed: number;
  readonly once: boolean;
  readonly keep: boolean;
}

/** Null: wrong usage. */
function settingsOf(args: readonly string[]): DemoSettings | "help" | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      meters: { type: "string", default: "1000" },
      factor: { type: "string", default: "120" },
      seed: { type: "string", default: "2022" },
      once: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const [meters, factor, seed] = [values.meters, values.factor, values.seed].map(Number);
  const isWhole = (value: number | undefined, min: number): value is number =>
    value !== undefined && Number.isSafeInteger(value) && value >= min;
  if (!isWhole(meters, storyMetersMin) || !isWhole(factor, 1) || !isWhole(seed, 0)) return null;
  return { meters, factor, seed, once: values.once, keep: values.keep };
}

/** Registers, runs and tells; ends when the story is over or the process is asked to stop. */
class Demo {
  readonly #settings: DemoSettings;
  readonly #engine: RunningEngine;
  readonly #narrator: Narrator;
  readonly #lapse: TimeLapse;
  #fleet: Fleet | null = null;
  #unfollow: () => void = () => undefined;

  constructor(settings: DemoSettings, engine: RunningEngine, lapse: TimeLapse, narrator: Narrator) {
    this.#settings = settings;
    this.#engine = engine;
    this.#lapse = lapse;
    this.#narrator = narrator;
  }

  /** True: a leak of each protocol was verified in time. */
  async tell(signal: AbortSignal): Promise<boolean> {
    const { meters, seed } = this.#settings;
    const narrator = this.#narrator;
    const { plans, roles } = castStory(planDistrict({ meters, seed }));
    narrator.cast(roles);
    const registrations = await registerDistrict(this.#engine.api, plans, (done) => {
      if (done % progressEvery === 0) narrator.say(`${done} meters registered`);
    });
    if (signal.aborted) return false;
    const dispatcher = await this.#dispatcher();
    this.#unfollow = followLive(this.#engine.api, (event) => {
      narrator.happened(event);
      if (event.kind === "command.held" && event.meterId !== null) {
        void this.#decide(dispatcher, event.meterId);
      }
    });
    const fleet = runDistrict(plans, registrations, {
      broker: this.#engine.broker,
      lapse: this.#lapse,
      truth: noTruth,
      onNotice: (notice) => narrator.heard(notice),
    });
    this.#fleet = fleet;
    narrator.say(`${plans.length} meters live; a second here is ${this.#lapse.factor} s there`);
    this.#stage(fleet, roles);
    const leaks = roles.filter(({ name }) => name.startsWith("leak "));
    const areVerified = (): boolean => leaks.every((role) => narrator.isVerified(role));
    await this.#until(
      () =>
        narrator.elapsedSeconds >= (areVerified() ? tellOnUntilSeconds : storySecondsMax) ||
        (this.#settings.once && areVerified()),
      signal,
    );
    const isProved = areVerified() && narrator.elapsedSeconds <= storySecondsMax;
    this.#close(leaks, fleet, isProved);
    return isProved;
  }

  /** After the story the district lives on until it is stopped. */
  async liveOn(signal: AbortSignal): Promise<void> {
    const timer = setInterval(() => this.#status(), statusEveryMs);
    await this.#until(() => false, signal);
    clearInterval(timer);
  }

  stop(): void {
    this.#unfollow();
    this.#fleet?.stop();
  }

  #stage(fleet: Fleet, roles: readonly Role[]): void {
    const startMs = fleet.clock.nowMs();
    for (const role of roles) {
      const atMs = startMs + role.afterSeconds * 1_000 * this.#lapse.factor;
      fleet.at(atMs, () => this.#narrator.begin(role));
      fleet.stage(role.incidentAt(atMs));
    }
  }

  /** A key with which a person may close valves; the administrator's may not. */
  async #dispatcher(): Promise<ApiAccess> {
    const { api } = this.#engine;
    const body = { role: "dispatcher", label: "dispatcher of the demonstration" };
    const issued = await callApi(api, "POST", "/v1/keys", body);
    return { ...api, key: stringIn(issued, "key") ?? "" };
  }

  async #decide(dispatcher: ApiAccess, meterId: string): Promise<void> {
    this.#narrator.say(`${meterId}  the dispatcher orders this close by hand`);
    const body = { reason: "leak, held by the breaker", expiresInSeconds: 3_600 };
    await callApi(dispatcher, "POST", `/v1/meters/${meterId}/valve/close`, body).catch(
      (error: unknown) => this.#narrator.say(`${meterId}  ${String(error)}`),
    );
  }

  #close(leaks: readonly Role[], fleet: Fleet, isProved: boolean): void {
    const { api } = this.#engine;
    console.log(
      isProved
        ? "\nA leak of each protocol was noticed, its valve shut, and the shutting proved by zero flow:\n"
        : `\nNot every leak was verified within ${storySecondsMax} s:\n`,
    );
    this.#narrator.summarise(leaks);
    console.log(`
  ${fleet.acknowledged} uploads acknowledged, ${this.#narrator.count("alarm.raised")} alarms raised
  API      ${api.baseUrl}
  key      ${api.key}
  try      curl -s -H 'Authorization: Bearer ${api.key}' '${api.baseUrl}/v1/alarms'
`);
    if (!this.#settings.once) console.log("The district lives on; Ctrl-C stops everything.\n");
  }

  #status(): void {
    const fleet = this.#fleet;
    if (fleet === null) return;
    const { acknowledged, sessions, pending } = fleet;
    const there = new Date(fleet.clock.nowMs()).toISOString();
    this.#narrator.say(
      `${acknowledged} uploads acknowledged, ${pending} waiting, ${sessions} sessions; there it is ${there}`,
    );
  }

  /** Looks again and again until it is so, or until the stop. */
  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !isSo()) {
      await new Promise((resolve) => {
        setTimeout(resolve, lookEveryMs);
      });
    }
  }
}

async function main(args: readonly string[]): Promise<number> {
  const settings = settingsOf(args);
  if (settings === "help") {
    console.log(usage);
    return 0;
  }
  if (settings === null) {
    console.error(usage);
    return 2;
  }
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => stopping.abort());
  }
  const narrator = new Narrator((line) => console.log(line));
  const lapse: TimeLapse = { baseMs: Date.now(), factor: settings.factor };
  narrator.say("starting the engine");
  const engine = await startEngine(lapse);
  narrator.say(`engine ready: API ${engine.api.baseUrl}, MQTT port ${engine.broker.port}`);
  void engine.exited.then(() => stopping.abort());
  const demo = new Demo(settings, engine, lapse, narrator);
  let isProved = false;
  let hasStopped = false;
  try {
    isProved = await demo.tell(stopping.signal);
    if (!settings.once) await demo.liveOn(stopping.signal);
  } finally {
    demo.stop();
    hasStopped = await engine.stop();
    if (settings.keep) console.log(`data kept in ${engine.dataDir}`);
    else await rm(engine.dataDir, { recursive: true, force: true });
    narrator.say(hasStopped ? "stopped cleanly" : "the engine did not stop cleanly");
  }
  return hasStopped && (isProved || !settings.once) ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  const isUsage = error instanceof TypeError && "code" in error;
  process.exitCode = isUsage ? 2 : 1;
}
