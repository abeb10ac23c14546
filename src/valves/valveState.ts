/** Everything that is kept about one meter's valve between two inputs: plain data, small. */
import type { Command, CommandAction, CommandState } from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { ReplyResult, ValvePosition } from "#domain/telegram.ts";
import type { TimestampMs, VolumeMl } from "#domain/units.ts";

/** The one command that has not ended, with what is known about its effect. */
export interface OpenCommand {
  readonly command: Command;
  /** Register at the first reading of the shut valve; consumption is counted from here. */
  readonly shutIndexMl: VolumeMl | null;
  readonly quietReadings: number;
  /**
   * Meter's clock of the newest reading that speaks about this attempt. Before execution it means: the meter
   * has reported since the attempt, and the valve was not closed, so a second attempt is allowed.
   */
  readonly lastEvidenceAtMs: TimestampMs | null;
  /** Our clock of the last step forward: a new state, or proof counted towards verification. */
  readonly progressAtMs: TimestampMs;
  /** What the meter last answered; the same again is a repetition of its radio. */
  readonly lastResult: ReplyResult | null;
}

/** An order of this meter that has ended: a later answer to it is late, not foreign. */
export interface EndedOrder {
  readonly id: CommandId;
  readonly sequence: number;
  readonly lastResult: ReplyResult | null;
}

/** What is known about a meter's valve and what was ordered. */
export interface ValveState {
  /** By the meter's own word. */
  readonly position: ValvePosition | null;
  /** Meter's clock of that report. */
  readonly positionAtMs: TimestampMs | null;
  /**
   * The word came without a time that could be believed, so it may be an old one: it is shown, but no close for a
   * leak is called off by it.
   */
  readonly isPositionUndated: boolean;
  readonly outstanding: OpenCommand | null;
  /** 0..255, fresh per command. */
  readonly nextSequence: number;
  /**
   * How the last ended close went, while that still needs a person (rule R15). `failed` and `expired` end with
   * a reading that reports closed and carries a register, for then R9 watches; `passing` ends when the valve is
   * reported open, for then somebody is at the meter; all end with a verified close. `no-word`: after a close left, the
   * meter has not been heard again for two reports; it ends with the next one.
   */
  readonly trouble: "failed" | "expired" | "passing" | "no-word" | null;
  /** Opened at the meter with a permission, not long ago: is what flows under control? */
  readonly opening: OpeningWatch | null;
  /** Where it last was at rest; between, it may be `moving`. */
  readonly resting: "open" | "closed" | null;
  /** Movements from rest to rest that the meter has shown, whoever brought them about. */
  readonly actuations: number;
  /** The newest orders that ended. */
  readonly ended: readonly EndedOrder[];
  /** When the last two orders left, our clock: a meter that wakes is given no more at once. */
  readonly sendsMs: readonly TimestampMs[];
}

/** From the first reading that says open after a permission; meter's clock. */
export interface OpeningWatch {
  readonly sinceMs: TimestampMs;
  readonly lastMs: TimestampMs;
  readonly lastIndexMl: VolumeMl | null;
}

/** A meter of which nothing is known yet. */
export const initialValveState: ValveState = Object.freeze({
  position: null,
  positionAtMs: null,
  isPositionUndated: false,
  outstanding: null,
  nextSequence: 0,
  trouble: null,
  opening: null,
  resting: null,
  actuations: 0,
  ended: [],
  sendsMs: [],
});

/** What has never left may be replaced by a newer order; whatever is no close, by a close at any time. */
export function canSupersede(state: ValveState, action: CommandAction): boolean {
  const command = state.outstanding?.command;
  if (command === undefined) return false;
  if (command.action === "close" && action !== "close") return false;
  return isUnsent(command) || (action === "close" && command.action !== "close");
}

/** The command is outstanding and waits here; what the meter may already have cannot be called back. */
export function canCancel(state: ValveState, id: CommandId): boolean {
  const command = state.outstanding?.command;
  return command?.id === id && cancellable.includes(command.state);
}

const cancellable: readonly CommandState[] = ["requested", "held", "queued"];

/** Nobody has said yes to it: neither asked for by a person nor let go by two. */
export function isAutomatic({ cause, approvals }: Command): boolean {
  return cause.kind === "alarm" && approvals.length === 0;
}

/** Never handed to a session. */
export function isUnsent(command: Command): boolean {
  return command.sentAtMs === null;
}
