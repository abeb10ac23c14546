/**
 * From a leak to the proof that gas has stopped, in a whole city and faster than time: the engine with its real ledger,
 * meters that sleep, and a radio that loses, delays and repeats. The head-end itself takes no time here.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { dayMs, timestampMs } from "#domain/units.ts";
import { startEngine, type Engine } from "#engine/engine.ts";
import type { EngineBatch, Notice } from "#engine/messages.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { ledgerFileName, openLedger } from "#ledger/openLedger.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import { countingRng, meterDraft, packed, type TestUplink } from "../support/engine.ts";
import { testFiles } from "../support/vault.ts";
import { Agenda } from "./agenda.ts";
import { LeakingMeter } from "./leakingMeter.ts";
import type { HeadEnd } from "./leakingMeter.ts";
import {
  addressOf,
  loopStartMs,
  metersPerArea,
  planLeaks,
  plannedMeter,
  sleepHabits,
  slotMs,
  type LoopPlan,
  type PlannedMeter,
} from "./loopPlan.ts";
import { QuietMeters } from "./quietMeters.ts";

/** One leak, in seconds since it began; null: it never came to that. */
export interface LoopLine {
  readonly protocol: PlannedMeter["protocol"];
  readonly habit: PlannedMeter["habit"];
  readonly toldAfter: number | null;
  readonly orderedAfter: number | null;
  readonly shutAfter: number | null;
  readonly verifiedAfter: number | null;
  /** Of its last command, with the detail where there is one. */
  readonly ended: string;
  readonly hadOutage: boolean;
}

export interface LoopOutcome {
  readonly lines: readonly LoopLine[];
  readonly uplinks: number;
  /** Of the whole ledger, without those that were refused: more than leaks would be closes that nobody wanted. */
  readonly closes: number;
  /** Of the reports of meters that do not leak. */
  readonly radio: QuietMeters["seen"];
}

const mib = 2 ** 20;
const registerBatch = 500;
const uplinksPerBatch = 2_048;

/** Lives through the whole plan; the ledger stays in the directory. */
export function runLoop(
  plan: LoopPlan,
  directory: string,
  say: (line: string) => void,
): LoopOutcome {
  const ledger = openLedger(directory);
  const agenda = new Agenda(loopStartMs);
  const engine = startEngine({
    ledger,
    clock: { nowMs: () => timestampMs(agenda.nowMs), monotonicMs: () => agenda.nowMs },
    rng: countingRng(),
    protocols: protocolByName,
    carriers: carrierByName,
    files: testFiles,
    isStoreFailure: (error) => error instanceof LedgerError,
  });
  const city = new LoopCity(plan, engine, agenda);
  city.register(say);
  city.live(say);
  ledger.close();
  return city.outcome(directory);
}

class LoopCity implements HeadEnd {
  readonly #plan: LoopPlan;
  readonly #engine: Engine;
  readonly #agenda: Agenda;
  readonly #leaking = new Map<number, LeakingMeter>();
  readonly #outages = new Set<number>();
  readonly #quiet: QuietMeters;
  #uplinks = 0;

  constructor(plan: LoopPlan, engine: Engine, agenda: Agenda) {
    this.#plan = plan;
    this.#engine = engine;
    this.#agenda = agenda;
    for (const leak of planLeaks(plan)) {
      const meter = new LeakingMeter(leak, plan.seed, agenda, this);
      this.#leaking.set(leak.meter.no, meter);
      if (leak.outage !== null) this.#outages.add(leak.meter.no);
    }
    this.#quiet = new QuietMeters(plan, new Set(this.#leaking.keys()));
  }

  register(say: (line: string) => void): void {
    const { meters, seed } = this.#plan;
    for (let from = 1; from <= meters; from += registerBatch) {
      const count = Math.min(registerBatch, meters - from + 1);
      const asks = Array.from({ length: count }, (_, place) => {
        const meter = registryEntry(plannedMeter(seed, from + place));
        const ask = { kind: "meter.register", meter } as const;
        const actor = { label: "city", role: "admin" } as const;
        return { askNo: place, envelope: { actor, ask, idempotency: null, source: "city" } };
      });
      this.#process({ asks });
    }
    say(`${meters} meters are registered`);
  }

  live(say: (line: string) => void): void {
    const endMs = loopStartMs + this.#plan.days * dayMs;
    for (let fromMs = loopStartMs; fromMs < endMs; fromMs += slotMs) {
      this.#agenda.runUntil(fromMs + slotMs);
      let batch: TestUplink[] = [];
      for (const uplink of this.#quiet.slot(fromMs)) {
        batch.push(uplink);
        if (batch.length >= uplinksPerBatch) this.#take(batch.splice(0));
      }
      this.#take(batch);
      batch = [];
      if ((fromMs + slotMs - loopStartMs) % dayMs === 0) {
        const day = (fromMs + slotMs - loopStartMs) / dayMs;
        const { heapUsed, rss } = process.memoryUsage();
        const memory = `heap ${Math.round(heapUsed / mib)} MiB, all ${Math.round(rss / mib)} MiB`;
        say(`day ${day} of ${this.#plan.days}: ${this.#uplinks} uplinks, ${memory}`);
      }
    }
  }

  uplink({ no, protocol }: PlannedMeter, bytes: Uint8Array, reachable: boolean): void {
    this.#take([{ meterNo: no, bytes, protocol, reachable }]);
  }

  notice(notice: Notice): void {
    this.#process({ notices: [notice] });
  }

  outcome(directory: string): LoopOutcome {
    const db = new DatabaseSync(join(directory, ledgerFileName), { readOnly: true });
    const last = db.prepare(
      `SELECT state, detail, (SELECT min(at) FROM command_transition
         WHERE command_id = command.id AND state = 'verified') AS verifiedAtMs
       FROM command WHERE meter_no = ? AND action = 'close' ORDER BY id DESC LIMIT 1`,
    );
    const lines = [...this.#leaking.values()].map((leaking): LoopLine => {
      const { meter, times } = leaking;
      const row = last.get(meter.no);
      const after = (atMs: unknown) =>
        typeof atMs === "number" ? Math.round((atMs - times.leakAtMs) / 100) / 10 : null;
      const words = [row?.["state"] ?? "none", row?.["detail"] ?? ""];
      return {
        protocol: meter.protocol,
        habit: meter.habit,
        toldAfter: after(times.toldAtMs),
        orderedAfter: after(times.orderedAtMs),
        shutAfter: after(times.shutAtMs),
        verifiedAfter: after(row?.["verifiedAtMs"]),
        ended: words.join(" ").trim(),
        hadOutage: this.#outages.has(meter.no),
      };
    });
    const closes = Number(
      db.prepare("SELECT count(*) AS n FROM command WHERE state <> 'refused'").get()?.["n"],
    );
    db.close();
    return { lines, uplinks: this.#uplinks, closes, radio: this.#quiet.seen };
  }

  #take(uplinks: readonly TestUplink[]): void {
    if (uplinks.length === 0) return;
    this.#uplinks += uplinks.length;
    this.#process({ uplinks: packed(uplinks, this.#agenda.nowMs) });
  }

  /** Orders leave after the commit; a meter that is connected need not wait for its next report. */
  #process(batch: Partial<EngineBatch>): void {
    const whole = { kind: "batch", uplinks: null, notices: [], asks: [], isLast: false } as const;
    const report = this.#engine.process({ ...whole, ...batch });
    if (report.kind !== "committed") throw new TypeError(report.message);
    for (const downlink of report.downlinks) this.#leaking.get(downlink.meterNo)?.send(downlink);
    for (const meterNo of report.waiting) {
      if (this.#leaking.get(meterNo)?.isListening === true)
        this.notice({ kind: "contact", meterNo });
    }
  }
}

function registryEntry({ no, protocol, habit }: PlannedMeter) {
  return meterDraft(`L${String(no).padStart(7, "0")}`, {
    protocol,
    area: `area-${Math.floor((no - 1) / metersPerArea)}`,
    reportEveryMs: sleepHabits[habit].periodMs,
    frameAddress: protocol === "cjt188" ? addressOf(no) : null,
  });
}
