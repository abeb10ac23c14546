/** The meters to which nothing happens: they report by their habit, daily ones with what they remember. */
import { emptyReading, type DecodedReading } from "#domain/telegram.ts";
import { dayMs, hourMs, secondMs, timestampMs, volumeMl } from "#domain/units.ts";
import { meterCodecs } from "#simulators/codec.ts";
import { seededRng, type SeededRng } from "#simulators/rng.ts";
import { litresAt } from "../bench/sleepyMeter.ts";
import type { TestUplink } from "../support/engine.ts";
import {
  addressOf,
  air,
  loopStartMs,
  plannedMeter,
  sleepHabits,
  slotMs,
  type LoopPlan,
  type PlannedMeter,
} from "./loopPlan.ts";

const hoursRemembered = 24;
const midnightsRemembered = 5;

export class QuietMeters {
  /** By the period's slots: who reports in each of them. */
  readonly #byPeriod = new Map<number, PlannedMeter[][]>();
  readonly #rng: SeededRng;
  /** What the radio did to their reports. */
  readonly seen = { lost: 0, twice: 0, withHistory: 0 };

  constructor({ meters, seed }: LoopPlan, others: ReadonlySet<number>) {
    this.#rng = seededRng(seed, 4);
    for (let no = 1; no <= meters; no += 1) {
      if (others.has(no)) continue;
      const meter = plannedMeter(seed, no);
      const { periodMs } = sleepHabits[meter.habit];
      const slots = this.#byPeriod.get(periodMs) ?? emptySlots(periodMs);
      this.#byPeriod.set(periodMs, slots);
      slots[Math.floor(meter.offsetMs / slotMs)]?.push(meter);
    }
  }

  /** What arrives of them in the slot; some are lost, and some come twice. */
  *slot(fromMs: number): Generator<TestUplink> {
    for (const [periodMs, slots] of this.#byPeriod) {
      const inPeriodMs = (fromMs - loopStartMs) % periodMs;
      for (const meter of slots[inPeriodMs / slotMs] ?? []) {
        if (this.#rng.chance(air.lostShare)) {
          this.seen.lost += 1;
          continue;
        }
        const uplink = this.#uplink(meter, fromMs + (meter.offsetMs % slotMs));
        yield uplink;
        if (!this.#rng.chance(air.twiceShare)) continue;
        this.seen.twice += 1;
        yield uplink;
      }
    }
  }

  #uplink({ no, protocol, habit }: PlannedMeter, atMs: number): TestUplink {
    const canRemember = habit.startsWith("daily") && protocol !== "cjt188";
    const remembers = canRemember && this.#rng.chance(air.backFillShare);
    if (remembers) this.seen.withHistory += 1;
    const readings = [present(atMs), ...(remembers ? remembered(atMs) : [])];
    const address = protocol === "cjt188" ? addressOf(no) : null;
    const telegram = { address, frameId: null, readings, replies: [] };
    const bytes = meterCodecs[protocol].encodeUplink(telegram);
    return { meterNo: no, bytes, protocol, receivedAtMs: atMs + secondMs };
  }
}

function emptySlots(periodMs: number): PlannedMeter[][] {
  return Array.from({ length: periodMs / slotMs }, () => []);
}

function present(atMs: number): DecodedReading {
  return { ...stamped(atMs), batteryMv: 3_600, valve: "open", status: 0 };
}

function stamped(atMs: number): DecodedReading {
  const litres = litresAt(atMs);
  const volume = { ml: volumeMl(litres * 1_000), count: litres, exponent: -3 };
  return { ...emptyReading, measuredAtMs: timestampMs(atMs), volume };
}

function remembered(atMs: number): readonly DecodedReading[] {
  const midnightMs = Math.floor(atMs / dayMs) * dayMs;
  const hours = Array.from({ length: hoursRemembered }, (_, hour) =>
    stamped(midnightMs - dayMs + hour * hourMs),
  );
  const midnights = Array.from({ length: midnightsRemembered }, (_, day) =>
    stamped(midnightMs - day * dayMs),
  );
  return [...hours, ...midnights];
}
