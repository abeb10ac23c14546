/**
 * The life of an alarm: ISA-18.2 / IEC 62682 without shelving, suppression and out of service, which the states
 * of the domain already name. One table says everything; the code only looks it up. gas-domain 3.1.
 */
import type { AlarmState, ConditionLevel } from "#domain/alarm.ts";
import type { AlarmEventKind } from "#domain/event.ts";
import { invariant } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";

export interface AlarmLife {
  readonly state: AlarmState;
  /** Counts raises; an acknowledgement covers the one that it names. */
  readonly occurrence: number;
  /** The level while active, afterwards the last one. */
  readonly level: ConditionLevel;
}

export type AlarmInput =
  | { readonly kind: "activate"; readonly level: ConditionLevel }
  | { readonly kind: "return" }
  | { readonly kind: "acknowledge"; readonly occurrence: number }
  | { readonly kind: "reset" };

/** An alarm that was never raised. */
export const newLife: AlarmLife = Object.freeze({ state: "normal", occurrence: 0, level: 0 });

/** What can happen to an alarm; a condition that becomes more serious is a new reason to look. */
type AlarmTrigger = "activate" | "escalate" | "return" | "acknowledge" | "reset";

export interface AlarmTransition {
  readonly from: AlarmState;
  readonly on: AlarmTrigger;
  readonly to: AlarmState;
  /** Where a latching alarm goes instead: it waits for a reset by a person. */
  readonly latchedTo?: AlarmState;
  /** True: a new occurrence, which no earlier acknowledgement covers. */
  readonly isNewOccurrence?: boolean;
  readonly happened: readonly AlarmEventKind[];
}

/** What is not in this table is refused. */
export const alarmTransitions: readonly AlarmTransition[] = [
  raise("normal", "alarm.raised"),

  stay("unacknowledged", "activate"),
  escalate("unacknowledged"),
  {
    from: "unacknowledged",
    on: "return",
    to: "returned-unacknowledged",
    latchedTo: "latched-unacknowledged",
    happened: ["alarm.returned"],
  },
  {
    from: "unacknowledged",
    on: "acknowledge",
    to: "acknowledged",
    happened: ["alarm.acknowledged"],
  },

  stay("acknowledged", "activate"),
  escalate("acknowledged"),
  {
    from: "acknowledged",
    on: "return",
    to: "normal",
    latchedTo: "latched-acknowledged",
    happened: ["alarm.returned"],
  },
  stay("acknowledged", "acknowledge"),

  raise("returned-unacknowledged", "alarm.reraised"),
  {
    from: "returned-unacknowledged",
    on: "acknowledge",
    to: "normal",
    happened: ["alarm.acknowledged"],
  },

  raise("latched-unacknowledged", "alarm.reraised"),
  {
    from: "latched-unacknowledged",
    on: "acknowledge",
    to: "latched-acknowledged",
    happened: ["alarm.acknowledged"],
  },

  raise("latched-acknowledged", "alarm.reraised"),
  stay("latched-acknowledged", "acknowledge"),
  { from: "latched-acknowledged", on: "reset", to: "normal", happened: ["alarm.reset"] },

  // Two consoles acknowledge a returned alarm at once: the first one ends it, the second one was right too.
  stay("normal", "acknowledge"),
];

function raise(from: AlarmState, kind: AlarmEventKind): AlarmTransition {
  return { from, on: "activate", to: "unacknowledged", isNewOccurrence: true, happened: [kind] };
}

function escalate(from: AlarmState): AlarmTransition {
  const happened = ["alarm.escalated"] as const;
  return { from, on: "escalate", to: "unacknowledged", isNewOccurrence: true, happened };
}

function stay(state: AlarmState, on: AlarmTrigger): AlarmTransition {
  return { from: state, on, to: state, happened: [] };
}

/** One step of an alarm's life; "alarm.cleared" is added whenever the life ends in normal. */
export function stepAlarm(
  latching: boolean,
  life: AlarmLife,
  input: AlarmInput,
): Result<
  { readonly life: AlarmLife; readonly happened: readonly AlarmEventKind[] },
  "occurrence-changed" | "not-allowed-in-state"
> {
  invariant(input.kind !== "activate" || input.level > 0, "an active condition has a level");
  if (input.kind === "acknowledge" && input.occurrence !== life.occurrence) {
    return fail("occurrence-changed");
  }
  const on = triggerOf(life, input);
  const row = alarmTransitions.find((each) => each.from === life.state && each.on === on);
  if (row === undefined || (on === "acknowledge" && life.occurrence === 0)) {
    return fail("not-allowed-in-state");
  }
  const state = latching ? (row.latchedTo ?? row.to) : row.to;
  const isCleared = state === "normal" && life.state !== "normal";
  return ok({
    life: {
      state,
      occurrence: life.occurrence + (row.isNewOccurrence === true ? 1 : 0),
      level: input.kind === "activate" ? input.level : life.level,
    },
    happened: isCleared ? [...row.happened, "alarm.cleared"] : row.happened,
  });
}

function triggerOf(life: AlarmLife, input: AlarmInput): AlarmTrigger {
  if (input.kind !== "activate") return input.kind;
  const isActive = life.state === "unacknowledged" || life.state === "acknowledged";
  return isActive && input.level > life.level ? "escalate" : "activate";
}
