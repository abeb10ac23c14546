/** Orders to close, one after the other, each for another meter that listens, and how long each is on its way. */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { callApi } from "../bench/service.ts";
import { quantilesMs, type Quantiles } from "../bench/quantiles.ts";
import type { KeeperMeter } from "./keeperMeter.ts";
import type { Victim } from "./victim.ts";

const arrivesWithinMs = 10_000;

export class OrderProbe {
  readonly #caller: { readonly api: string; readonly key: string };
  readonly #idle: KeeperMeter[];
  readonly #arrivedAtMs = new Map<string, number>();

  constructor(victim: Victim, operatorKey: string) {
    this.#caller = { api: victim.api, key: operatorKey };
    this.#idle = [];
  }

  /** Meters whose valve nobody has ordered to close yet. */
  add(meters: readonly KeeperMeter[]): void {
    this.#idle.push(...meters);
  }

  /** Told by a meter that an order has come. */
  arrived(meterId: string): void {
    this.#arrivedAtMs.set(meterId, performance.now());
  }

  /** Orders until the time is over; from the request to the meter. `missed` must be 0. */
  async run(untilMs: number, everyMs: number): Promise<Quantiles & { readonly missed: number }> {
    const askedAtMs = new Map<string, number>();
    while (performance.now() < untilMs) {
      const meter = this.#idle.pop();
      if (meter === undefined) break;
      askedAtMs.set(meter.id, performance.now());
      await closeValve(this.#caller, meter.id);
      await delay(everyMs);
    }
    const lastMs = performance.now() + arrivesWithinMs;
    const missing = () => [...askedAtMs.keys()].filter((id) => !this.#arrivedAtMs.has(id)).length;
    while (missing() > 0 && performance.now() < lastMs) await delay(20);
    const latencies = [...askedAtMs].flatMap(([id, askedMs]) => {
      const arrivedMs = this.#arrivedAtMs.get(id);
      return arrivedMs === undefined ? [] : [arrivedMs - askedMs];
    });
    return { ...quantilesMs(latencies), missed: missing() };
  }
}

/** One order; gives its id. */
export async function closeValve(
  caller: { readonly api: string; readonly key: string },
  meterId: string,
): Promise<string> {
  const body = { reason: "frozen test", expiresInSeconds: 3_600 };
  const made = await callApi(caller, "POST", `/v1/meters/${meterId}/valve/close`, body);
  return (made as { readonly id: string }).id;
}
