/**
 * The live feed: every event to every live client, exactly once, in sequence, whoever else is slow.
 *
 * There is one way an event reaches a client: `#pump` takes what lies behind the client's last
 * sequence, from the ring of newest events or, where that does not reach back far enough, from the
 * store. Catching up and following are the same loop, so there is no seam between them to lose or
 * repeat an event at. A client that does not read is not written to: it waits with its sequence,
 * costs one bounded buffer, and is cut when it stays so.
 */
import type { StoredEvent } from "#domain/event.ts";
import type { Clock } from "#ports/clock.ts";
import type { Observer } from "#ports/observer.ts";
import type { Queries } from "#ports/queries.ts";
import { formatInstant } from "#domain/units.ts";
import type { ApiKeyDirectory } from "../apiKeys.ts";
import type { ApiLimits } from "../limits.ts";

/**
 * One line of the feed as bytes: made once, shared by all clients. `seq` is null for hello and
 * heartbeat.
 */
export interface LiveLine {
  readonly seq: number | null;
  readonly bytes: Buffer;
}

type SequencedLine = LiveLine & { readonly seq: number };

/** Why a live client is sent away, as WebSocket close codes (RFC 6455 7.4.1 and its registry). */
export const liveCloseCodes = {
  "key-revoked": 1008,
  "too-slow": 1013,
  "try-again": 1013,
  stopping: 1012,
} as const;
export type LiveCloseReason = keyof typeof liveCloseCodes;

/** One client's connection, whatever carries it. */
export interface LiveWire {
  /** `flushed` is called when these bytes have left the process, or never will. */
  send(line: LiveLine, flushed: () => void): void;
  bufferedBytes(): number;
  /** Ends it at once, read or not. */
  close(reason: LiveCloseReason): void;
}

export interface LiveClient {
  /** Must be called when the connection ended, for whatever reason. */
  left(): void;
}

export interface LiveHubOptions {
  readonly queries: Pick<Queries, "events" | "eventRange">;
  readonly apiKeys: Pick<ApiKeyDirectory, "byHash">;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly limits: ApiLimits;
}

interface Client {
  readonly wire: LiveWire;
  readonly keyHash: string;
  /** The last sequence it was sent; null: it has not been greeted yet. */
  cursor: number | null;
  isPumping: boolean;
  /** Has more unread than it may have; nothing more is written until it has read half of it. */
  isHeld: boolean;
  /** When it came, or was last sent something; by the clock that never jumps. */
  movedAtMs: number;
  /** Since when bytes wait for it without enough of them being taken. */
  unreadSinceMs: number | null;
}

export class LiveHub {
  readonly #options: LiveHubOptions;
  readonly #clients = new Set<Client>();
  #ring: SequencedLine[] = [];
  /** Every event behind this sequence is in the ring; null: none has been published yet. */
  #ringFloor: number | null = null;
  /** When a client was cut that did not read, or could not be served, and nobody has read since. */
  #cutAtMs: number | null = null;

  constructor(options: LiveHubOptions) {
    this.#options = options;
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** How long nobody who joined has read what there is; 0: somebody does, or nobody wants to. */
  undrainedMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#clients.size === 0) {
      const { liveDrainTimeoutMs } = this.#options.limits;
      return this.#cutAtMs === null ? 0 : nowMs - this.#cutAtMs + liveDrainTimeoutMs;
    }
    const newest = this.#ring.at(-1)?.seq ?? 0;
    const waits = [...this.#clients].map(({ cursor, movedAtMs, unreadSinceMs }) => {
      if (unreadSinceMs !== null) return nowMs - unreadSinceMs;
      return cursor === null || cursor < newest ? nowMs - movedAtMs : 0;
    });
    return Math.min(...waits);
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#options.limits.liveClientsMax;
  }

  /** Called after each commit, in sequence. */
  publish(events: readonly StoredEvent[]): void {
    const [first] = events;
    if (first === undefined) return;
    this.#ringFloor ??= first.seq - 1;
    for (const event of events) this.#ring.push(lineOf(event));
    const surplus = this.#ring.length - this.#options.limits.liveRingEvents;
    // Cut in large pieces: cutting one event each time would copy the ring each time.
    if (surplus > this.#options.limits.liveRingEvents / 4) {
      this.#ringFloor = this.#ring[surplus - 1]?.seq ?? this.#ringFloor;
      this.#ring = this.#ring.slice(surplus);
    }
    for (const client of this.#clients) void this.#pump(client);
  }

  /** A new client: `hello`, then everything behind `after`; null: only what is new. */
  async join(wire: LiveWire, keyHash: string, after: number | null): Promise<LiveClient> {
    const client: Client = {
      wire,
      keyHash,
      cursor: null,
      isPumping: false,
      isHeld: false,
      movedAtMs: this.#options.clock.monotonicMs(),
      unreadSinceMs: null,
    };
    this.#clients.add(client);
    this.#options.observer.note("live.connected");
    try {
      const range = await this.#options.queries.eventRange();
      const newest = Math.max(range.newest, this.#ring.at(-1)?.seq ?? 0);
      // A sequence from the future (a restored ledger) would leave the client deaf for ever.
      client.cursor = Math.min(after ?? newest, newest);
      this.#send(client, this.#note("hello", { oldest: range.oldest, newest }));
      void this.#pump(client);
    } catch (error) {
      this.#failed(client, error);
    }
    return { left: () => this.#forget(client) };
  }

  /**
   * Once per heartbeat: shows that we live, ends clients that stopped reading or whose key was
   * revoked.
   */
  tick(): void {
    const { apiKeys, clock, limits, observer } = this.#options;
    const heartbeat = this.#note("heartbeat", { newest: this.#ring.at(-1)?.seq ?? null });
    const nowMs = clock.monotonicMs();
    for (const client of this.#clients) {
      const unreadMs = client.unreadSinceMs === null ? 0 : nowMs - client.unreadSinceMs;
      if (apiKeys.byHash(client.keyHash) === undefined) {
        this.#cut(client, "key-revoked");
      } else if (unreadMs > limits.liveDrainTimeoutMs) {
        observer.note("live.slowClientCut");
        this.#cut(client, "too-slow");
      } else if (!client.isHeld && client.cursor !== null) {
        this.#send(client, heartbeat);
      }
    }
  }

  /** The process stops: everybody is told to come again. */
  close(): void {
    for (const client of this.#clients) this.#cut(client, "stopping");
  }

  /** Sends what the client has not had, until there is nothing left or it stops reading. */
  async #pump(client: Client): Promise<void> {
    if (client.isPumping || client.cursor === null) return;
    client.isPumping = true;
    try {
      while (this.#clients.has(client) && !client.isHeld) {
        const floor = this.#ringFloor;
        if (floor !== null && floor <= client.cursor) {
          const lines = this.#fromRing(client.cursor);
          if (lines.length === 0) return;
          this.#sendAll(client, lines);
          continue;
        }
        const lines = await this.#fromStore(client.cursor);
        if (lines.length > 0) this.#sendAll(client, lines);
        else if (floor !== null) client.cursor = floor;
        else if (this.#ringFloor === null) return;
      }
    } catch (error) {
      this.#failed(client, error);
    } finally {
      client.isPumping = false;
    }
  }

  #fromRing(cursor: number): readonly SequencedLine[] {
    // From the end, because nearly every client is there.
    const start = this.#ring.findLastIndex(({ seq }) => seq <= cursor) + 1;
    return this.#ring.slice(start, start + this.#options.limits.livePageEvents);
  }

  async #fromStore(cursor: number): Promise<readonly SequencedLine[]> {
    const { limits, queries } = this.#options;
    return (await queries.events(cursor, limits.livePageEvents)).map(lineOf);
  }

  #sendAll(client: Client, lines: readonly SequencedLine[]): void {
    for (const line of lines) {
      if (client.isHeld || !this.#clients.has(client)) return;
      client.cursor = line.seq;
      this.#send(client, line);
    }
  }

  #send(client: Client, line: LiveLine): void {
    const { clock, limits } = this.#options;
    const nowMs = clock.monotonicMs();
    client.unreadSinceMs ??= nowMs;
    client.movedAtMs = nowMs;
    client.wire.send(line, () => this.#flushed(client));
    client.isHeld = client.wire.bufferedBytes() > limits.liveBufferedBytesMax;
  }

  #flushed(client: Client): void {
    const { clock, limits } = this.#options;
    const unreadBytes = client.wire.bufferedBytes();
    if (unreadBytes > limits.liveBufferedBytesMax / 2) return;
    client.unreadSinceMs = unreadBytes === 0 ? null : clock.monotonicMs();
    if (unreadBytes === 0 && this.#clients.has(client)) this.#cutAtMs = null;
    if (!client.isHeld) return;
    client.isHeld = false;
    void this.#pump(client);
  }

  #note(kind: "hello" | "heartbeat", fields: Readonly<Record<string, number | null>>): LiveLine {
    const serverTime = formatInstant(this.#options.clock.nowMs());
    return { seq: null, bytes: Buffer.from(JSON.stringify({ kind, serverTime, ...fields })) };
  }

  #failed(client: Client, error: unknown): void {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    this.#options.observer.note("api.failed", { code });
    this.#cut(client, "try-again");
  }

  #cut(client: Client, reason: LiveCloseReason): void {
    this.#forget(client);
    if (reason === "too-slow" || reason === "try-again") {
      this.#cutAtMs ??= this.#options.clock.monotonicMs();
    }
    client.wire.close(reason);
  }

  #forget(client: Client): void {
    if (this.#clients.delete(client)) this.#options.observer.note("live.disconnected");
  }
}

function lineOf({ seq, json }: StoredEvent): SequencedLine {
  return { seq, bytes: Buffer.from(json) };
}
