import { describe, expect, test } from "vitest";
import { commandActions, commandStates } from "#domain/command.ts";
import { commandEvents, commandTable, intendedPosition, isEnded } from "#valves/commandTable.ts";
import { stepValve } from "#valves/stepValve.ts";
import { initialValveState } from "#valves/valveState.ts";
import {
  approve,
  cancel,
  clock,
  contact,
  delivered,
  order,
  orderAsked,
  orderHeld,
  orderPermit,
  reading,
  reply,
  restart,
  settings,
  undelivered,
  voided,
} from "./kit.ts";
import type { Act } from "./kit.ts";

type Script = readonly (readonly [number, Act])[];

const queued: Script = [[0, order]];
const sent: Script = [...queued, [1, contact]];
const handed: Script = [...sent, [1, delivered]];
const again: Script = [...sent, [1, undelivered]];
const accepted: Script = [...handed, [2, reply("accepted")]];
const executed: Script = [...handed, [2, reading("closed")]];
const unknown: Script = [...sent, [1, restart]];
const day = 27 * 60;
/** A permission that waits for its approval, left, and was answered. */
const permitAsked: Script = [
  [0, reading("closed")],
  [0, orderPermit],
];
const permitted: Script = [
  ...permitAsked,
  [1, approve("ben")],
  [1, contact],
  [1, delivered],
  [2, reply("executed")],
];

/** For each row of the table, inputs that walk it last. Rows from `requested` are the judge's. */
const walks: Readonly<Record<string, Script>> = {
  "requested cancel cancelled": [
    [0, orderAsked],
    [1, cancel],
  ],
  "requested expire expired": [
    [0, orderAsked],
    [10, clock],
  ],
  "held approve held": [
    [0, orderHeld],
    [1, approve("ben")],
  ],
  "held release authorised": [
    [0, orderHeld],
    [1, approve("ben")],
    [2, approve("carl")],
  ],
  "held cancel cancelled": [
    [0, orderHeld],
    [1, cancel],
  ],
  "held expire expired": [
    [0, orderHeld],
    [60, clock],
  ],
  "authorised queue queued": queued,
  "authorised cancel cancelled": [...sent, [2, order]],
  "queued send sent": sent,
  "queued cancel cancelled": [...queued, [1, cancel]],
  "queued expire expired": [...queued, [60, clock]],
  "queued accept accepted": [...again, [2, reply("accepted")]],
  "queued execute executed": [...again, [2, reading("closed")]],
  "queued fail failed": [...again, [2, reply("refused")]],
  "sent deliver delivered": handed,
  "sent giveBack queued": again,
  "sent lose unknown": unknown,
  "sent accept accepted": [...sent, [1, reply("accepted")]],
  "sent execute executed": [...sent, [1, reply("executed")]],
  "sent fail failed": [...sent, [1, reply("failed")]],
  "sent expire expired": [...sent, [60, undelivered]],
  "delivered accept accepted": accepted,
  "delivered execute executed": executed,
  "delivered fail failed": [...handed, [2, reading("fault")]],
  "delivered send sent": [...handed, [10, reading("open")], [10, contact]],
  "accepted execute executed": [...accepted, [3, reading("closed")]],
  "accepted fail failed": [...accepted, [3, reply("failed")]],
  "accepted send sent": [...accepted, [10, reading("open")], [10, contact]],
  "unknown deliver delivered": [...unknown, [2, delivered]],
  "unknown giveBack queued": [...unknown, [2, undelivered]],
  "unknown requeue queued": [...unknown, [2, reading("open")]],
  "unknown accept accepted": [...unknown, [2, reply("accepted")]],
  "unknown execute executed": [...unknown, [2, reading("closed")]],
  "unknown fail failed": [...unknown, [day, clock]],
  "unknown expire expired": [...unknown, [70, reading("open")]],
  "executed verify verified": [...executed, [10, reading("closed")], [20, reading("closed")]],
  "executed pass passing": [...executed, [10, reading("closed", 1_020_000)]],
  "executed fail failed": [...executed, [10, reading("open")]],
  "executed expire expired": [...permitted, [60, clock]],
  "requested void cancelled": [...permitAsked, [1, voided]],
  "held void cancelled": [
    [0, orderHeld],
    [1, voided],
  ],
  "queued void cancelled": [...queued, [1, voided]],
  "sent void cancelled": [...sent, [1, voided]],
  "delivered void cancelled": [...handed, [1, voided]],
  "accepted void cancelled": [...accepted, [3, voided]],
  "unknown void cancelled": [...unknown, [2, voided]],
  "executed void cancelled": [...executed, [3, voided]],
};

/** Rows that the judge walks; judge.test.ts shows them. */
const ofTheJudge = (name: string) =>
  /^requested (authorise|refuse|hold) /.test(name) || name.includes(" supersede ");
const rows = commandTable.map(({ from, event, to }) => ({
  from,
  to,
  name: `${from} ${event} ${to}`,
}));

describe("the command table", () => {
  test("each row is walked by an input, and nothing else is listed", () => {
    const walked = rows.map(({ name }) => name).filter((name) => !ofTheJudge(name));
    expect(Object.keys(walks).toSorted()).toEqual(walked.toSorted());
  });

  test.each(rows.filter(({ name }) => !ofTheJudge(name)))("$name", ({ name, from, to }) => {
    let state = initialValveState;
    let former = "";
    let latest: readonly string[] = [];
    for (const [minute, act] of walks[name] ?? []) {
      const input = act(minute);
      former =
        input.kind === "order" ? input.command.state : (state.outstanding?.command.state ?? "");
      const step = stepValve(settings, state, input);
      latest = step.changes.flatMap(({ transitions }) => transitions.map((each) => each.state));
      state = step.state;
    }
    expect([former, ...latest].join(" ")).toContain(`${from} ${to}`);
  });

  test("one event has one outcome", () => {
    const keys = commandTable.map(({ from, event }) => `${from} ${event}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("each state and each event of the trade is in it", () => {
    const states = new Set(commandTable.flatMap(({ from, to }) => [from, to]));
    expect([...states].toSorted()).toEqual([...commandStates].toSorted());
    const events = new Set(commandTable.map(({ event }) => event));
    expect([...events].toSorted()).toEqual([...commandEvents].toSorted());
  });

  test("what ends stays ended", () => {
    const ended = [
      "cancelled",
      "expired",
      "failed",
      "passing",
      "refused",
      "superseded",
      "verified",
    ];
    expect(commandStates.filter((state) => isEnded(state)).toSorted()).toEqual(ended);
  });

  test("the only way to executed, verified or passing leads through the meter", () => {
    const before = (to: string) =>
      commandTable.filter((row) => row.to === to).map(({ from }) => from);
    expect(before("executed").toSorted()).toEqual([
      "accepted",
      "delivered",
      "queued",
      "sent",
      "unknown",
    ]);
    expect(before("verified")).toEqual(["executed"]);
    expect(before("passing")).toEqual(["executed"]);
  });

  test("nothing is ever intended to be open: at most somebody is permitted to", () => {
    const harmless = ["set_clock", "read_history", "change_parameters"];
    expect(commandActions).toEqual(["close", "permit_opening", ...harmless]);
    expect(Object.values(intendedPosition)).toEqual(["closed", null, null, null, null]);
    const words = [...commandActions, ...commandEvents, ...commandStates];
    expect(words.filter((word) => /open/i.test(word))).toEqual(["permit_opening"]);
  });
});
