/** A network that fails is one alarm with a list; a leak inside it is heard at once and stands on top. */
import type { Alarm } from "#domain/alarm.ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { silenceLimits } from "#engine/silence.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import type { Ask } from "#ports/requests.ts";
import { EngineUnderTest, envelopeOf, jsonBytes, meterDraft } from "../support/engine.ts";

let memberCount = 600;
const otherCount = 40;

let engine: EngineUnderTest;

beforeEach(() => settle(600));
afterEach(() => engine.close());

/** A network of so many meters, and another one; all have been heard. */
function settle(count: number): void {
  memberCount = count;
  engine = new EngineUnderTest();
  const names = [...members(), ...others()];
  const asks = names.map((id, askNo) => {
    const area = id.startsWith("M") ? "north" : "south";
    return {
      askNo,
      envelope: envelopeOf({ kind: "meter.register", meter: meterDraft(id, { area }) }),
    };
  });
  engine.process({ asks });
  hear([...members(), ...others()]);
}

function members(): string[] {
  return Array.from({ length: memberCount }, (_, place) => `M${place}`);
}

function others(): string[] {
  return Array.from({ length: otherCount }, (_, place) => `S${place}`);
}

function meterNo(id: string): number {
  const place = Number(id.slice(1)) + 1;
  return id.startsWith("M") ? place : memberCount + place;
}

function hear(ids: readonly string[], status: readonly string[] = []): readonly string[] {
  const result = engine.uplinks(
    ids.map((id) => ({
      meterNo: meterNo(id),
      bytes: jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000", status }),
    })),
  );
  if (result.kind !== "committed") throw new TypeError(result.message);
  return result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
}

/** Hours in which only the others report; what rang, by rule. */
function silentHours(count: number): readonly string[] {
  const rang: string[] = [];
  for (let minute = 0; minute < count * 60; minute += 1) {
    engine.nowMs += minuteMs;
    if (minute % 60 === 0) hear(others());
    const result = engine.process({});
    if (result.kind !== "committed") throw new TypeError(result.message);
    for (const { json } of result.events) {
      const event = JSON.parse(json) as { kind: string; alarm?: { rule: string } };
      if (event.kind === "alarm.raised") rang.push(event.alarm?.rule ?? "");
    }
  }
  return rang;
}

function list(filter: object): readonly Alarm[] {
  const db = openForReading(engine.directory);
  const none = { states: null, priorities: null, area: null, meterId: null, historical: null };
  const page = answersFrom(db).alarms({ ...none, ...filter }, null, 1_000);
  db.close();
  return page.items.map(({ alarm }) => alarm);
}

/** Lines of the work list that stand. */
function listed(): readonly string[] {
  return list({ listed: true })
    .filter(({ returnedAtMs }) => returnedAtMs === null)
    .map(({ rule }) => rule);
}

function outage() {
  const alarm = engine.alarms("OUTAGE").at(-1);
  if (alarm === undefined) throw new TypeError("no outage");
  return alarm;
}

test("six hundred silent meters are one alarm with a list, over a restart, and over when they are back", () => {
  expect(silentHours(3)).toEqual(["OUTAGE"]);
  expect(outage()).toMatchObject({
    state: "unacknowledged",
    priority: 2,
    meterNo: null,
    subject: "area north",
    proof: { group: "area north", silent: memberCount, meters: memberCount },
  });
  const hidden = list({ parentId: outage().id });
  expect(hidden).toHaveLength(memberCount);
  expect(new Set(hidden.map(({ rule, state }) => `${rule} ${state}`))).toEqual(
    new Set(["R12 suppressed"]),
  );
  engine.restart();
  expect(silentHours(1)).toEqual([]);
  expect(outage().returnedAtMs).toBeNull();

  const back = hear(members());
  expect(back).not.toContain("alarm.reraised");
  engine.nowMs += 2 * secondMs;
  engine.process({});
  expect(outage().state).toBe("returned-unacknowledged");
  expect(list({ states: ["suppressed", "unacknowledged"] })).toEqual([]);
});

test("a leak inside is raised with its own report and stands before the outage", () => {
  silentHours(3);
  engine.nowMs += secondMs;
  expect(hear(["M7", "M500"], ["leak"]).filter((kind) => kind === "alarm.raised")).toHaveLength(2);
  const standing = list({ states: ["unacknowledged"] }).map(({ rule }) => rule);
  expect(standing).toEqual(["R1", "R1", "OUTAGE"]);
});

test("five thousand silent meters are one alarm, and three leaks among them ring at once", () => {
  engine.close();
  settle(5_000);
  expect(silentHours(3)).toEqual(["OUTAGE"]);
  engine.nowMs += secondMs;
  const kinds = hear(["M7", "M70", "M4999"], ["leak"]);
  expect(kinds.filter((kind) => kind === "alarm.raised")).toHaveLength(3);
  const standing = list({ states: ["unacknowledged"] }).map(({ rule }) => rule);
  expect(standing).toEqual(["R1", "R1", "R1", "OUTAGE"]);
  expect(outage()).toMatchObject({ proof: { silent: 4_997, meters: 5_000 } });
});

test("a few silent meters are lines of the work list, after a time in which others could join them", () => {
  const silent = members().slice(0, silenceLimits.outageMetersMin - 1);
  const heard = members().slice(silent.length);
  const rang: string[] = [];
  for (let minute = 0; minute <= 180; minute += 1) {
    engine.nowMs += minuteMs;
    if (minute % 30 === 0) hear([...heard, ...others()]);
    const result = engine.process({});
    if (result.kind !== "committed") throw new TypeError(result.message);
    const kinds = result.events.map(({ json }) => JSON.parse(json) as { kind: string });
    if (minute + 1 < 126 + 30) expect(kinds.map(({ kind }) => kind)).not.toContain("alarm.listed");
    rang.push(...kinds.map(({ kind }) => kind).filter((kind) => kind.startsWith("alarm.")));
  }
  expect(rang).toEqual(silent.map(() => "alarm.listed"));
  expect(engine.alarms("OUTAGE")).toEqual([]);
});

test("what is still silent when the outage is over is one meter's matter again", () => {
  silentHours(3);
  hear(members().slice(3));
  engine.nowMs += 2 * secondMs;
  const result = engine.process({});
  if (result.kind !== "committed") throw new TypeError(result.message);
  expect(outage().returnedAtMs).not.toBeNull();
  expect(listed()).toEqual(["R12", "R12", "R12"]);
  expect(list({ states: ["suppressed", "unacknowledged"] })).toEqual([]);
  // On the third day it is an alarm, and over with the first word.
  engine.nowMs += 3 * 24 * hourMs;
  hear(members().slice(3));
  look(2);
  const standing = list({ states: ["unacknowledged"], rules: ["R12"] });
  expect(standing).toMatchObject([{ priority: 3 }, { priority: 3 }, { priority: 3 }]);
  hear(members().slice(0, 3));
  expect(list({ states: ["unacknowledged"], rules: ["R12"] })).toEqual([]);
  expect(listed()).toEqual([]);
});

test("a line of the work list goes under the outage that comes after it", () => {
  const silent = members().slice(0, 3);
  for (let hour = 0; hour < 4; hour += 1) {
    engine.nowMs += hourMs;
    hear([...members().slice(3), ...others()]);
  }
  look(2);
  expect(listed()).toHaveLength(silent.length);
  silentHours(4);
  expect(listed()).toEqual([]);
  expect(list({ parentId: outage().id })).toHaveLength(memberCount);
});

test("meters behind one gateway are one group, whatever their area", () => {
  const meterIds = [...members().slice(0, 20), ...others().slice(0, 20)];
  engine.ask({ kind: "gateway.put", gateway: { id: "G1", meterIds } });
  for (let hour = 0; hour < 4; hour += 1) {
    engine.nowMs += hourMs;
    hear([...members().slice(20), ...others().slice(20)]);
  }
  expect(engine.alarms("OUTAGE")).toMatchObject([
    { subject: "gateway G1", proof: { silent: 40, meters: 40 } },
  ]);
});

/** The watch looks once a second. */
function look(times = 1): readonly string[] {
  const kinds: string[] = [];
  for (let time = 0; time < times; time += 1) {
    engine.nowMs += 2 * secondMs;
    const result = engine.process({});
    if (result.kind !== "committed") throw new TypeError(result.message);
    kinds.push(...result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind));
  }
  return kinds;
}

describe("an outage ends", () => {
  test("when its meters go to another gateway; who is silent there rings or is hidden there", () => {
    const first = members().slice(0, 40);
    engine.ask({ kind: "gateway.put", gateway: { id: "G1", meterIds: first } });
    for (let hour = 0; hour < 4; hour += 1) {
      engine.nowMs += hourMs;
      hear([...members().slice(40), ...others()]);
    }
    expect(outage()).toMatchObject({ subject: "gateway G1", returnedAtMs: null });
    const old = outage();
    engine.ask({ kind: "gateway.put", gateway: { id: "G1", meterIds: [] } });
    engine.ask({ kind: "gateway.put", gateway: { id: "G2", meterIds: first } });
    expect(look(2)).not.toContain("alarm.released");
    expect(engine.ledger.alarm(old.id)?.returnedAtMs).not.toBeNull();
    expect(outage()).toMatchObject({ subject: "gateway G2", proof: { silent: 40 } });
    expect(list({ parentId: old.id })).toEqual([]);
    expect(list({ parentId: outage().id })).toHaveLength(40);
    // Most are heard over the new gateway; the rest is one meter's matter each.
    hear(first.slice(3));
    look();
    expect(outage().returnedAtMs).not.toBeNull();
    expect(listed()).toEqual(["R12", "R12", "R12"]);
  });

  test("for a silent meter that goes to an area that is not out", () => {
    silentHours(3);
    engine.ask({
      kind: "meter.change",
      meterId: "M7",
      ifVersion: null,
      change: { area: "south" },
    });
    expect(look(2)).toContain("alarm.released");
    expect(outage()).toMatchObject({ returnedAtMs: null, proof: { silent: memberCount - 1 } });
    expect(listed()).toEqual(["R12"]);
    hear(["M7"]);
    look();
    expect(listed()).toEqual([]);
    expect(list({ states: ["unacknowledged"] }).map(({ rule }) => rule)).toEqual(["OUTAGE"]);
  });

  test("after a restart, when all its meters report before anybody looks", () => {
    silentHours(3);
    engine.restart();
    engine.nowMs += secondMs;
    hear(members());
    look();
    expect(outage().state).toBe("returned-unacknowledged");
    expect(list({ states: ["suppressed", "unacknowledged"] })).toEqual([]);
  });

  test("when the batch that would have ended it could not be stored", () => {
    silentHours(3);
    hear(members());
    engine.nowMs += 2 * secondMs;
    engine.failAfter(1_000);
    expect(engine.process({}).kind).toBe("notCommitted");
    engine.failAfter(null);
    expect(outage().returnedAtMs).toBeNull();
    look();
    expect(outage().returnedAtMs).not.toBeNull();
  });
});

describe("a group is never one of a batch that could not be stored:", () => {
  /** The watch counts the groups in the batch that fails. */
  function failWith(ask: Ask): void {
    engine.nowMs += 2 * secondMs;
    engine.failAfter(1_000);
    const asks = [{ askNo: 1, envelope: envelopeOf(ask) }];
    expect(engine.process({ asks }).kind).toBe("notCommitted");
    engine.failAfter(null);
  }

  test("the list of a gateway", () => {
    const meterIds = members().slice(0, 300);
    failWith({ kind: "gateway.put", gateway: { id: "G1", meterIds } });
    silentHours(3);
    expect(engine.alarms("OUTAGE")).toMatchObject([
      { subject: "area north", proof: { silent: memberCount, meters: memberCount } },
    ]);
  });

  test("a meter", () => {
    failWith({ kind: "meter.register", meter: meterDraft("M9999", { area: "north" }) });
    silentHours(3);
    expect(outage()).toMatchObject({ proof: { meters: memberCount } });
  });
});
