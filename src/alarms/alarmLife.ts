/** The life of an alarm: one step, by the table of ISA-18.2 / IEC 62682 in `alarmTransitions.ts`. */
import type { AlarmState, ConditionLevel } from "#domain/alarm.ts";
import type { AlarmEventKind } from "#domain/event.ts";
import { invariant } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import { alarmTransitions, type AlarmTransition } from "./alarmTransitions.ts";

export interface AlarmLife {
  readonly state: AlarmState;
  /** Whether the condition holds; in a hidden state nothing else tells. */
  readonly holds: boolean;
  /** Counts raises; an acknowledgement covers the one that it names. */
  readonly occurrence: number;
  /** The level while active, afterwards the last one. */
  readonly level: ConditionLevel;
  /** Shelved until it returns once. */
  readonly isOnce?: boolean;
}

export type AlarmInput =
  | { readonly kind: "activate" | "activateHidden"; readonly level: ConditionLevel }
  | { readonly kind: "acknowledge"; readonly occurrence: number }
  /** null: whatever the occurrence is. */
  | { readonly kind: "shelve"; readonly occurrence: number | null; readonly isOnce?: boolean }
  | { readonly kind: Exclude<AlarmTransition["on"], AlarmBegin | "acknowledge" | "shelve"> };

/** What `activate` means depends on what stands already. */
type AlarmBegin =
  "activate" | "activateHidden" | "continue" | "escalate" | "escalateHidden" | "returnOnce";

export type AlarmFault = "occurrence-changed" | "not-allowed-in-state";

export interface AlarmStep {
  readonly life: AlarmLife;
  readonly happened: readonly AlarmEventKind[];
}

/** An alarm that was never raised. */
export const newLife: AlarmLife = Object.freeze({
  state: "normal",
  holds: false,
  occurrence: 0,
  level: 0,
});

const rows: ReadonlyMap<string, AlarmTransition> = new Map(
  alarmTransitions.map((row) => [`${row.from} ${row.on}`, row]),
);

/** One step of an alarm's life; "alarm.cleared" is added whenever the life ends in normal. */
export function stepAlarm(
  latching: boolean,
  life: AlarmLife,
  input: AlarmInput,
): Result<AlarmStep, AlarmFault> {
  const beginsAt = "level" in input ? input.level : null;
  invariant(beginsAt !== 0, "an active condition has a level");
  const seen = "occurrence" in input ? input.occurrence : null;
  if (seen !== null && seen !== life.occurrence) return fail("occurrence-changed");
  const row = transitionOf(life, input);
  if (row === undefined) return fail("not-allowed-in-state");
  const holds = beginsAt !== null || (input.kind !== "return" && life.holds);
  const state = targetOf(row, latching, holds);
  const isNew = row.isNewOccurrence === true && holds;
  const isCleared = state === "normal" && life.state !== "normal";
  return ok({
    life: {
      state,
      holds,
      occurrence: life.occurrence + (isNew ? 1 : 0),
      level: beginsAt ?? life.level,
    },
    happened: [
      ...row.happened,
      ...(holds ? (row.happenedIfHolding ?? []) : []),
      ...(isCleared ? (["alarm.cleared"] as const) : []),
    ],
  });
}

/** The row of the table by which this input moves this alarm; undefined: it is refused. */
export function transitionOf(life: AlarmLife, input: AlarmInput): AlarmTransition | undefined {
  const { kind } = input;
  const isNothing =
    (kind === "acknowledge" && life.occurrence === 0) ||
    (kind === "return" && !life.holds) ||
    (kind === "shelve" && input.isOnce === true && !life.holds);
  return isNothing ? undefined : rows.get(`${life.state} ${happeningOf(life, input)}`);
}

function targetOf(row: AlarmTransition, latching: boolean, holds: boolean): AlarmState {
  if (holds) return row.to;
  return (latching ? row.toIfLatched : undefined) ?? row.toIfOver ?? row.to;
}

function happeningOf(life: AlarmLife, input: AlarmInput): AlarmTransition["on"] {
  const { state, holds, level } = life;
  if (input.kind === "return" && state === "shelved" && life.isOnce === true) return "returnOnce";
  if (input.kind !== "activate" && input.kind !== "activateHidden") return input.kind;
  const isGraver = input.level > level;
  const mayStay = state === "suppressed" || state === "out-of-service";
  // Under another alarm begins what does not stand yet; where it stands, it can only stay hidden.
  if (input.kind === "activateHidden") {
    if (!mayStay) return "activateHidden";
    if (!holds) return "activate";
    return isGraver ? "escalateHidden" : "continue";
  }
  // What was hidden is not what comes back graver, whether it went in between or not.
  if (isGraver && (mayStay || state === "shelved")) return "escalate";
  if (!holds) return "activate";
  return isGraver ? "escalate" : "continue";
}
