/**
 * The main thread's side of the engine: collects what arrives while the worker commits, and hands it over at
 * once when the worker is free. So the batch size follows the load, and no timer stands in the way.
 */
import type { CommandId } from "#domain/ids.ts";
import type { Clock } from "#ports/clock.ts";
import type { Committed, DownlinkOutcome, Uplink, UplinkQueue } from "#ports/intake.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { AskEnvelope, AskResult, Desk } from "#ports/requests.ts";
import type { QueueProgress, Trouble } from "#ports/trouble.ts";
import type { NotificationReport, WebhookReport } from "#ports/webhooks.ts";
import type { Protocol } from "#protocols/contract.ts";
import type { ProtocolName } from "#domain/meter.ts";
import { isCarrierName } from "#domain/platform.ts";
import type { BatchReport, EngineBatch, Notice } from "./messages.ts";
import { buffersOf, packUplinks } from "./packUplinks.ts";
import { RestrictedIntake, type ArrivedUplink } from "./restrictedIntake.ts";

/** Architecture, section 2: what one batch and the queue before it may hold. */
export const queueLimits = Object.freeze({
  batchUplinks: 4_096,
  /** A leak waits for the batch before it: some 20,000 old values, not four times as many. */
  batchBytes: 1_024 * 1_024,
  /** Beyond this, bulk senders are paused; each meter may still have one uplink in the queue. */
  waitingUplinks: 16_384,
  waitingBytes: 32 * 1_024 * 1_024,
  asks: 10_000,
});

/** The way to the worker and back. */
export interface EnginePort {
  post(batch: EngineBatch, transfer: readonly ArrayBuffer[]): void;
}

type Commit = Extract<BatchReport, { kind: "committed" }>;

export interface QueueParts {
  readonly port: EnginePort;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly metrics: Metrics;
  readonly protocols: Readonly<Record<ProtocolName, Protocol>>;
  /** Runs it at the end of this turn of the event loop. */
  defer(run: () => void): void;
  /** Called after each commit, before anybody is acknowledged. */
  onCommit(commit: Commit, oldestReceivedAtMs: number | null): void;
  onStoreFailure(code: string, message: string): void;
  onStoreRecovered(): void;
}

type Waiting = ArrivedUplink;

interface WaitingAsk {
  readonly envelope: AskEnvelope;
  readonly answer: (result: AskResult) => void;
}

interface Sent {
  readonly uplinks: readonly Waiting[];
  readonly asks: readonly WaitingAsk[];
  readonly notices: readonly Notice[];
}

const nothingSent: Sent = { uplinks: [], asks: [], notices: [] };

/** Whose it is, as far as the listener could tell. */
function meterOf({ meterNo, carried }: Uplink): number | null {
  return meterNo ?? carried?.meterNo ?? null;
}

/** First in, first out, without moving what is behind. */
class Lane {
  #items: (Waiting | undefined)[] = [];
  #head = 0;
  bytes = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Waiting): void {
    this.#items.push(item);
    this.bytes += item.uplink.bytes.length;
  }

  peek(): Waiting | undefined {
    return this.#items[this.#head];
  }

  shift(): void {
    this.bytes -= this.#items[this.#head]?.uplink.bytes.length ?? 0;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head < 8_192 && this.#head < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }

  /** What waits of these meters, in its order, is put before everything else. */
  promote(meterNos: ReadonlySet<number | null>): void {
    const waiting = this.#items.slice(this.#head).filter((item) => item !== undefined);
    const isTheirs = ({ uplink }: Waiting) => meterNos.has(meterOf(uplink));
    this.#items = [...waiting.filter(isTheirs), ...waiting.filter((item) => !isTheirs(item))];
    this.#head = 0;
  }
}

export class EngineQueue implements UplinkQueue, Desk {
  readonly #parts: QueueParts;
  readonly #urgent = new Lane();
  readonly #bulk = new Lane();
  readonly #restricted = new RestrictedIntake();
  #notices: Notice[] = [];
  /** Meters that came to listen: each once, however often it knocks while nothing can be stored. */
  #contacts = new Set<number>();
  #asks: WaitingAsk[] = [];
  #arrivals = 0;
  #reports = 0;
  #isBusy = true;
  #isStopping = false;
  #hasFailed = false;
  #isScheduled = false;
  #wasFull = false;
  #sent: Sent = nothingSent;
  #stopped: (() => void) | null = null;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  get isFull(): boolean {
    const isFull =
      this.#bulk.length >= queueLimits.waitingUplinks ||
      this.#bulk.bytes >= queueLimits.waitingBytes;
    if (isFull && !this.#wasFull) this.#parts.observer.note("engine.queueFull");
    this.#wasFull = isFull;
    return isFull;
  }

  /** Seconds since the oldest waiting uplink was received. */
  lagSeconds(): number {
    const oldest = [this.#urgent.peek(), this.#bulk.peek(), this.#sent.uplinks[0]];
    const receivedAtMs = oldest.flatMap((one) =>
      one === undefined ? [] : one.uplink.receivedAtMs,
    );
    if (receivedAtMs.length === 0) return 0;
    return Math.max(0, (this.#parts.clock.nowMs() - Math.min(...receivedAtMs)) / 1_000);
  }

  /** For whoever watches whether the engine follows. */
  progress(): QueueProgress {
    const oldest = [this.#urgent.peek(), this.#bulk.peek(), this.#sent.uplinks[0]];
    const arrivals = oldest.flatMap((one) => (one === undefined ? [] : one.arrival));
    const oldestArrival = arrivals.length === 0 ? null : Math.min(...arrivals);
    return { arrivals: this.#arrivals, oldestArrival, reports: this.#reports };
  }

  /** Something is wrong with ourselves, or no longer. */
  tell(trouble: Trouble): void {
    this.#notices.push({ kind: "trouble", trouble });
    this.#schedule();
  }

  /** How far a webhook has been told. */
  webhookReport(report: WebhookReport): void {
    this.#notices.push({ kind: "webhook", report });
    this.#schedule();
  }

  notificationReport(report: NotificationReport): void {
    this.#notices.push({ kind: "notification", report });
    this.#schedule();
  }

  offer(uplink: Uplink, committed: Committed): void {
    if (this.#isStopping) {
      this.#parts.metrics.uplinkRefused(uplink.protocol);
      committed("stopping");
      return;
    }
    const isUrgent = this.#mayBeUrgent(uplink);
    const meterNo = meterOf(uplink);
    if (!this.#restricted.admits(meterNo, isUrgent)) {
      this.#restricted.park({ uplink, committed, arrival: 0 });
      return;
    }
    if (this.#restricted.isOn && meterNo !== null) {
      const isTheirs = (other: Uplink) => meterOf(other) === meterNo;
      for (const parked of this.#restricted.release(isTheirs)) {
        this.#admit(this.#bulk, parked.uplink, parked.committed);
      }
    }
    this.#admit(isUrgent ? this.#urgent : this.#bulk, uplink, committed);
    this.#schedule();
  }

  #admit(lane: Lane, uplink: Uplink, committed: Committed): void {
    this.#arrivals += 1;
    lane.push({ uplink, committed, arrival: this.#arrivals });
  }

  /** True: the disk is nearly full, and only alarms, answers to commands and people's requests enter. */
  restrict(isOn: boolean): void {
    this.#restricted.isOn = isOn;
    if (isOn) return;
    for (const { uplink, committed } of this.#restricted.all()) {
      this.#admit(this.#bulk, uplink, committed);
    }
    this.#schedule();
  }

  #refuseParked(parked: readonly Waiting[]): void {
    for (const { uplink, committed } of parked) {
      this.#parts.metrics.uplinkRefused(uplink.protocol);
      committed("disk-low");
    }
  }

  /** In an envelope it is the frame that may be; an envelope without one, or for nobody, is not. */
  #mayBeUrgent({ protocol, bytes, carried }: Uplink): boolean {
    const { protocols } = this.#parts;
    if (!isCarrierName(protocol)) return protocols[protocol].mayBeUrgent(bytes);
    if (carried === undefined) return true;
    if (carried.bytes === null || carried.protocol === null) return false;
    return protocols[carried.protocol].mayBeUrgent(carried.bytes);
  }

  contact(meterNo: number): void {
    this.#contacts.add(meterNo);
    this.#schedule();
  }

  downlinkOutcome(commandId: CommandId, outcome: DownlinkOutcome): void {
    this.#notices.push({ kind: "downlink", commandId, outcome });
    this.#schedule();
  }

  ask(envelope: AskEnvelope): Promise<AskResult> {
    if (this.#isStopping || this.#asks.length >= queueLimits.asks) {
      const detail = this.#isStopping ? "the service is stopping" : "too many requests are waiting";
      return Promise.resolve({ ok: false, refusal: { kind: "store-unavailable", detail } });
    }
    return new Promise((answer) => {
      this.#asks.push({ envelope, answer });
      this.#schedule();
    });
  }

  /** The engine wants a look at the clock although nothing has arrived. */
  tick(): void {
    this.#refuseParked(this.#restricted.due());
    if (!this.#isBusy) this.#send();
  }

  /** The worker is ready for its first batch. */
  ready(): void {
    this.#isBusy = false;
    this.#schedule();
  }

  /** Finishes what has arrived, then resolves. */
  stop(): Promise<void> {
    this.#isStopping = true;
    this.#refuseParked(this.#restricted.all());
    return new Promise((resolve) => {
      this.#stopped = resolve;
      if (!this.#isBusy) this.#send();
    });
  }

  /** Takes the worker's report; the next batch leaves before anybody is told, for the worker must not idle. */
  take(report: BatchReport): void {
    const sent = this.#sent;
    this.#sent = nothingSent;
    this.#isBusy = false;
    this.#reports += 1;
    if (report.kind === "committed" && !this.#isEmpty()) this.#send();
    if (report.kind === "committed") this.#acknowledge(report, sent);
    else this.#refuse(report, sent);
    if (this.#isBusy) return;
    const isEnd = this.#stopped !== null && (this.#isEmpty() || report.kind === "notCommitted");
    if (isEnd) this.#finish();
    else if (report.kind === "committed" ? !this.#isEmpty() : this.#hasSender()) this.#schedule();
  }

  #finish(): void {
    this.#parts.port.post(
      { kind: "batch", uplinks: null, notices: [], asks: [], isLast: true },
      [],
    );
    this.#isBusy = true;
    this.#stopped?.();
    this.#stopped = null;
  }

  #acknowledge(report: Commit, { uplinks, asks }: Sent): void {
    if (this.#hasFailed) this.#parts.onStoreRecovered();
    this.#hasFailed = false;
    for (const { meterNo } of report.downlinks) this.#restricted.expect(meterNo);
    this.#parts.onCommit(report, uplinks[0]?.uplink.receivedAtMs ?? null);
    for (const { committed } of uplinks) committed(null);
    const results = new Map(report.answers.map(({ askNo, result }) => [askNo, result]));
    for (const [askNo, { answer }] of asks.entries()) {
      const result = results.get(askNo);
      if (result !== undefined) answer(result);
    }
  }

  #refuse(
    report: Extract<BatchReport, { kind: "notCommitted" }>,
    { uplinks, asks, notices }: Sent,
  ): void {
    for (const notice of notices.toReversed()) {
      if (notice.kind === "contact") this.#contacts.add(notice.meterNo);
      else this.#notices.unshift(notice);
    }
    this.#hasFailed = true;
    this.#parts.onStoreFailure(report.code, report.message);
    for (const { uplink, committed } of uplinks) {
      this.#parts.metrics.uplinkRefused(uplink.protocol);
      committed("store-failed");
    }
    for (const { answer } of asks) {
      answer({ ok: false, refusal: { kind: "store-unavailable", detail: report.code } });
    }
  }

  #isEmpty(): boolean {
    return !this.#hasSender() && this.#notices.length + this.#contacts.size === 0;
  }

  /** Somebody waits for an answer. Notices alone do not: after a failed commit they wait for the next tick. */
  #hasSender(): boolean {
    return this.#urgent.length + this.#bulk.length + this.#asks.length > 0;
  }

  /** At the end of this turn of the event loop, so that what one socket brought travels together. */
  #schedule(): void {
    if (this.#isBusy || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#parts.defer(() => {
      this.#isScheduled = false;
      if (!this.#isBusy) this.#send();
    });
  }

  /**
   * What is urgent goes first, and takes along what waits of the same meters: overtaken by a newer reading, each older
   * one would cost the engine a look back. Within a batch, which becomes durable as one, all keep their order.
   */
  #choose(): { readonly chosen: readonly Waiting[]; readonly bytes: number } {
    const chosen: Waiting[] = [];
    let bytes = 0;
    for (const lane of [this.#urgent, this.#bulk]) {
      if (lane === this.#bulk && chosen.length > 0 && lane.length > 0) {
        lane.promote(new Set(chosen.map(({ uplink }) => meterOf(uplink))));
      }
      for (let next = lane.peek(); next !== undefined; next = lane.peek()) {
        const isTooMuch = bytes + next.uplink.bytes.length > queueLimits.batchBytes;
        if (chosen.length >= queueLimits.batchUplinks || (isTooMuch && chosen.length > 0)) break;
        bytes += next.uplink.bytes.length;
        chosen.push(next);
        lane.shift();
      }
    }
    return { chosen: chosen.sort((one, other) => one.arrival - other.arrival), bytes };
  }

  #send(): void {
    const { chosen, bytes } = this.#choose();
    const asks = this.#asks;
    const contacts = [...this.#contacts].map((meterNo) => ({ kind: "contact", meterNo }) as const);
    const notices = [...this.#notices, ...contacts];
    this.#asks = [];
    this.#notices = [];
    this.#contacts = new Set();
    this.#sent = { uplinks: chosen, asks, notices };
    this.#isBusy = true;
    const uplinks = chosen.length === 0 ? null : packUplinks(chosen, bytes);
    const numbered = asks.map(({ envelope }, askNo) => ({ askNo, envelope }));
    const batch: EngineBatch = { kind: "batch", uplinks, notices, asks: numbered, isLast: false };
    this.#parts.port.post(batch, uplinks === null ? [] : buffersOf(uplinks));
  }
}
