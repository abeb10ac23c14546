/**
 * One connection of a meter that speaks frames over TCP. Its frames are stored one after the other, and each is
 * answered only when it is on disk. The standard has no log-in: a connection belongs to the meter whose address stands
 * in its first frame, and to no other after that.
 *
 *     report ->  stored  -> answer "sleep"
 *     report ->  stored  -> order in its place -> reply -> stored -> answer "sleep"
 */
import type { Socket } from "node:net";
import type { Meter } from "#domain/meter.ts";
import type { Clock } from "#ports/clock.ts";
import type {
  CommandListener,
  IntakeDirectory,
  StreamDialect,
  UplinkQueue,
} from "#ports/intake.ts";
import type { Observer } from "#ports/observer.ts";
import type { TcpLimits } from "./limits.ts";

export interface TcpSessionParts {
  readonly limits: TcpLimits;
  readonly dialect: StreamDialect;
  readonly directory: IntakeDirectory;
  readonly queue: UplinkQueue;
  readonly observer: Observer;
  readonly clock: Clock;
  /** The connection has shown whose it is. */
  known(session: TcpSession, meter: Meter): void;
}

type CutReason = "SIZE" | "FLOOD" | "NOT_READING" | "FIRST_FRAME_TIMEOUT";

const nothing = new Uint8Array();

export class TcpSession implements CommandListener {
  readonly socket: Socket;
  /** It is awake between its report and our answer, and at no other time. */
  readonly isHeardFirst = true;
  readonly #parts: TcpSessionParts;
  #meter: Meter | null = null;
  #rest: Uint8Array = nothing;
  #waiting: Uint8Array[] = [];
  #frames = 0;
  #isStoring = false;
  #isEnding = false;
  /** The meter waits for an answer to its report, and no order has taken this connection yet. */
  #mayOrder = false;
  #order: ((delivered: boolean) => void) | null = null;
  /** The answer to the report, held back until the reply to the order is stored. */
  #owed: Uint8Array | null = null;
  #replyTimer: NodeJS.Timeout | null = null;
  #restTimer: NodeJS.Timeout | null = null;

  constructor(socket: Socket, parts: TcpSessionParts) {
    this.socket = socket;
    this.#parts = parts;
    const { limits } = parts;
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("end", () => this.#end());
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#closed());
    socket.setTimeout(limits.idleTimeoutMs, () => socket.destroy());
    this.#restTimer = setTimeout(
      () => this.#cut("FIRST_FRAME_TIMEOUT"),
      limits.firstFrameTimeoutMs,
    );
    socket.resume();
  }

  /** True while an order would reach the meter: it is awake and waits for our answer. */
  get isListening(): boolean {
    return this.#mayOrder && !this.socket.destroyed;
  }

  get isIdle(): boolean {
    return !this.#isStoring && this.#waiting.length === 0;
  }

  carry({ bytes }: { readonly bytes: Uint8Array }, ended: (delivered: boolean) => void): void {
    if (!this.isListening) {
      ended(false);
      return;
    }
    this.#mayOrder = false;
    this.#order = ended;
    this.#write(bytes);
  }

  #take(chunk: Uint8Array): void {
    const { dialect, limits, observer } = this.#parts;
    const split = dialect.split(joined(this.#rest, chunk), false);
    this.#rest = split.rest;
    if (split.noiseBytes > 0) observer.note("tcp.noise", { bytes: split.noiseBytes });
    for (const frame of split.frames) this.#frame(frame);
    if (this.socket.destroyed) return;
    if (this.#rest.length > dialect.frameBytesMax) this.#cut("SIZE");
    else if (this.#waiting.length > limits.framesWaitingMax) this.socket.pause();
    this.#awaitRest();
  }

  /** A frame that has begun must end in time; the clock of an unfinished one is not set back by more bytes. */
  #awaitRest(): void {
    if (this.#meter === null) return;
    if (this.#rest.length === 0) {
      if (this.#restTimer !== null) clearTimeout(this.#restTimer);
      this.#restTimer = null;
      return;
    }
    this.#restTimer ??= setTimeout(() => this.#end(), this.#parts.limits.restTimeoutMs);
  }

  #frame(frame: Uint8Array): void {
    if (this.socket.destroyed || !this.#belongs(frame)) return;
    this.#frames += 1;
    if (this.#frames > this.#parts.limits.framesPerConnectionMax) {
      this.#cut("FLOOD");
      return;
    }
    // Whatever it is, the meter speaks again after the order: it was there to hear it.
    this.#endOrder(true);
    this.#waiting.push(frame);
    this.#store();
  }

  /** The first frame says whose connection this is. */
  #belongs(frame: Uint8Array): boolean {
    const { dialect, directory, observer } = this.#parts;
    const address = dialect.addressOf(frame);
    if (this.#meter !== null) {
      // A frame that nobody can read goes to quarantine under the connection's meter.
      if (address === null || address === this.#meter.frameAddress) return true;
      observer.note("tcp.frameRefused", { reason: "NOT_OWNER", protocol: dialect.protocol });
      this.socket.destroy();
      return false;
    }
    const meter = address === null ? undefined : directory.meterByFrameAddress(address);
    if (meter?.protocol !== dialect.protocol) {
      observer.note("tcp.frameRefused", { reason: "UNKNOWN_METER", protocol: dialect.protocol });
      this.socket.destroy();
      return false;
    }
    this.#meter = meter;
    if (this.#restTimer !== null) clearTimeout(this.#restTimer);
    this.#restTimer = null;
    this.#parts.known(this, meter);
    return true;
  }

  #store(): void {
    const frame = this.#waiting[0];
    if (this.#isStoring || frame === undefined || this.#meter === null) return;
    const { dialect, queue, clock } = this.#parts;
    this.#waiting.shift();
    this.#isStoring = true;
    const answer = dialect.answer(frame);
    this.#mayOrder = answer !== null && this.#owed === null && !this.socket.destroyed;
    const uplink = {
      meterNo: this.#meter.no,
      route: "meter",
      protocol: dialect.protocol,
      bytes: frame,
      receivedAtMs: clock.nowMs(),
      reachable: this.isListening,
    } as const;
    queue.offer(uplink, (failure) => {
      this.#isStoring = false;
      if (failure === null) this.#stored(answer);
      else this.socket.destroy();
      this.#store();
      if (this.#waiting.length === 0) this.socket.resume();
      if (this.#isEnding && this.isIdle) this.socket.end();
    });
  }

  /** On disk. An order that left in the same breath stands in the answer's place. */
  #stored(answer: Uint8Array | null): void {
    this.#mayOrder = false;
    if (answer !== null && this.#order !== null) {
      this.#owed = answer;
      const { replyTimeoutMs } = this.#parts.limits;
      this.#replyTimer = setTimeout(() => this.#payOwed(), replyTimeoutMs);
    } else if (answer !== null) {
      this.#write(answer);
    } else {
      this.#payOwed();
    }
  }

  #payOwed(): void {
    if (this.#replyTimer !== null) clearTimeout(this.#replyTimer);
    const owed = this.#owed;
    this.#owed = null;
    if (owed !== null) this.#write(owed);
  }

  #write(bytes: Uint8Array): void {
    if (this.socket.destroyed) return;
    this.socket.write(bytes);
    if (this.socket.writableLength > this.#parts.limits.unreadBytesMax) this.#cut("NOT_READING");
  }

  /** The line has fallen silent or was closed: what is left may hold frames behind a damaged one. */
  #end(): void {
    const { dialect } = this.#parts;
    const rest = this.#rest;
    this.#rest = nothing;
    if (this.#meter !== null && rest.length > 0) {
      const { frames } = dialect.split(rest, true);
      // Nothing whole in it: its bytes are kept all the same, as what they are.
      for (const frame of frames.length > 0 ? frames : [rest]) this.#frame(frame);
    }
    this.#isEnding = true;
    if (this.isIdle) this.socket.end();
  }

  #cut(reason: CutReason): void {
    const { observer, dialect } = this.#parts;
    observer.note("tcp.cut", { reason, protocol: dialect.protocol });
    this.socket.destroy();
  }

  #endOrder(delivered: boolean): void {
    const ended = this.#order;
    this.#order = null;
    ended?.(delivered);
  }

  #closed(): void {
    if (this.#restTimer !== null) clearTimeout(this.#restTimer);
    if (this.#replyTimer !== null) clearTimeout(this.#replyTimer);
    this.#mayOrder = false;
    this.#endOrder(false);
  }
}

function joined(rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  return rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
}
