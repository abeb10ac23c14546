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

type FrameRefusal = "UNKNOWN_METER" | "NOT_OWNER" | "FLOOD" | "DAMAGED_LIMIT" | "LINE_CLOSED";
type CutReason = "SIZE" | "FLOOD" | "NOT_READING" | "FIRST_FRAME_TIMEOUT";

const nothing = new Uint8Array();

interface Waiting {
  readonly bytes: Uint8Array;
  /** Kept for quarantine: it is not answered, and it is no word of the meter about an order. */
  readonly isDamaged: boolean;
}

export class TcpSession implements CommandListener {
  readonly socket: Socket;
  /** It is awake between its report and our answer, and at no other time. */
  readonly isHeardFirst = true;
  readonly #parts: TcpSessionParts;
  #meter: Meter | null = null;
  #rest: Uint8Array = nothing;
  /** Bytes since the last frame that belong to none; what is beyond the longest frame is not kept. */
  #noise: Uint8Array = nothing;
  #waiting: Waiting[] = [];
  #frames = 0;
  #damaged = 0;
  #isStoring = false;
  #isEnding = false;
  /** The meter waits for an answer to its report, and no order has taken this connection yet. */
  #mayOrder = false;
  #order: ((delivered: boolean) => void) | null = null;
  /** The answer to the report, held back until the reply to the order is stored. */
  #owed: Uint8Array | null = null;
  #replyTimer: NodeJS.Timeout | null = null;
  #restTimer: NodeJS.Timeout | null = null;
  /** Since the last whole frame: the socket's own timer would be set back by noise. */
  #idleTimer: NodeJS.Timeout | null = null;
  #graceTimer: NodeJS.Timeout | null = null;

  constructor(socket: Socket, parts: TcpSessionParts) {
    this.socket = socket;
    this.#parts = parts;
    const { limits } = parts;
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("end", () => this.#end());
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#closed());
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
    const { dialect, limits } = this.#parts;
    const split = dialect.split(joined(this.#rest, chunk), false);
    this.#rest = split.rest;
    this.#takeParts(split.parts);
    if (this.socket.destroyed) return;
    if (this.#rest.length > dialect.frameBytesMax) this.#cut("SIZE");
    else if (this.#waiting.length > limits.framesWaitingMax) this.socket.pause();
    this.#awaitRest();
  }

  /** A frame that has begun must end in time; the clock of an unfinished one is not set back by more bytes. */
  #awaitRest(): void {
    if (this.#meter === null) return;
    if (this.#rest.length === 0) {
      this.#stopRestTimer();
      return;
    }
    this.#restTimer ??= setTimeout(() => this.#end(), this.#parts.limits.restTimeoutMs);
  }

  #takeParts(parts: ReturnType<StreamDialect["split"]>["parts"]): void {
    for (const { kind, bytes } of parts) {
      if (kind === "frame") this.#frame(bytes);
      else this.#takeNoise(bytes);
    }
  }

  #takeNoise(bytes: Uint8Array): void {
    const { dialect, observer } = this.#parts;
    observer.note("tcp.noise", { bytes: bytes.length });
    this.#noise = joined(this.#noise, bytes).slice(0, dialect.frameBytesMax);
  }

  #frame(bytes: Uint8Array): void {
    const refusal = this.#refusalOf(bytes);
    if (refusal !== null) {
      this.#refuse(refusal);
      if (refusal === "FLOOD" && !this.socket.destroyed) this.#cut("FLOOD");
      this.socket.destroy();
      return;
    }
    this.#frames += 1;
    this.#idleTimer ??= setTimeout(() => this.#end(), this.#parts.limits.idleTimeoutMs);
    this.#idleTimer.refresh();
    this.#keepDamaged(nothing);
    // Whatever it is, the meter speaks again after the order: it was there to hear it.
    this.#endOrder(true);
    this.#waiting.push({ bytes, isDamaged: false });
    this.#store();
  }

  /** Every whole frame that is read and not stored is counted, also those that came with the last straw. */
  #refusalOf(bytes: Uint8Array): FrameRefusal | null {
    if (this.#frames >= this.#parts.limits.framesPerConnectionMax) return "FLOOD";
    return this.socket.destroyed ? "LINE_CLOSED" : this.#foreign(bytes);
  }

  /** The first frame says whose connection this is. */
  #foreign(bytes: Uint8Array): "UNKNOWN_METER" | "NOT_OWNER" | null {
    const { dialect, directory } = this.#parts;
    const address = dialect.addressOf(bytes);
    if (this.#meter !== null) {
      // A frame that nobody can read goes to quarantine under the connection's meter.
      return address === null || address === this.#meter.frameAddress ? null : "NOT_OWNER";
    }
    const meter = address === null ? undefined : directory.meterByFrameAddress(address);
    if (meter?.protocol !== dialect.protocol) return "UNKNOWN_METER";
    this.#meter = meter;
    this.#stopRestTimer();
    this.#parts.known(this, meter);
    return null;
  }

  /** A damaged frame of a known meter is its word all the same, and waits in quarantine with its reason. */
  #keepDamaged(rest: Uint8Array): void {
    const { dialect, limits } = this.#parts;
    const bytes = dialect.damaged(joined(this.#noise, rest)) ?? rest;
    this.#noise = nothing;
    if (this.#meter === null || bytes.length === 0) return;
    this.#damaged += 1;
    if (this.#damaged > limits.damagedPerConnectionMax) {
      this.#refuse("DAMAGED_LIMIT");
      return;
    }
    this.#waiting.push({ bytes: bytes.slice(0, dialect.frameBytesMax), isDamaged: true });
    this.#store();
  }

  #refuse(reason: FrameRefusal): void {
    const { observer, dialect } = this.#parts;
    observer.note("tcp.frameRefused", { reason, protocol: dialect.protocol });
  }

  #store(): void {
    const next = this.#waiting[0];
    if (this.#isStoring || next === undefined || this.#meter === null) return;
    const { dialect, queue, clock } = this.#parts;
    this.#waiting.shift();
    this.#isStoring = true;
    const { bytes, isDamaged } = next;
    const answer = isDamaged ? null : dialect.answer(bytes);
    this.#mayOrder = answer !== null && this.#owed === null && !this.socket.destroyed;
    const uplink = {
      meterNo: this.#meter.no,
      route: "meter",
      protocol: dialect.protocol,
      bytes,
      receivedAtMs: clock.nowMs(),
      reachable: this.isListening,
    } as const;
    queue.offer(uplink, (failure) => {
      this.#isStoring = false;
      if (failure !== null) this.socket.destroy();
      else if (!isDamaged) this.#stored(answer);
      this.#store();
      if (this.#waiting.length === 0) this.socket.resume();
      if (this.#isEnding) this.#finish();
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
    if (!this.socket.writable) return;
    this.socket.write(bytes);
    if (this.socket.writableLength > this.#parts.limits.unreadBytesMax) this.#cut("NOT_READING");
  }

  /** The line has fallen silent or was closed: what is left may hold frames behind a damaged one. */
  #end(): void {
    this.#stopRestTimer();
    this.#keepRest();
    this.#isEnding = true;
    this.#finish();
  }

  #keepRest(): void {
    const rest = this.#rest;
    this.#rest = nothing;
    const { parts } = this.#parts.dialect.split(rest, true);
    const isWhole = parts.some(({ kind }) => kind === "frame");
    if (this.#meter !== null && isWhole) this.#takeParts(parts);
    // Nothing whole in it: its bytes are kept all the same, as what they are.
    this.#keepDamaged(isWhole ? nothing : rest);
  }

  /** What was taken is settled before the line is ended; a meter that does not end its side is cut. */
  #finish(): void {
    if (!this.isIdle) return;
    this.socket.end();
    this.#graceTimer ??= setTimeout(() => this.socket.destroy(), this.#parts.limits.endGraceMs);
  }

  #stopRestTimer(): void {
    if (this.#restTimer !== null) clearTimeout(this.#restTimer);
    this.#restTimer = null;
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
    this.#stopRestTimer();
    for (const timer of [this.#replyTimer, this.#idleTimer, this.#graceTimer]) {
      if (timer !== null) clearTimeout(timer);
    }
    this.#keepRest();
    this.#mayOrder = false;
    this.#endOrder(false);
  }
}

function joined(rest: Uint8Array, chunk: Uint8Array): Uint8Array {
  return rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
}
