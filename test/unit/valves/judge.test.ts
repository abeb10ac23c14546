/** Who may close, and what stops automation. */
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { dayMs, hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import {
  automationLimits,
  breakerAllowance,
  judgeClose,
  leakCloseExpiresInMs,
  operatorCloseExpiresInMs,
} from "#valves/judge.ts";
import type { AutomationState, CloseAsk } from "#valves/judge.ts";
import { stepValve } from "#valves/stepValve.ts";
import { initialValveState } from "#valves/valveState.ts";
import type { ValveState } from "#valves/valveState.ts";
import { aCommand, at, contact, settings } from "./kit.ts";

const idle: AutomationState = { stopped: false, recentClosesMs: [], fleetSize: 1_000 };
const leak: CloseAsk = {
  cause: { kind: "alarm", ref: "a-1" },
  reason: "R1",
  nowMs: at(0),
  expiresAtMs: timestampMs(at(0) + leakCloseExpiresInMs),
  id: commandId("c-2"),
  meterNo: 7,
  critical: false,
  lifecycle: "active",
  measuredAtMs: at(-1),
  receivedAtMs: at(0),
  late: false,
  doubted: false,
};
const person: CloseAsk = {
  ...leak,
  cause: { kind: "person", ref: "anna" },
  reason: "smell of gas",
  expiresAtMs: timestampMs(at(0) + operatorCloseExpiresInMs),
  measuredAtMs: null,
  receivedAtMs: null,
};
const spent: AutomationState = { ...idle, recentClosesMs: [at(-3), at(-2), at(-1)] };
const closed: ValveState = { ...initialValveState, position: "closed", positionAtMs: at(-5) };

function outstanding(
  state: "held" | "authorised",
  cause: CloseAsk["cause"],
  expiresMinute: number,
) {
  const command = aCommand(state, { cause, expiresAtMs: at(expiresMinute) });
  return stepValve(settings, initialValveState, { kind: "order", command, by: "engine" }).state;
}

function verdict(automation: AutomationState, valve: ValveState, ask: CloseAsk): string {
  const { command } = judgeClose(automation, valve, ask);
  return command.detail === null ? command.state : `${command.state} ${command.detail}`;
}

describe("automation", () => {
  test.each<[string, Partial<CloseAsk>, string]>([
    ["fresh leak", {}, "authorised"],
    ["just fresh", { measuredAtMs: at(-10) }, "authorised"],
    ["measured too long ago", { measuredAtMs: at(-10.001) }, "refused stale-data"],
    ["measured in the future", { measuredAtMs: at(10.001) }, "refused stale-data"],
    ["waited with us too long", { receivedAtMs: at(-11) }, "refused stale-data"],
    [
      "each near its neighbour, but not all together",
      { measuredAtMs: at(-12), receivedAtMs: at(-6) },
      "refused stale-data",
    ],
    ["marked late", { late: true }, "refused stale-data"],
    ["noise that a weak checksum let through", { doubted: true }, "refused doubted-data"],
    ["no meter's time", { measuredAtMs: null }, "refused stale-data"],
    ["no receipt time", { receivedAtMs: null }, "refused stale-data"],
    ["hospital", { critical: true }, "refused critical-customer"],
    ["not installed yet", { lifecycle: "pending" }, "refused not-active"],
    ["in maintenance", { lifecycle: "maintenance" }, "refused not-active"],
    ["taken away", { lifecycle: "closed" }, "refused not-active"],
    ["a battery that may stop half-way", { isBatteryWeak: true }, "refused battery-weak"],
    ["only to be proposed", { isProposal: true }, "held proposed"],
    ["proposed at a hospital", { isProposal: true, critical: true }, "held proposed"],
    ["proposed on old data", { isProposal: true, late: true }, "refused stale-data"],
    ["not even to be proposed", { isProposal: true, word: "never" }, "refused policy-forbids"],
    ["left to persons by the policy", { word: "person" }, "held policy-person"],
    [
      "the same before its first day is over",
      { word: "person", armedAtMs: timestampMs(at(0) + hourMs) },
      "held policy-person",
    ],
    ["forbidden by the policy", { word: "never" }, "refused policy-forbids"],
    ["in its first day", { armedAtMs: timestampMs(at(0) + hourMs) }, "refused not-armed"],
    ["armed and allowed", { word: "automatic", armedAtMs: timestampMs(0) }, "authorised"],
    ["allowed at a hospital", { word: "automatic", critical: true }, "refused critical-customer"],
    [
      "left to persons at a hospital",
      { word: "person", critical: true },
      "refused critical-customer",
    ],
    ["allowed on old data", { word: "automatic", late: true }, "refused stale-data"],
  ])("%s", (_, change, expected) => {
    expect(verdict(idle, initialValveState, { ...leak, ...change })).toBe(expected);
  });

  test("the stop switch, a shut valve, the breaker", () => {
    const stopped = { ...idle, stopped: true };
    expect(verdict(stopped, initialValveState, leak)).toBe("refused automation-stopped");
    expect(verdict(idle, closed, leak)).toBe("refused already-closed");
    const faulty: ValveState = { ...closed, position: "fault" };
    expect(verdict(idle, faulty, leak)).toBe("refused valve-fault");
    expect(verdict(spent, initialValveState, leak)).toBe("held breaker");
    expect(judgeClose(spent, initialValveState, leak)).toMatchObject({
      held: true,
      automation: spent,
    });
  });

  test("an authorised close is counted, a refused one is not", () => {
    const count = (ask: CloseAsk) =>
      judgeClose(idle, initialValveState, ask).automation.recentClosesMs.length;
    expect([count(leak), count({ ...leak, late: true }), count(person)]).toEqual([1, 0, 0]);
  });

  test("the command carries what the meter and the history need", () => {
    const judged = judgeClose(idle, { ...initialValveState, nextSequence: 41 }, leak);
    expect(judged.command).toEqual(
      aCommand("authorised", { id: leak.id, sequence: 41, expiresAtMs: leak.expiresAtMs }),
    );
    expect(judged.transitions).toEqual([
      { state: "requested", atMs: at(0), by: "engine", detail: null },
      { state: "authorised", atMs: at(0), by: "engine", detail: null },
    ]);
  });
});

describe("persons", () => {
  test("are not stopped by switch, breaker or customer list", () => {
    const stopped = { ...spent, stopped: true };
    const judged = judgeClose(stopped, initialValveState, { ...person, critical: true });
    expect(judged.command.state).toBe("authorised");
    expect(judged.transitions.map(({ by }) => by)).toEqual(["anna", "anna"]);
  });

  test.each<[string, ValveState, Partial<CloseAsk>, string]>([
    ["reported closed", closed, {}, "refused already-closed"],
    ["reported faulty", { ...closed, position: "fault" }, {}, "authorised"],
    ["a weak battery", initialValveState, { isBatteryWeak: true }, "refused battery-weak"],
    [
      "a weak battery, for the last time",
      initialValveState,
      { isBatteryWeak: true, isLastAttempt: true },
      "authorised",
    ],
    [
      "a second person is wanted",
      initialValveState,
      { needsSecondPerson: true },
      "requested second-person",
    ],
    ["not installed yet", initialValveState, { lifecycle: "pending" }, "authorised"],
    ["in maintenance", initialValveState, { lifecycle: "maintenance" }, "authorised"],
    ["taken away", initialValveState, { lifecycle: "closed" }, "refused not-active"],
  ])("%s", (_, valve, change, expected) => {
    expect(verdict(idle, valve, { ...person, ...change })).toBe(expected);
  });
});

describe("a newer order", () => {
  const byLeak = outstanding("authorised", leak.cause, 24 * 60);
  const byPerson = outstanding("authorised", person.cause, 10);
  const held = outstanding("held", leak.cause, 24 * 60);
  const sent = stepValve(settings, byPerson, contact(0)).state;

  test.each<[string, AutomationState, ValveState, CloseAsk, string]>([
    ["person over held", spent, held, person, "authorised"],
    ["automation over held when the breaker has room again", idle, held, leak, "authorised"],
    ["held never over held", spent, held, leak, "refused one-outstanding"],
    ["held never over waiting", spent, byPerson, leak, "refused one-outstanding"],
    ["leak over a person's shorter one", idle, byPerson, leak, "authorised"],
    ["person over their own earlier one", idle, byPerson, person, "authorised"],
    ["a person's shorter one never over a leak's", idle, byLeak, person, "refused one-outstanding"],
    ["automation never over automation", idle, byLeak, leak, "refused one-outstanding"],
    [
      "nothing over what left",
      idle,
      sent,
      { ...person, expiresAtMs: at(99) },
      "refused one-outstanding",
    ],
  ])("%s", (_, automation, valve, ask, expected) => {
    expect(verdict(automation, valve, ask)).toBe(expected);
    const { supersedes } = judgeClose(automation, valve, ask);
    expect(supersedes?.command.state).toBe(expected === "authorised" ? "superseded" : undefined);
  });

  test("takes the place with a sequence of its own", () => {
    const { command, supersedes } = judgeClose(idle, byPerson, person);
    expect(supersedes?.transitions).toEqual([
      { state: "superseded", atMs: at(0), by: "anna", detail: "by c-2" },
    ]);
    const { state } = stepValve(settings, byPerson, { kind: "order", command, by: "anna" });
    expect(state.outstanding?.command).toMatchObject({ id: "c-2", sequence: 1, state: "queued" });
    expect(state.nextSequence).toBe(2);
  });
});

describe("the breaker", () => {
  test.each([
    [0, 3],
    [3_999, 3],
    [4_000, 4],
    [5_000, 5],
    [1_000_000, 5],
  ])("a fleet of %i meters: %i at once", (fleetSize, allowed) => {
    expect(breakerAllowance({ ...idle, fleetSize }, at(0))).toBe(allowed);
  });

  test("of one area leaves room for a leak elsewhere", () => {
    let automation: AutomationState = { ...idle, fleetSize: 100_000 };
    const ask = { ...leak, area: "north", areaSize: 500 };
    const words: string[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const judged = judgeClose(automation, initialValveState, ask);
      automation = judged.automation;
      words.push(judged.command.state);
    }
    expect(words).toEqual(["authorised", "authorised", "authorised", "held", "held"]);
    expect(verdict(automation, initialValveState, { ...ask, area: "south" })).toBe("authorised");
    const later = {
      ...ask,
      nowMs: at(24 * 60),
      measuredAtMs: at(24 * 60),
      receivedAtMs: at(24 * 60),
    };
    expect(verdict(automation, initialValveState, later)).toBe("authorised");
  });

  test("keeps the fleet's last close for an area in which it has let none go", () => {
    const storm = { ...leak, area: "storm", areaSize: 10_000 };
    const lonely = { ...leak, area: "elsewhere", areaSize: 200 };
    let automation: AutomationState = { ...idle, fleetSize: 10_200 };
    const ask = (wanted: CloseAsk, minute: number) => {
      const atMs = at(minute);
      const now = { nowMs: atMs, measuredAtMs: atMs, receivedAtMs: atMs };
      const judged = judgeClose(automation, initialValveState, { ...wanted, ...now });
      automation = judged.automation;
      return judged.command.state;
    };
    const turns = Array.from({ length: 40 }, (_, minute) => ask(storm, minute));
    // Four in ten minutes, and nine of the ten that a day has for such a fleet.
    const within = (from: number, to: number) =>
      turns.slice(from, to).filter((state) => state === "authorised").length;
    expect([within(0, 10), within(10, 20), within(20, 30), within(30, 40)]).toEqual([4, 4, 1, 0]);
    expect(ask(lonely, 40)).toBe("authorised");
    expect(ask({ ...lonely, area: "third" }, 41)).toBe("held");
    expect(ask(storm, 24 * 60)).toBe("held");
  });

  test("keeps nothing where there is one area only", () => {
    const ask = { ...leak, area: "all", areaSize: idle.fleetSize };
    const two = [at(-2), at(-1)];
    const recentAreaCloses = two.map((atMs) => ({ area: "all", atMs }));
    const automation = { ...idle, recentClosesMs: two, recentAreaCloses };
    expect(verdict(automation, initialValveState, ask)).toBe("authorised");
  });

  test("forgets what no window can see", () => {
    const old = { ...idle, recentClosesMs: [at(-24 * 60), at(-24 * 60 + 1)] };
    const { automation } = judgeClose(old, initialValveState, leak);
    expect(automation.recentClosesMs).toEqual([at(-24 * 60 + 1), at(0)]);
  });

  test("a window ends exactly after its length", () => {
    const city = { ...idle, fleetSize: 1_000_000 };
    const burst = { ...city, recentClosesMs: Array.from({ length: 5 }, () => at(0)) };
    expect(breakerAllowance(burst, timestampMs(at(10) - 1))).toBe(0);
    expect(breakerAllowance(burst, at(10))).toBe(5);
    const dayFull = { ...city, recentClosesMs: Array.from({ length: 20 }, (_, i) => at(i * 20)) };
    expect(breakerAllowance(dayFull, at(23 * 60))).toBe(0);
    expect(breakerAllowance(dayFull, at(24 * 60))).toBe(1);
  });

  /** Leaks at arbitrary distances, with restarts: what the ledger tells is all the breaker remembers. */
  property.prop([
    fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 2 * hourMs }), restarts: fc.boolean() }),
      {
        maxLength: 200,
      },
    ),
    fc.integer({ min: 0, max: 30_000 }),
  ])("no window ever holds more than it may, over restarts", (leaks, fleetSize) => {
    let automation: AutomationState = { ...idle, fleetSize };
    let nowMs = Number(at(0));
    const authorisedMs: number[] = [];
    for (const { afterMs, restarts } of leaks) {
      nowMs += afterMs;
      if (restarts) {
        const recentClosesMs = authorisedMs.filter((atMs) => atMs > nowMs - dayMs);
        automation = { stopped: false, recentClosesMs, fleetSize };
      }
      const now = timestampMs(nowMs);
      const allowance = breakerAllowance(automation, now);
      const ask = { ...leak, nowMs: now, measuredAtMs: now, receivedAtMs: now };
      const judged = judgeClose(automation, initialValveState, ask);
      automation = judged.automation;
      expect(judged.held).toBe(allowance === 0);
      if (!judged.held) authorisedMs.push(nowMs);
    }
    const dayMax = Math.min(20, Math.max(3, Math.floor(fleetSize / 1_000)));
    for (const atMs of authorisedMs) {
      const within = (windowMs: number) =>
        authorisedMs.filter((other) => other <= atMs && other > atMs - windowMs).length;
      expect(within(10 * minuteMs)).toBeLessThanOrEqual(automationLimits.shortWindowClosesMax);
      expect(within(dayMs)).toBeLessThanOrEqual(dayMax);
    }
    expect(automation.recentClosesMs.length).toBeLessThanOrEqual(20);
  });
});
