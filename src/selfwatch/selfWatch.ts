/** Watches ourselves: lag, clock, disk, heartbeat. Says what changed to the engine, which raises and lifts. */
import type { ConditionLevel, Proof, TroubleRuleId } from "#domain/alarm.ts";
import { formatInstant, secondMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { Observer } from "#ports/observer.ts";
import type { FreeSpace, QueueProgress, Trouble } from "#ports/trouble.ts";
import { beat, heartbeatLimits, type HeartbeatTarget } from "./heartbeat.ts";
import {
  judgeClock,
  judgeDisk,
  judgeFanOut,
  judgeHeartbeat,
  judgeLag,
  notifierMs,
  type LagState,
} from "./judge.ts";
import type { DiskReserve } from "./diskReserve.ts";
import { LagMeter } from "./lagMeter.ts";

const lookEveryMs = secondMs;
const diskEveryMs = 5 * secondMs;
const mebibyte = 1024 * 1024;

export interface SelfWatchParts {
  readonly queue: { progress(): QueueProgress; tell(trouble: Trouble): void };
  readonly clock: Clock & { apartMs(): number };
  readonly freeSpace: FreeSpace;
  readonly reserve: Pick<DiskReserve, "look" | "restrictedFreeBytes">;
  readonly heartbeat: HeartbeatTarget & { readonly everySeconds: number };
  readonly outward: {
    /** Receivers that could not be told for longer than this. */
    stuckReceivers(longerThanMs: number): number;
    /** How long nobody has read the live feed although somebody joined it; 0: all is well. */
    undrainedMs(): number;
  };
  readonly observer: Observer;
  /** Only who stores readings and follows them sends a heartbeat. */
  isWell(): boolean;
}

export class SelfWatch {
  /** Seconds behind while LAG stands; null: the engine follows. */
  lagSeconds: number | null = null;
  readonly #parts: SelfWatchParts;
  readonly #lagMeter = new LagMeter();
  #lag: LagState = { level: 0, looksAgainst: 0 };
  #fanOut: LagState = { level: 0, looksAgainst: 0 };
  /** The level last told; a rule that is not there was not told since the start. */
  readonly #told = new Map<TroubleRuleId, ConditionLevel>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #stopping = new AbortController();
  #heartbeat: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(parts: SelfWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timers.push(
      setInterval(() => this.#look(), lookEveryMs),
      setInterval(() => void this.lookAtReserve(), lookEveryMs),
      setInterval(() => void this.#lookAtDisk(), diskEveryMs),
    );
    void this.#lookAtDisk();
    void this.lookAtReserve();
    const { file, url } = this.#parts.heartbeat;
    // Nobody wants one any more: an alarm of the last start about it is over.
    if (file === undefined && url === undefined) this.#tell("HEARTBEAT", 0, {});
    else void this.#beat();
  }

  stop(): void {
    this.#stopping.abort();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#heartbeat);
  }

  #look(): void {
    const { queue, clock } = this.#parts;
    const lagMs = this.#lagMeter.look(queue.progress(), clock.monotonicMs());
    this.#lag = judgeLag(this.#lag, lagMs);
    const lagSeconds = Math.round(lagMs / secondMs);
    this.lagSeconds = this.#lag.level === 0 ? null : lagSeconds;
    this.#tell("LAG", this.#lag.level, { lagSeconds });
    const apartMs = clock.apartMs();
    this.#tell("CLOCK", judgeClock(apartMs), { apartSeconds: Math.round(apartMs / secondMs) });
    this.#lookOutward();
  }

  #lookOutward(): void {
    const { outward } = this.#parts;
    const receivers = outward.stuckReceivers(notifierMs);
    this.#tell("NOTIFIER", receivers > 0 ? 1 : 0, receivers > 0 ? { receivers } : {});
    const undrainedMs = outward.undrainedMs();
    this.#fanOut = judgeFanOut(this.#fanOut, undrainedMs);
    const undrainedSeconds = Math.round(undrainedMs / secondMs);
    this.#tell("FANOUT", this.#fanOut.level, this.#fanOut.level > 0 ? { undrainedSeconds } : {});
  }

  /** Each second, and at once when something could not be stored: then there is no time to lose. */
  async lookAtReserve(): Promise<void> {
    const { reserve } = this.#parts;
    await reserve.look();
    if (this.#stopping.signal.aborted) return;
    const { restrictedFreeBytes } = reserve;
    const isRestricted = restrictedFreeBytes !== null;
    const freeMib = Math.round((restrictedFreeBytes ?? 0) / mebibyte);
    this.#tell("INTAKE", isRestricted ? 1 : 0, isRestricted ? { freeMib } : {});
  }

  async #lookAtDisk(): Promise<void> {
    let freeShare: number;
    try {
      freeShare = await this.#parts.freeSpace.freeShare();
    } catch {
      // A disk that cannot be asked is as good as none.
      freeShare = 0;
    }
    if (this.#stopping.signal.aborted) return;
    const level = judgeDisk(this.#told.get("DISK") ?? 0, freeShare);
    this.#tell("DISK", level, { freePct: Math.round(freeShare * 100) });
  }

  async #beat(): Promise<void> {
    const { heartbeat, clock } = this.#parts;
    let waitMs = heartbeat.everySeconds * secondMs;
    if (this.#parts.isWell()) {
      const reason = await beat(heartbeat, formatInstant(clock.nowMs()), this.#stopping.signal);
      if (this.#stopping.signal.aborted) return;
      this.#failures = reason === null ? 0 : this.#failures + 1;
      const level = judgeHeartbeat(this.#failures);
      if (reason === null || level > 0) this.#tell("HEARTBEAT", level, { reason: reason ?? "" });
      if (this.#failures > 0) waitMs = Math.min(waitMs, heartbeatLimits.againAfterMs);
    } else {
      waitMs = Math.min(waitMs, heartbeatLimits.againAfterMs);
    }
    this.#heartbeat = setTimeout(() => void this.#beat(), waitMs);
  }

  /** What another part of the process found wrong with itself, or no longer. */
  report(rule: TroubleRuleId, level: ConditionLevel, proof: Proof): void {
    if (!this.#stopping.signal.aborted) this.#tell(rule, level, proof);
  }

  #tell(rule: TroubleRuleId, level: ConditionLevel, proof: Proof): void {
    const before = this.#told.get(rule);
    if (before === level) return;
    this.#told.set(rule, level);
    const { queue, observer } = this.#parts;
    if (level > 0) observer.note("self.trouble", { reason: rule, level });
    else if (before !== undefined) observer.note("self.troubleOver", { reason: rule });
    queue.tell({ rule, level, proof });
  }
}
