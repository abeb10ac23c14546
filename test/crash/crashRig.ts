/**
 * An engine that dies at one chosen point: before or after any call of the ledger, before or after an order leaves,
 * before or after its answer. What was not committed is gone; what was going on is started again.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampMs } from "#domain/units.ts";
import { startEngine, type Engine } from "#engine/engine.ts";
import type { BatchReport, EngineBatch } from "#engine/messages.ts";
import { openLedger } from "#ledger/openLedger.ts";
import type { Ledger } from "#ports/ledger.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import { countingRng } from "../support/engine.ts";
import { testFiles } from "../support/vault.ts";

/** The process is gone. */
class CrashError extends Error {
  override readonly name = "CrashError";
}

/** Counts the points as they are passed, and ends the process at the chosen one. */
export class Fuse {
  readonly passed: string[] = [];
  readonly #crashAt: number;
  isBlown = false;

  /** `crashAt` counts from 0; a negative number: never. */
  constructor(crashAt: number) {
    this.#crashAt = crashAt;
  }

  pass(point: string): void {
    if (this.isBlown) throw new CrashError("it is dead already");
    this.passed.push(point);
    if (this.passed.length - 1 !== this.#crashAt) return;
    this.isBlown = true;
    throw new CrashError(point);
  }
}

/** The ledger with a point before each write, and one before and one after the commit. */
function fused(ledger: Ledger, fuse: Fuse): Ledger {
  const entries = Object.entries(ledger).map(([name, method]: [string, unknown]) => {
    if (typeof method !== "function" || name === "rollback" || name === "close") {
      return [name, method] as const;
    }
    const isWrite = /^(begin|put|revise|retract|drop|commit)/.test(name);
    const call = (...args: readonly unknown[]): unknown => {
      if (isWrite) fuse.pass(`${name} before`);
      else if (fuse.isBlown) fuse.pass(name);
      const result = Reflect.apply(method, ledger, args) as unknown;
      if (name === "commit") fuse.pass("commit after");
      return result;
    };
    return [name, call] as const;
  });
  return Object.fromEntries(entries) as unknown as Ledger;
}

export class CrashRig {
  readonly directory = mkdtempSync(join(tmpdir(), "mercaptan-crash-"));
  readonly #rng = countingRng();
  nowMs: number;
  /** From here on points count; before it, the world is set up. */
  fuse = new Fuse(-1);
  crashes = 0;
  #ledger: Ledger;
  #engine: Engine;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
    this.#ledger = openLedger(this.directory);
    this.#engine = this.#start();
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  #start(): Engine {
    return startEngine({
      ledger: fused(this.#ledger, this.fuse),
      clock: { nowMs: () => timestampMs(this.nowMs), monotonicMs: () => this.nowMs },
      rng: this.#rng,
      protocols: protocolByName,
      carriers: carrierByName,
      files: testFiles,
      isStoreFailure: (error) => error instanceof CrashError,
    });
  }

  /** Points count from now on, and the chosen one ends the process. */
  arm(crashAt: number): Fuse {
    this.fuse = new Fuse(crashAt);
    this.restart();
    return this.fuse;
  }

  /** null: the process died in it, and is up again. */
  process(batch: Partial<EngineBatch>): Extract<BatchReport, { kind: "committed" }> | null {
    const whole = { kind: "batch", uplinks: null, notices: [], asks: [], isLast: false } as const;
    const report = this.#engine.process({ ...whole, ...batch });
    if (report.kind === "committed" && !this.fuse.isBlown) return report;
    this.revive();
    return null;
  }

  /** A point outside the engine; true: the process died there, and is up again. */
  diesAt(point: string): boolean {
    try {
      this.fuse.pass(point);
      return false;
    } catch (error) {
      if (!(error instanceof CrashError)) throw error;
      this.revive();
      return true;
    }
  }

  /** Up again after the one crash of a run. */
  revive(): void {
    this.crashes += 1;
    this.fuse = new Fuse(-1);
    this.restart();
  }

  /** Everything comes from the ledger again; a death in the middle of it only means once more. */
  restart(): void {
    this.#ledger.close();
    this.#ledger = openLedger(this.directory);
    try {
      this.#engine = this.#start();
    } catch (error) {
      if (!(error instanceof CrashError)) throw error;
      this.revive();
    }
  }

  close(): void {
    this.#ledger.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
