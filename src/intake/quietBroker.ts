/**
 * aedes without its message routing. Uplinks go to the engine's queue and commands go to one session, so nothing
 * is ever fanned out, retained, queued or stored: a frozen subscriber has nothing to stall, and no command can
 * wait in a broker for a meter that wakes up after it expired.
 */
import { Readable } from "node:stream";
import { Aedes, type AedesOptions, type Client, type PublishPacket } from "aedes";

type Done = (error?: Error) => void;

export class QuietBroker extends Aedes {
  constructor(options: AedesOptions, confirmed: (client: Client, frameId: number) => void) {
    super({ ...options, persistence: new SessionMemory(confirmed) });
  }

  /** Also silences the `$SYS` announcements of every connection. */
  override publish(_packet: PublishPacket, ...rest: readonly unknown[]): void {
    finish(rest.at(-1));
  }

  override subscribe(_topic: string, _deliver: unknown, done?: Done): void {
    finish(done);
  }

  override unsubscribe(_topic: string, _deliver: unknown, done?: Done): void {
    finish(done);
  }
}

/** `Readable.from([])` would cost an iterator and its promises in every connection. */
function emptyStream(): Readable {
  return new Readable({
    objectMode: true,
    read() {
      this.push(null);
    },
  });
}

function finish(done: unknown): void {
  if (typeof done === "function") (done as Done)();
}

/** A frame id that is not known to be unfinished. */
class UnknownFrame extends Error {
  override readonly name = "UnknownFrame";
  readonly code = "UNKNOWN_FRAME";
}
const unknownFrame = new UnknownFrame("no such frame");

/** What aedes asks of a persistence when every session is clean: unfinished QoS 2 frames, who confirmed what. */
class SessionMemory {
  readonly #confirmed: (client: Client, frameId: number) => void;
  readonly #unfinished = new WeakMap<Client, Set<number>>();

  constructor(confirmed: (client: Client, frameId: number) => void) {
    this.#confirmed = confirmed;
  }

  async setup(): Promise<void> {}
  async cleanSubscriptions(): Promise<void> {}
  async putWill(): Promise<void> {}
  async delWill(): Promise<void> {}

  streamWill(): Readable {
    return emptyStream();
  }

  outgoingStream(): Readable {
    return emptyStream();
  }

  /** aedes pipes it to the subscriber, and nothing is ever retained. */
  createRetainedStreamCombi(): { pipe(): void } {
    return { pipe() {} };
  }

  async outgoingClearMessageId(client: Client, frame: { messageId: number }): Promise<void> {
    this.#confirmed(client, frame.messageId);
  }

  async incomingStorePacket(client: Client, frame: { messageId: number }): Promise<void> {
    const frames = this.#unfinished.get(client) ?? new Set();
    frames.add(frame.messageId);
    this.#unfinished.set(client, frames);
  }

  async incomingGetPacket(client: Client, frame: { messageId: number }): Promise<unknown> {
    if (this.#unfinished.get(client)?.has(frame.messageId) === true) return frame;
    throw unknownFrame;
  }

  async incomingDelPacket(client: Client, frame: { messageId: number }): Promise<void> {
    this.#unfinished.get(client)?.delete(frame.messageId);
  }

  async cleanIncoming(client: Client): Promise<void> {
    this.#unfinished.delete(client);
  }
}
