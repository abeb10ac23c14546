/**
 * ISA-18.2 / IEC 62682 as one table: what may happen to an alarm in each of its states. The code only looks it
 * up, and docs/ALARMS.md shows it. gas-domain 3.1.
 */
import type { AlarmState } from "#domain/alarm.ts";
import type { AlarmEventKind } from "#domain/event.ts";

/**
 * What can happen. `activate` is a condition that begins, `activateHidden` one that begins under another alarm,
 * `continue` one that goes on, `escalate` one that has become graver, `escalateHidden` one that is graver and still
 * explained by what hides it, `returnOnce` the end of one that was shelved until it returns. `reAlarm`, `noAnswer`
 * and the end of a shelf come from the watch, `suppress`, `release`, `remove` and `restore` from the design, the rest
 * from people.
 */
type Happening =
  | "activate"
  | "activateHidden"
  | "continue"
  | "escalate"
  | "escalateHidden"
  | "return"
  | "returnOnce"
  | "acknowledge"
  | "reset"
  | "shelve"
  | "unshelve"
  | "suppress"
  | "release"
  | "remove"
  | "restore"
  | "reAlarm"
  | "noAnswer";

export interface AlarmTransition {
  readonly from: AlarmState;
  readonly on: Happening;
  readonly to: AlarmState;
  /** Where it goes instead when the condition no longer holds. */
  readonly toIfOver?: AlarmState;
  /** The same for a latching alarm: it waits for a reset by a person. */
  readonly toIfLatched?: AlarmState;
  /** True: a new occurrence, which no earlier acknowledgement covers; only while the condition holds. */
  readonly isNewOccurrence?: boolean;
  readonly happened: readonly AlarmEventKind[];
  /** What is also told when the condition holds: it rings again. */
  readonly happenedIfHolding?: readonly AlarmEventKind[];
}

/** Standing alarms can be hidden: by a person for a time, by design, or with their meter. */
function hide(from: AlarmState): readonly AlarmTransition[] {
  return [
    { from, on: "shelve", to: "shelved", happened: ["alarm.shelved"] },
    { from, on: "suppress", to: "suppressed", happened: ["alarm.suppressed"] },
    remove(from),
  ];
}

function remove(from: AlarmState): AlarmTransition {
  return { from, on: "remove", to: "out-of-service", happened: ["alarm.removed"] };
}

/** Hidden is not unheard: the record goes on, only nothing rings. */
function recorded(from: AlarmState): readonly AlarmTransition[] {
  return [
    { from, on: "activate", to: from, isNewOccurrence: true, happened: ["alarm.reraised"] },
    stay(from, "continue"),
    { from, on: "return", to: from, happened: ["alarm.returned"] },
  ];
}

/** Back into sight: it rings when the condition holds, and a latch is not lost. */
function show(
  from: AlarmState,
  on: "unshelve" | "release" | "restore",
  kind: AlarmEventKind,
): AlarmTransition {
  return {
    from,
    on,
    to: "unacknowledged",
    toIfOver: "normal",
    toIfLatched: "latched-unacknowledged",
    isNewOccurrence: true,
    happened: [kind],
    happenedIfHolding: ["alarm.reraised"],
  };
}

function raise(from: AlarmState, kind: AlarmEventKind): AlarmTransition {
  return { from, on: "activate", to: "unacknowledged", isNewOccurrence: true, happened: [kind] };
}

function escalate(from: AlarmState, to: AlarmState): AlarmTransition {
  return { from, on: "escalate", to, isNewOccurrence: true, happened: ["alarm.escalated"] };
}

/** Graver, and what hides it explains that, too. */
function escalateHidden(state: AlarmState): AlarmTransition {
  const happened = ["alarm.escalated"] as const;
  return { from: state, on: "escalateHidden", to: state, isNewOccurrence: true, happened };
}

function stay(state: AlarmState, on: Happening): AlarmTransition {
  return { from: state, on, to: state, happened: [] };
}

function noAnswer(state: AlarmState): AlarmTransition {
  return { from: state, on: "noAnswer", to: state, happened: ["alarm.unanswered"] };
}

function acknowledge(from: AlarmState, to: AlarmState): AlarmTransition {
  return { from, on: "acknowledge", to, happened: ["alarm.acknowledged"] };
}

/** What is not in this table is refused. */
export const alarmTransitions: readonly AlarmTransition[] = [
  raise("normal", "alarm.raised"),
  // A consequence of something that stands already is never heard at all.
  {
    from: "normal",
    on: "activateHidden",
    to: "suppressed",
    isNewOccurrence: true,
    happened: ["alarm.suppressed"],
  },
  // Two consoles acknowledge a returned alarm at once: the first one ends it, the second one was right too.
  stay("normal", "acknowledge"),

  stay("unacknowledged", "continue"),
  escalate("unacknowledged", "unacknowledged"),
  {
    from: "unacknowledged",
    on: "return",
    to: "returned-unacknowledged",
    toIfLatched: "latched-unacknowledged",
    happened: ["alarm.returned"],
  },
  acknowledge("unacknowledged", "acknowledged"),
  noAnswer("unacknowledged"),
  ...hide("unacknowledged"),

  stay("acknowledged", "continue"),
  escalate("acknowledged", "unacknowledged"),
  {
    from: "acknowledged",
    on: "return",
    to: "normal",
    toIfLatched: "latched-acknowledged",
    happened: ["alarm.returned"],
  },
  stay("acknowledged", "acknowledge"),
  {
    from: "acknowledged",
    on: "reAlarm",
    to: "unacknowledged",
    isNewOccurrence: true,
    happened: ["alarm.reraised"],
  },
  ...hide("acknowledged"),

  raise("returned-unacknowledged", "alarm.reraised"),
  acknowledge("returned-unacknowledged", "normal"),
  ...hide("returned-unacknowledged"),

  raise("latched-unacknowledged", "alarm.reraised"),
  acknowledge("latched-unacknowledged", "latched-acknowledged"),
  noAnswer("latched-unacknowledged"),
  ...hide("latched-unacknowledged"),

  raise("latched-acknowledged", "alarm.reraised"),
  stay("latched-acknowledged", "acknowledge"),
  { from: "latched-acknowledged", on: "reset", to: "normal", happened: ["alarm.reset"] },
  ...hide("latched-acknowledged"),

  ...recorded("shelved"),
  // What has become graver is not what was shelved.
  escalate("shelved", "unacknowledged"),
  // It has returned once: the shelf is empty, and the next time rings. A latch is not lost.
  {
    from: "shelved",
    on: "returnOnce",
    to: "normal",
    toIfLatched: "latched-unacknowledged",
    happened: ["alarm.returned", "alarm.unshelved"],
  },
  { from: "shelved", on: "shelve", to: "shelved", happened: ["alarm.shelved"] },
  show("shelved", "unshelve", "alarm.unshelved"),
  remove("shelved"),

  ...recorded("suppressed"),
  // What hides it explains this much and no more.
  escalate("suppressed", "unacknowledged"),
  escalateHidden("suppressed"),
  stay("suppressed", "suppress"),
  show("suppressed", "release", "alarm.released"),
  remove("suppressed"),

  ...recorded("out-of-service"),
  escalate("out-of-service", "unacknowledged"),
  escalateHidden("out-of-service"),
  stay("out-of-service", "remove"),
  show("out-of-service", "restore", "alarm.restored"),
];
