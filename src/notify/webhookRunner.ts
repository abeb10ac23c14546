/**
 * Tells one receiver of the events that it wants, at least once and with an id. Its place in the events is kept in the
 * ledger; events of one meter arrive in their order, events of several meters may overtake each other.
 */
import { timestampMs } from "#domain/units.ts";
import type { DeliveryAttempt, DisabledReason, Failing, Webhook } from "#domain/webhook.ts";
import { waitMs } from "./backOff.ts";
import type { NotifierParts } from "./notifier.ts";
import type { PostAnswer, Poster } from "./post.ts";
import { secretsInForce, signedHeaders } from "./signing.ts";
import {
  cloudEvent,
  cloudEventType,
  idOf,
  isWanted,
  toldEvent,
  type ToldEvent,
} from "./toldEvent.ts";

type Verdict = "delivered" | "failed" | "refused" | "gone";

interface Sent {
  readonly event: ToldEvent;
  readonly answer: PostAnswer;
  readonly verdict: Verdict;
  readonly durationMs: number;
}

/** The receiver lives and does not want this one; everything else says something of the receiver. */
const refusals: readonly number[] = [400, 413, 415, 422];

function verdictOf(status: number | null): Verdict {
  if (status === null) return "failed";
  if (status >= 200 && status < 300) return "delivered";
  if (status === 410) return "gone";
  return refusals.includes(status) ? "refused" : "failed";
}

/** What goes out together: in order, one a meter; and the last event that is settled with it. */
function waveOf(
  events: readonly ToldEvent[],
  isToSend: (event: ToldEvent) => boolean,
  atOnce: number,
): { readonly wave: readonly ToldEvent[]; readonly throughSeq: number | null } {
  const wave: ToldEvent[] = [];
  const subjects = new Set<string | null>();
  let throughSeq: number | null = null;
  for (const event of events) {
    if (isToSend(event)) {
      if (wave.length >= atOnce || subjects.has(event.meterId)) break;
      subjects.add(event.meterId);
      wave.push(event);
    }
    throughSeq = event.seq;
  }
  return { wave, throughSeq };
}

export class WebhookRunner {
  readonly #parts: NotifierParts;
  readonly #poster: Poster;
  readonly #stopping: AbortSignal;
  #webhook: Webhook;
  #toldSeq: number;
  #reportedSeq: number;
  #failing: Failing | null;
  /** Delivered beyond an event that was not. */
  readonly #done = new Set<number>();
  #running: Promise<void> | null = null;
  #isPoked = false;
  /** Since when something may wait without progress, on the clock that never jumps. */
  #waitingSinceMs: number | null = null;

  constructor(parts: NotifierParts, poster: Poster, stopping: AbortSignal, webhook: Webhook) {
    this.#parts = parts;
    this.#poster = poster;
    this.#stopping = stopping;
    this.#webhook = webhook;
    this.#toldSeq = webhook.toldSeq;
    this.#reportedSeq = webhook.toldSeq;
    this.#failing = webhook.failing;
  }

  get toldSeq(): number {
    return this.#toldSeq;
  }

  /** A person changed it, or the engine disabled it. */
  update(webhook: Webhook): void {
    if (webhook.course !== this.#webhook.course) {
      this.#toldSeq = webhook.toldSeq;
      this.#reportedSeq = webhook.toldSeq;
      this.#failing = webhook.failing;
      this.#done.clear();
    }
    this.#webhook = webhook;
    this.poke();
  }

  /** What is under way is not settled any more. */
  remove(): void {
    this.#webhook = { ...this.#webhook, state: "disabled", disabledReason: "person", course: -1 };
  }

  /** There may be something to tell. */
  poke(): void {
    if (this.#webhook.state === "disabled") return;
    this.#isPoked = true;
    this.#waitingSinceMs ??= this.#parts.clock.monotonicMs();
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** How long nothing could be told although something waits; 0: all is well. */
  stuckMs(): number {
    const { clock } = this.#parts;
    const { state, disabledReason } = this.#webhook;
    if (state === "disabled") return disabledReason === "person" ? 0 : Infinity;
    const failingMs = this.#failing === null ? 0 : clock.nowMs() - this.#failing.sinceMs;
    const sinceMs = this.#waitingSinceMs;
    return Math.max(failingMs, sinceMs === null ? 0 : clock.monotonicMs() - sinceMs);
  }

  async stopped(): Promise<void> {
    await this.#running;
    if (this.#toldSeq !== this.#reportedSeq) this.#report(this.#webhook.course, [], null);
  }

  async #run(): Promise<void> {
    try {
      while (this.#isPoked) {
        this.#isPoked = false;
        while (!this.#stopping.aborted && (await this.#look()));
      }
    } catch (error) {
      // The store could not be read: the next look tries again, and NOTIFIER rings when it lasts.
      const code = error instanceof Error && "code" in error ? String(error.code) : "FAILED";
      this.#parts.observer.note("notify.failed", { code });
    }
  }

  /** Sends what may go out together now; true: there may be more. */
  async #look(): Promise<boolean> {
    const { clock, queries, limits, areaOf } = this.#parts;
    const webhook = this.#webhook;
    if (webhook.state === "disabled") return false;
    const failing = this.#failing;
    if (failing !== null && clock.nowMs() < failing.nextAtMs) return false;
    const stored = await queries.events(this.#toldSeq, limits.eventsPerLook);
    if (this.#webhook !== webhook) return true;
    if (stored.length === 0) {
      this.#waitingSinceMs = null;
      return false;
    }
    const { wave, throughSeq } = waveOf(
      stored.map((event) => toldEvent(event, areaOf)),
      (event) => isWanted(webhook.filter, event) && !this.#done.has(event.seq),
      failing === null ? limits.atOnceMax : 1,
    );
    const sent = await Promise.all(wave.map((event) => this.#send(webhook, event)));
    if (this.#stopping.aborted || this.#webhook.course !== webhook.course) return true;
    this.#settle(sent, throughSeq ?? this.#toldSeq);
    return this.#failing === null;
  }

  async #send(webhook: Webhook, event: ToldEvent): Promise<Sent> {
    const { clock, pepper, source } = this.#parts;
    const nowMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    const body = cloudEvent(event, source);
    const secrets = secretsInForce(pepper, webhook, nowMs);
    const signed = signedHeaders(idOf(event), Math.floor(nowMs / 1_000), body, secrets);
    const answer = await this.#poster.post({
      url: webhook.url,
      headers: { "content-type": cloudEventType, "user-agent": "mercaptan", ...signed },
      body,
      stopping: this.#stopping,
      timeoutMs: this.#parts.limits.answerWithinMs,
    });
    const durationMs = Math.round(clock.monotonicMs() - startedMs);
    return { event, answer, verdict: verdictOf(answer.status), durationMs };
  }

  /** The place moves to the first event that was not taken. */
  #settle(sent: readonly Sent[], throughSeq: number): void {
    const trouble = sent.find(({ verdict }) => verdict !== "delivered");
    const attemptNo = (this.#failing?.attempts ?? 0) + 1;
    const { course } = this.#webhook;
    if (trouble === undefined) {
      this.#toldSeq = throughSeq;
      if (sent.length > 0) this.#recover();
      this.#waitingSinceMs = this.#parts.clock.monotonicMs();
    } else this.#toldSeq = trouble.event.seq - 1;
    for (const { event, verdict } of sent) {
      if (verdict === "delivered" && event.seq > this.#toldSeq) this.#done.add(event.seq);
    }
    const isSetAside =
      trouble?.verdict === "refused" && attemptNo >= this.#parts.limits.refusalsMax;
    if (isSetAside) this.#setAside(trouble.event.seq);
    else if (trouble !== undefined) this.#fail(trouble, attemptNo);
    for (const seq of this.#done) if (seq <= this.#toldSeq) this.#done.delete(seq);
    const attempts = sent.map((one) =>
      attemptOf(one, one === sent[0] ? attemptNo : 1, isSetAside && one === trouble, this.#nowMs()),
    );
    for (const { outcome } of attempts) this.#parts.metrics.delivery("webhook", outcome);
    const isWorthIt = this.#toldSeq - this.#reportedSeq >= this.#parts.limits.unreportedMax;
    if (sent.length > 0 || isWorthIt) this.#report(course, attempts, this.#ending(trouble));
  }

  #nowMs(): number {
    return this.#parts.clock.nowMs();
  }

  #recover(): void {
    if (this.#failing === null) return;
    this.#failing = null;
    this.#parts.observer.note("webhook.works", { webhook: this.#webhook.id });
  }

  /** It takes others, and will never take this one. */
  #setAside(seq: number): void {
    this.#toldSeq = seq;
    this.#failing = null;
    this.#parts.observer.note("webhook.refused", { webhook: this.#webhook.id, seq });
  }

  #fail({ answer }: Sent, attempts: number): void {
    const { limits, rng, observer } = this.#parts;
    const nowMs = this.#nowMs();
    const reason = answer.status === null ? answer.reason : `HTTP_${answer.status}`;
    const askedMs = Math.min(answer.retryAfterMs ?? 0, limits.longestWaitMs);
    const nextAtMs = timestampMs(nowMs + Math.max(waitMs(attempts, limits, rng), askedMs));
    const sinceMs = this.#failing?.sinceMs ?? timestampMs(nowMs);
    if (this.#failing === null) {
      observer.note("webhook.failed", { webhook: this.#webhook.id, code: reason });
    }
    this.#failing = { sinceMs, attempts, nextAtMs, reason };
  }

  /** Whether this was its last chance. */
  #ending(trouble: Sent | undefined): DisabledReason | null {
    if (trouble?.verdict === "gone") return "gone";
    const sinceMs = this.#failing?.sinceMs ?? this.#nowMs();
    return this.#nowMs() - sinceMs >= this.#parts.limits.giveUpAfterMs ? "no-answer" : null;
  }

  #report(
    course: number,
    attempts: readonly DeliveryAttempt[],
    disabled: DisabledReason | null,
  ): void {
    const { id } = this.#webhook;
    this.#reportedSeq = this.#toldSeq;
    const toldSeq = this.#toldSeq;
    const report = { webhookId: id, course, toldSeq, failing: this.#failing, disabled, attempts };
    this.#parts.queue.webhookReport(report);
    if (disabled === null) return;
    this.#webhook = { ...this.#webhook, state: "disabled", disabledReason: disabled };
    this.#parts.observer.note("webhook.disabled", { webhook: id, reason: disabled });
  }
}

function attemptOf(
  { event, answer, verdict, durationMs }: Sent,
  attempt: number,
  isSetAside: boolean,
  nowMs: number,
): DeliveryAttempt {
  const isTaken = verdict === "delivered";
  return {
    eventSeq: event.seq,
    eventKind: event.kind,
    atMs: timestampMs(nowMs),
    attempt,
    outcome: isTaken ? "delivered" : isSetAside ? "refused" : "failed",
    status: answer.status,
    reason: answer.reason !== "" || isTaken ? answer.reason : `HTTP_${answer.status}`,
    durationMs,
  };
}
