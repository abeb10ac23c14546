/** Planned works over HTTP: what they hide is on record, what began before them rings, their end shows all. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

const [north, south] = [1, 2];
let rig: ApiRig;
/** The engine's clock; the API's own stands still beside it. */
let nowMs: number;

beforeEach(async () => {
  rig = await startApiRig();
  nowMs = rig.clock.nowMs();
  for (const [id, area] of [
    ["N1", "north"],
    ["S1", "south"],
  ]) {
    await rig.json("POST", "/v1/meters", { body: { id, area, size: "G4", protocol: "json" } });
  }
  for (const meterNo of [north, south]) say(meterNo, {});
});
afterEach(() => rig.close());

const at = (ms: number) => new Date(ms).toISOString();

/** A meter's time that ran far ahead of the receipt's would not be believed. */
function say(meterNo: number, values: object): void {
  pass(10 * secondMs);
  rig.uplink(meterNo, { measuredAt: at(nowMs), volumeM3: "100.000", status: [], ...values });
}

function pass(ms: number): void {
  nowMs += ms;
  rig.pass(ms);
}

/** Two values that agree are an alarm, and two others its end. */
function pressure(meterNo: number, pressureKpa: string): void {
  for (let time = 0; time < 2; time += 1) say(meterNo, { pressureKpa });
}

const plan = (fromMs: number, change: object = {}) =>
  rig.call("POST", "/v1/planned-works", {
    role: "dispatcher",
    body: {
      ...{ kind: "pressure", areas: ["north"], from: at(fromMs), to: at(fromMs + 4 * hourMs) },
      ...{ responsible: "crew 4", reason: "regulator", ...change },
    },
  });

async function planned(fromMs: number): Promise<string> {
  const response = await plan(fromMs);
  expect(response.status).toBe(201);
  const { id } = (await response.json()) as Json;
  expect(response.headers.get("location")).toBe(`/v1/planned-works/${id}`);
  rig.tick();
  return id;
}

async function end(id: string): Promise<number> {
  const body = { reason: "regulator set" };
  const { status } = await rig.call("POST", `/v1/planned-works/${id}/end`, {
    role: "dispatcher",
    body,
  });
  rig.tick();
  return status;
}

/** `meter rule state`, in the order of the list. */
async function alarms(query = ""): Promise<readonly string[]> {
  const { items } = await rig.json("GET", `/v1/alarms?${query}`);
  return items.map(({ meterId, rule, state }: Json) => `${meterId} ${rule} ${state}`);
}

async function kinds(): Promise<readonly string[]> {
  const { items } = await rig.json("GET", "/v1/events?after=0");
  return items.map(({ kind }: Json) => kind);
}

test("an area's alarms are hidden and on record; leaks and other areas ring; the end shows what still stands", async () => {
  // Now by the API's clock too, which says in which state a work is.
  const id = await planned(rig.clock.nowMs());
  pressure(north, "0.60");
  pressure(south, "0.60");
  say(north, { status: ["leak"] });
  const inSight = "state=unacknowledged";
  expect(await alarms(inSight)).toEqual(["N1 R1 unacknowledged", "S1 R13 unacknowledged"]);
  expect(await alarms(`parentId=${id}`)).toEqual(["N1 R13 suppressed"]);
  const [hidden] = (await rig.json("GET", "/v1/alarms?state=suppressed")).items;
  expect(hidden.hidden).toMatchObject({ reason: "planned work", plannedWork: id });
  const { items } = await rig.json("GET", "/v1/planned-works?ended=false", { role: "operator" });
  expect(items).toMatchObject([{ id, state: "running", areas: ["north"], endedAt: null }]);

  expect(await end(id)).toBe(200);
  expect(await alarms(inSight)).toContain("N1 R13 unacknowledged");
  const detail = await rig.json("GET", `/v1/planned-works/${id}`);
  expect(detail).toMatchObject({ state: "finished", alarms: { total: 1, hidden: 0 } });
  expect(detail.trace.map(({ act, by }: Json) => `${act} ${by}`)).toEqual([
    "planned dispatcher one",
    "started engine",
    "finished dispatcher one",
  ]);
  expect((await rig.json("GET", "/v1/planned-works?ended=false")).items).toEqual([]);
  const told = (await kinds()).filter((kind) => kind.startsWith("work."));
  expect(told).toEqual(["work.planned", "work.started", "work.finished"]);
  expect(await end(id)).toBe(409);
});

test("entered after it began: what rang rings on, what comes now is hidden, and what is over at the end is over", async () => {
  pressure(north, "0.60");
  expect((await plan(nowMs - 6 * minuteMs)).status).toBe(422);
  const id = await planned(nowMs - 4 * minuteMs);
  pressure(north, "0.55");
  say(north, { status: ["leak"] });
  expect(await alarms()).toEqual(["N1 R1 unacknowledged", "N1 R13 unacknowledged"]);
  // A person has seen it, it goes and comes again: that is the work's doing.
  const [, { id: alarmId, occurrence }] = (await rig.json("GET", "/v1/alarms")).items;
  await rig.json("POST", `/v1/alarms/${alarmId}/acknowledge`, {
    role: "operator",
    body: { occurrence },
  });
  pressure(north, "2.00");
  pressure(north, "0.60");
  expect(await alarms(`parentId=${id}`)).toEqual(["N1 R13 suppressed"]);
  pressure(north, "2.00");
  await end(id);
  expect(await alarms("state=unacknowledged,suppressed")).toEqual([]);
  expect(await alarms("state=latched-unacknowledged")).toEqual(["N1 R1 latched-unacknowledged"]);
});

test("past its end nothing is hidden, somebody must end it, and a later end hides what comes then", async () => {
  const id = await planned(nowMs);
  pressure(north, "0.60");
  pass(4 * hourMs);
  rig.tick();
  const inSight = "state=unacknowledged";
  expect(await alarms(inSight)).toEqual(["N1 R13 unacknowledged", "null WORK unacknowledged"]);
  const body = { to: at(nowMs + hourMs), reason: "a part is missing" };
  await rig.json("POST", `/v1/planned-works/${id}/extend`, { role: "dispatcher", body });
  rig.tick();
  expect(await alarms(inSight)).toEqual(["N1 R13 unacknowledged"]);
  await end(id);
  expect((await kinds()).filter((kind) => kind.startsWith("work."))).toEqual([
    ...["work.planned", "work.started", "work.overdue", "work.extended", "work.finished"],
  ]);
});

test("called off before it begins, and who may: an operator reads and does not plan", async () => {
  const id = await planned(nowMs + 2 * hourMs);
  pressure(north, "0.60");
  expect(await alarms()).toEqual(["N1 R13 unacknowledged"]);
  expect(await end(id)).toBe(200);
  expect(await rig.json("GET", `/v1/planned-works/${id}`)).toMatchObject({ state: "cancelled" });
  const asOperator = { role: "operator", body: { reason: "not mine" } } as const;
  expect((await rig.call("POST", `/v1/planned-works/${id}/end`, asOperator)).status).toBe(403);
  expect((await plan(nowMs, { areas: ["nowhere"] })).status).toBe(404);
  expect((await plan(nowMs, { areas: [] })).status).toBe(400);
  expect((await plan(nowMs, { to: at(nowMs - minuteMs) })).status).toBe(422);
  expect((await plan(nowMs, { to: at(nowMs + 15 * 24 * hourMs) })).status).toBe(422);
});
