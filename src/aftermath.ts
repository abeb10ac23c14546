/** What follows a commit on the main thread: who is told, and what the process says of its own state. */
import { basename } from "node:path";
import { formatInstant, timestampMs } from "#domain/units.ts";
import type { Alarm } from "#domain/alarm.ts";
import type { ApiKeys } from "#api/apiKeys.ts";
import type { PeopleTeller } from "#notify/peopleTeller.ts";
import type { Notifier } from "#notify/notifier.ts";
import type { LiveHub } from "#api/live/liveHub.ts";
import type { Proof } from "#domain/alarm.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Clock } from "#ports/clock.ts";
import type { CommandListeners, DownlinkCarrier, LinkNote, UplinkQueue } from "#ports/intake.ts";
import type { LedgerOpening } from "#ports/ledger.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { protocolByName } from "#protocols/registry.ts";
import type { SelfWatch } from "#selfwatch/selfWatch.ts";
import type { LiveDirectory } from "./liveDirectory.ts";

type Commit = Extract<BatchReport, { kind: "committed" }>;

/** The head of an event about an alarm that rings; cheaper than parsing every event. */
const raisedPattern = /^\{"seq":\d+,"at":"[^"]*","kind":"alarm\.(?:raised|reraised|escalated)"/;
/** A rule of the utility's own that has begun to fail at a meter. */
const failedPattern = /^\{"seq":\d+,"at":"[^"]*","kind":"rules\.failed"/;

/** The parts that listen are started after the engine, so they are set one by one. */
export class Aftermath {
  live: LiveDirectory | null = null;
  apiKeys: ApiKeys | null = null;
  hub: LiveHub | null = null;
  carrier: DownlinkCarrier | null = null;
  listeners: CommandListeners | null = null;
  queue: Pick<UplinkQueue, "contact"> | null = null;
  /** Makes again what can be made again. */
  store: { noteDamage(damage: readonly DamagedPlace[]): void } | null = null;
  selfWatch: Pick<SelfWatch, "lagSeconds" | "lookAtReserve" | "report"> | null = null;
  /** Bytes that are free while readings are refused for want of them. */
  reserve: { readonly restrictedFreeBytes: number | null } | null = null;
  notifier: Notifier | null = null;
  teller: PeopleTeller | null = null;
  isListening = false;
  #blindness: string | null = null;
  /** By place, in the order in which they were met. */
  readonly #damaged = new Map<string, Proof & { readonly file: string }>();
  /** Files that were made again: whoever still reads the former one finds it damaged. */
  readonly #remade = new Set<string>();
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #metrics: Metrics;

  constructor(clock: Clock, observer: Observer, metrics: Metrics) {
    this.#clock = clock;
    this.#observer = observer;
    this.#metrics = metrics;
  }

  /** What the engine's host is given. */
  parts() {
    return {
      clock: this.#clock,
      observer: this.#observer,
      metrics: this.#metrics,
      protocols: protocolByName,
      onCommit: (commit: Commit, oldestReceivedAtMs: number | null) =>
        this.#follow(commit, oldestReceivedAtMs),
      onStoreFailure: (code: string, message: string) => {
        this.#blindness = `readings cannot be stored: ${code}`;
        this.#observer.note("engine.commitFailed", { reason: code, message });
        void this.selfWatch?.lookAtReserve();
      },
      onStoreRecovered: () => {
        this.#blindness = null;
      },
      onLedgerOpened: ({ origin, isTouched }: LedgerOpening) => {
        if (origin === "made" || origin === "remade") {
          this.#observer.note("ledger.sumsMade", { reason: origin });
        }
        if (isTouched) this.#observer.note("ledger.touched", {});
      },
      onStoreNote: (damage: readonly DamagedPlace[], failure: string | null) => {
        this.noteDamage(damage);
        if (failure !== null) this.#observer.note("readings.workFailed", { message: failure });
      },
      onRemade: (file: string) => this.#noteRemade(file),
      onRetired: (beforeMs: number, rows: number) => {
        const before = formatInstant(timestampMs(beforeMs));
        this.#observer.note("readings.retired", { before, rows });
      },
      onDeath: (error: unknown): never => {
        this.#observer.note("engine.exited", { reason: String(error) });
        // Without its writer the process can promise nothing: it ends, and is started again.
        throw error;
      },
    };
  }

  readiness(): { readonly ready: boolean; readonly reasons: readonly string[] } {
    const reasons = this.isListening ? [] : ["not listening for meters"];
    const lagSeconds = this.selfWatch?.lagSeconds ?? null;
    if (this.#blindness !== null) reasons.push(this.#blindness);
    else if (lagSeconds !== null) reasons.push(`the engine is ${lagSeconds} s behind`);
    const isFull = (this.reserve?.restrictedFreeBytes ?? null) !== null;
    if (isFull) reasons.push("the disk is full: readings are refused, alarms and commands go on");
    return { ready: reasons.length === 0, reasons };
  }

  /** Each damaged place once, by whomever it was met. */
  noteDamage(places: readonly DamagedPlace[]): void {
    const news: DamagedPlace[] = [];
    for (const { file, chunk, fault } of places) {
      const place = `${file} ${chunk} ${fault.what}`;
      const name = basename(file);
      if (this.#damaged.has(place) || this.#remade.has(name)) continue;
      this.#damaged.set(place, chunk === null ? { file: name } : { file: name, chunk });
      news.push({ file, chunk, fault });
      this.#observer.note("readings.damaged", { file: name, chunk: chunk ?? "", what: fault.what });
    }
    if (news.length > 0) this.store?.noteDamage(news);
    this.tellDamage();
  }

  #noteRemade(file: string): void {
    this.#remade.add(file);
    for (const [place, damage] of this.#damaged) {
      if (damage.file === file) this.#damaged.delete(place);
    }
    this.#observer.note("readings.remade", { file });
    this.tellDamage();
  }

  /** To the engine, which raises the alarm; an alarm of the last start is over when nothing was met in this one. */
  tellDamage(): void {
    const [first] = this.#damaged.values();
    const level = first === undefined ? 0 : 1;
    this.selfWatch?.report("DAMAGE", level, { ...first, places: this.#damaged.size });
  }

  /** A meter that listens at this moment need not wait for its next wake. */
  #contactIfListening(meterNo: number): void {
    const meter = this.live?.meterByNo(meterNo);
    if (meter === undefined) return;
    const listener = this.listeners?.find(meterNo, meter.protocol);
    if (listener !== undefined && !listener.isHeardFirst) this.queue?.contact(meterNo);
  }

  #tellGateway(note: LinkNote): void {
    if (note.kind === "ask") this.carrier?.ask(note.gateway, note.bytes);
    else this.#observer.note("edge.limit", { gateway: note.gateway, limit: note.what });
  }

  /** What rings is counted by rule and priority. */
  #countRings(commit: Commit): void {
    for (const { json } of commit.events) {
      if (!raisedPattern.test(json)) continue;
      const { alarm } = JSON.parse(json) as {
        readonly alarm: Pick<Alarm, "rule" | "priority" | "state">;
      };
      if (alarm.state === "unacknowledged") this.#metrics.alarmRang(alarm.rule, alarm.priority);
    }
  }

  /** Commands leave first, for a meter listens only for seconds; then people and machines are told. */
  #follow(commit: Commit, oldestReceivedAtMs: number | null): void {
    if (commit.directory !== null) {
      this.live?.apply(commit.directory);
      for (const row of commit.directory.apiKeys) this.apiKeys?.put(row);
      for (const id of commit.directory.revokedApiKeys) this.apiKeys?.drop(id);
    }
    for (const downlink of commit.downlinks) this.carrier?.send(downlink);
    for (const note of commit.linkNotes) this.#tellGateway(note);
    for (const meterNo of commit.waiting) this.#contactIfListening(meterNo);
    this.hub?.publish(commit.events);
    this.notifier?.committed(commit.events, commit.directory);
    if (commit.events.length > 0 || commit.directory !== null) {
      this.teller?.committed(commit.directory);
    }
    this.#metrics.batchCommitted(commit.counts);
    this.#countRings(commit);
    this.#metrics.activeAlarms(commit.activeAlarms);
    for (const { json } of commit.events) {
      if (!failedPattern.test(json)) continue;
      const { rule, reason } = JSON.parse(json) as {
        readonly rule: string;
        readonly reason: string;
      };
      this.#observer.note("rules.failed", { rule, reason });
    }
    if (oldestReceivedAtMs === null) return;
    const seconds = Math.max(0, (this.#clock.nowMs() - oldestReceivedAtMs) / 1_000);
    for (const { json } of commit.events) {
      if (raisedPattern.test(json)) this.#metrics.alarmToLive(seconds);
    }
  }
}
