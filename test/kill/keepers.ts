/** All meters of one run together: their load, and what the service owes them. */
import { performance } from "node:perf_hooks";
import type { SimulatedProtocol } from "#simulators/codec.ts";
import { registerMeters, type Credential } from "../bench/service.ts";
import { KeeperMeter, type MeterEvents } from "./keeperMeter.ts";
import type { Victim } from "./victim.ts";

const everyMs = 5;
/** More than this at once would be a flood after a pause, not a load. */
const burstMax = 200;

/** Of ten meters seven speak JSON, two protobuf, one CJ/T 188 (one report a second at most). */
function protocolOf(no: number): SimulatedProtocol {
  const turn = no % 10;
  if (turn < 7) return "json";
  return turn < 9 ? "protobuf" : "cjt188";
}

/** What is not the same in every test. */
export interface KeeperSettings {
  readonly prefix?: string;
  readonly area?: string;
  readonly reportEverySeconds?: number;
  readonly clock?: { nowMs(): number };
}

/** Registers the meters with the service that runs now. */
export async function registerKeepers(
  victim: Victim,
  count: number,
  events: MeterEvents,
  settings: KeeperSettings = {},
): Promise<readonly KeeperMeter[]> {
  const { prefix = "K", area = "kill", clock, ...registry } = settings;
  const numbers = new Map(Array.from({ length: count }, (_, no) => [`${prefix}${no}`, no]));
  const meters: KeeperMeter[] = [];
  for (const protocol of ["json", "protobuf", "cjt188"] as const) {
    const ids = [...numbers].flatMap(([id, no]) => (protocolOf(no) === protocol ? [id] : []));
    const credentials = await registerMeters(victim, ids, {
      ...registry,
      protocol,
      area,
      profile: protocol === "cjt188" ? "simulated-cjt188" : null,
    });
    meters.push(...credentials.map((one) => keeper(one, protocol, numbers.get(one.id) ?? 0)));
  }
  return meters;

  function keeper(credential: Credential, protocol: SimulatedProtocol, no: number): KeeperMeter {
    return new KeeperMeter(credential, protocol, no + 1, events, clock);
  }
}

/** Meters in turn, so many reports a second together; nothing is made up for while nobody can report. */
export class Load {
  rate: number;
  readonly #meters: readonly KeeperMeter[];
  readonly #timer: NodeJS.Timeout;
  #owed = 0;
  #turn = 0;
  #lastMs = performance.now();

  constructor(meters: readonly KeeperMeter[], rate: number) {
    this.rate = rate;
    this.#meters = meters;
    this.#timer = setInterval(() => this.#tick(), everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#owed = Math.min(burstMax, this.#owed + ((nowMs - this.#lastMs) * this.rate) / 1_000);
    this.#lastMs = nowMs;
    for (let asked = 0; this.#owed >= 1 && asked < this.#meters.length; asked += 1) {
      this.#turn = (this.#turn + 1) % this.#meters.length;
      if (this.#meters[this.#turn]?.report() === true) this.#owed -= 1;
    }
  }
}
