/** Everything that is kept about one meter's valve between two inputs: plain data, small. */
import type { Command } from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { ValvePosition } from "#domain/telegram.ts";
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
}

/** What is known about a meter's valve and what was ordered. */
export interface ValveState {
  /** By the meter's own word. */
  readonly position: ValvePosition | null;
  /** Meter's clock of that report. */
  readonly positionAtMs: TimestampMs | null;
  readonly outstanding: OpenCommand | null;
  /** 0..255, fresh per command. */
  readonly nextSequence: number;
  /**
   * How the last ended close went, while that still needs a person (rule R15). `failed` and `expired` end with
   * a reading that reports closed and carries a register, for then R9 watches; `passing` ends when the valve is
   * reported open, for then somebody is at the meter; all end with a verified close.
   */
  readonly trouble: "failed" | "expired" | "passing" | null;
}

/** A meter of which nothing is known yet. */
export const initialValveState: ValveState = Object.freeze({
  position: null,
  positionAtMs: null,
  outstanding: null,
  nextSequence: 0,
  trouble: null,
});

/** The outstanding command has never left, so a newer order may take its place. */
export function canSupersede(state: ValveState): boolean {
  return state.outstanding !== null && isUnsent(state.outstanding.command);
}

/** The command is outstanding and waits here; what the meter may already have cannot be called back. */
export function canCancel(state: ValveState, id: CommandId): boolean {
  const command = state.outstanding?.command;
  return command?.id === id && (command.state === "held" || command.state === "queued");
}

/** Never handed to a session. */
export function isUnsent(command: Command): boolean {
  return command.sentAtMs === null;
}
