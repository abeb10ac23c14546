/** Tells those outside what happened: follows the ledger's events, one runner for each receiver. */
import type { StoredEvent } from "#domain/event.ts";
import type { Webhook } from "#domain/webhook.ts";
import type { Clock } from "#ports/clock.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { Queries } from "#ports/queries.ts";
import type { Rng } from "#ports/rng.ts";
import type { WebhookReport } from "#ports/webhooks.ts";
import type { NotifyLimits } from "./limits.ts";
import type { Poster } from "./post.ts";
import { WebhookRunner } from "./webhookRunner.ts";

export interface NotifierParts {
  readonly queries: Pick<Queries, "events">;
  readonly queue: { webhookReport(report: WebhookReport): void };
  readonly clock: Clock;
  readonly observer: Observer;
  readonly metrics: Pick<Metrics, "delivery" | "sinkLag">;
  readonly rng: Rng;
  readonly pepper: Uint8Array;
  readonly areaOf: (meterId: string) => string | null;
  /** Who we are, as a URI: CloudEvents' `source`. */
  readonly source: string;
  readonly limits: NotifyLimits;
}

interface WebhookChange {
  readonly webhooks: readonly Webhook[];
  readonly removedWebhooks: readonly string[];
}

/** Runs until it is stopped. Whatever it has told is told again only when the process ends in between. */
export class Notifier {
  readonly #parts: NotifierParts;
  readonly #poster: Poster;
  readonly #stopping = new AbortController();
  readonly #runners = new Map<string, WebhookRunner>();
  #newestSeq = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(parts: NotifierParts, poster: Poster, webhooks: readonly Webhook[]) {
    this.#parts = parts;
    this.#poster = poster;
    for (const webhook of webhooks) this.#put(webhook);
  }

  start(): void {
    this.#ticker = setInterval(() => this.tick(), this.#parts.limits.tickEveryMs);
    this.tick();
  }

  /** What waited long enough is tried again. */
  tick(): void {
    const { metrics } = this.#parts;
    for (const runner of this.#runners.values()) runner.poke();
    const seqs = [...this.#runners.values()].map(({ toldSeq }) => toldSeq);
    const behind = seqs.reduce((most, seq) => Math.max(most, this.#newestSeq - seq), 0);
    metrics.sinkLag("webhooks", behind);
  }

  /** After a commit. */
  committed(events: readonly StoredEvent[], change: WebhookChange | null): void {
    for (const id of change?.removedWebhooks ?? []) {
      this.#runners.get(id)?.remove();
      this.#runners.delete(id);
    }
    for (const webhook of change?.webhooks ?? []) this.#put(webhook);
    const last = events.at(-1);
    if (last === undefined) return;
    this.#newestSeq = last.seq;
    for (const runner of this.#runners.values()) runner.poke();
  }

  /** Receivers that could not be told for so long, although something waits. */
  stuck(longerThanMs: number): number {
    return [...this.#runners.values()].filter((runner) => runner.stuckMs() > longerThanMs).length;
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.#stopping.abort();
    await Promise.all([...this.#runners.values()].map((runner) => runner.stopped()));
    this.#poster.close();
  }

  #put(webhook: Webhook): void {
    const known = this.#runners.get(webhook.id);
    if (known !== undefined) known.update(webhook);
    else {
      const runner = new WebhookRunner(this.#parts, this.#poster, this.#stopping.signal, webhook);
      this.#runners.set(webhook.id, runner);
    }
  }
}
