/** Every limit of the TCP listener, each with its name; reaching one is a named event. */
import { secondMs } from "#domain/units.ts";

export interface TcpLimits {
  readonly connectionsMax: number;
  /** Connections of one address that have not sent a frame yet; a whole radio network may share an address. */
  readonly waitingPerAddressMax: number;
  readonly admissionsPerSecondMax: number;
  readonly backlog: number;
  /** From the connection to the first whole frame: one byte a second is cut. */
  readonly firstFrameTimeoutMs: number;
  /** The rest of a frame that has begun (faults-and-security 6, row 1). */
  readonly restTimeoutMs: number;
  /** No whole frame, from a meter that was told to sleep; noise does not count. */
  readonly idleTimeoutMs: number;
  /** How long the answer to a report is held back for the reply to an order. */
  readonly replyTimeoutMs: number;
  /** Frames of one connection: a meter sends two or three. */
  readonly framesPerConnectionMax: number;
  /** Damaged frames of one connection that are kept for quarantine. */
  readonly damagedPerConnectionMax: number;
  /** Frames that wait while one is being stored; then nothing more is read. */
  readonly framesWaitingMax: number;
  /** Bytes that we wrote and nobody read. */
  readonly unreadBytesMax: number;
  /** How long a meter may leave a connection open that we have ended. */
  readonly endGraceMs: number;
  /** How long a stop waits for the commit of what was taken in. */
  readonly closeGraceMs: number;
}

export const defaultTcpLimits: TcpLimits = {
  connectionsMax: 10_000,
  waitingPerAddressMax: 5_000,
  admissionsPerSecondMax: 2_000,
  backlog: 4_096,
  firstFrameTimeoutMs: 10 * secondMs,
  restTimeoutMs: 10 * secondMs,
  idleTimeoutMs: 60 * secondMs,
  replyTimeoutMs: 10 * secondMs,
  framesPerConnectionMax: 100,
  damagedPerConnectionMax: 3,
  framesWaitingMax: 16,
  unreadBytesMax: 4 * 1024,
  endGraceMs: 5 * secondMs,
  closeGraceMs: 5 * secondMs,
};
