/**
 * Alarms, commands, readings, registers, events and frames over HTTP, on what meters really sent.
 */
import { QueryError } from "#ledger/queryError.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

let rig: ApiRig;
const minuteMs = 60_000;
const startMs = Date.now() - 30 * minuteMs;
const at = (minute: number) => new Date(startMs + minute * minuteMs).toISOString();

beforeAll(async () => {
  rig = await startApiRig();
  const position = { longitude: 120.58, latitude: 30.01 };
  const meter = { id: "M1", size: "G4", protocol: "json", area: "=north", address: "1 Canal Road" };
  await rig.json("POST", "/v1/meters", { body: { ...meter, position } });
  await rig.json("POST", "/v1/meters", { body: { id: "M2", size: "G4", protocol: "json" } });
  rig.uplink(1, { measuredAt: at(0), volumeM3: "10.000", valve: "open", batteryMv: 3600 });
  rig.uplink(1, { measuredAt: at(10), volumeM3: "10.100", flowM3h: "0.350", pressureKpa: "2.10" });
  rig.uplink(1, { measuredAt: at(20), volumeM3: "10.200", status: ["leak"] });
  rig.uplink(2, { measuredAt: "not a time", volumeM3: 1, nonsense: true });
});
afterAll(async () => rig.close());

describe("readings and registers", () => {
  test("history as decimal strings with both times, page by page", async () => {
    const first: Json = await rig.json("GET", "/v1/meters/M1/readings?limit=2");
    expect(first.items).toMatchObject([
      { meterId: "M1", measuredAt: at(0), volumeM3: "10.000", valve: "open", late: false },
      { measuredAt: at(10), volumeM3: "10.100", flowM3h: "0.350", pressureKpa: "2.100" },
    ]);
    const cursor = encodeURIComponent(first.next);
    const second: Json = await rig.json("GET", `/v1/meters/M1/readings?limit=2&cursor=${cursor}`);
    expect(second.items).toMatchObject([{ measuredAt: at(20), status: ["leak"] }]);
    expect(second.next).toBeNull();
  });

  test("a range takes its beginning and not its end", async () => {
    const page: Json = await rig.json("GET", `/v1/meters/M1/readings?from=${at(10)}&to=${at(20)}`);
    expect(page.items.map((item: Json) => item.measuredAt)).toEqual([at(10)]);
  });

  test("the latest, and 404 where nothing was ever reported", async () => {
    expect(await rig.json("GET", "/v1/meters/M1/readings/latest")).toMatchObject({
      volumeM3: "10.200",
    });
    expect((await rig.call("GET", "/v1/meters/M2/readings/latest")).status).toBe(404);
    expect((await rig.call("GET", "/v1/meters/none/readings")).status).toBe(404);
  });

  test("the register at an instant", async () => {
    expect(await rig.json("GET", `/v1/meters/M1/register?at=${at(10)}`)).toMatchObject({
      meterId: "M1",
      at: at(10),
      volumeM3: "10.100",
      method: "exact",
    });
    expect((await rig.call("GET", "/v1/meters/M1/register?at=2001-01-01T00:00:00Z")).status).toBe(
      404,
    );
  });

  test("the cut-off as JSON, NDJSON and CSV", async () => {
    const url = `/v1/billing/registers?at=${at(20)}`;
    const page: Json = await rig.json("GET", url, { role: "billing" });
    expect(page).toMatchObject({ items: [{ meterId: "M1", volumeM3: "10.200" }], next: null });
    const ndjson = await rig.call("GET", url, { headers: { accept: "application/x-ndjson" } });
    expect(ndjson.headers.get("content-type")).toMatch(/^application\/x-ndjson/);
    expect(JSON.parse((await ndjson.text()).trim())).toEqual(page.items[0]);
    const csv = await rig.call("GET", `${url}&format=csv`);
    expect(csv.headers.get("content-type")).toMatch(/^text\/csv/);
    const [heading, line] = (await csv.text()).split("\r\n");
    expect(heading).toBe("meterId,at,volumeM3,quality,method,measuredAt");
    expect(line).toMatch(/^M1,.*,10\.200,/);
  });
});

describe("alarms", () => {
  const leak = async (): Promise<Json> => {
    const page: Json = await rig.json("GET", "/v1/alarms?meterId=M1&priority=1");
    return page.items.find((alarm: Json) => alarm.rule === "R1");
  };

  test("listed with message, area and position; the address only for those who may", async () => {
    const alarm = await leak();
    expect(alarm).toMatchObject({
      meterId: "M1",
      area: "=north",
      rule: "R1",
      priority: 1,
      state: "unacknowledged",
      occurrence: 1,
      historical: false,
      raisedAt: at(20),
      message: { en: expect.stringContaining("M1"), zh: expect.stringContaining("M1") },
      position: { longitude: 120.58 },
      address: "1 Canal Road",
    });
    const seen: Json = await rig.json("GET", `/v1/alarms/${alarm.id}`, { role: "viewer" });
    expect(seen).not.toHaveProperty("address");
  });

  test("explained by its readings", async () => {
    const { readings }: Json = await rig.json("GET", `/v1/alarms/${(await leak()).id}`);
    expect(readings).toContainEqual(expect.objectContaining({ measuredAt: at(20) }));
    expect((await rig.call("GET", "/v1/alarms/none")).status).toBe(404);
  });

  test("filtered by words, and never by words that do not exist", async () => {
    const none: Json = await rig.json("GET", "/v1/alarms?state=normal,shelved&area=%3Dnorth");
    expect(none.items).toEqual([]);
    expect((await rig.call("GET", "/v1/alarms?state=loud")).status).toBe(400);
    expect((await rig.call("GET", "/v1/alarms?priority=9")).status).toBe(400);
    expect((await rig.call("GET", "/v1/alarms?cursor=bogus")).status).toBe(400);
  });

  test("acknowledged only as the occurrence that was seen: 409 with the alarm as it is", async () => {
    const { id } = await leak();
    const url = `/v1/alarms/${id}/acknowledge`;
    const role = "operator";
    const late = await rig.call("POST", url, { role, body: { occurrence: 7 } });
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({
      type: "urn:mercaptan:problem:occurrence-changed",
      alarm: { id, meterId: "M1", occurrence: 1, state: "unacknowledged" },
    });
    const body = { occurrence: 1, comment: "crew is on the way" };
    expect(await rig.json("POST", url, { role, body })).toMatchObject({
      state: "acknowledged",
      acknowledgedBy: "operator one",
      comments: [{ by: "operator one", text: "crew is on the way" }],
    });
  });

  test("commented, and reset only in a state that allows it", async () => {
    const { id } = await leak();
    const commented: Json = await rig.json("POST", `/v1/alarms/${id}/comment`, {
      role: "engineer",
      body: { comment: "泄漏已确认" },
    });
    expect(commented.comments.at(-1)).toMatchObject({ by: "engineer one", text: "泄漏已确认" });
    const body = { reason: "repaired" };
    const reset = await rig.call("POST", `/v1/alarms/${id}/reset`, { role: "dispatcher", body });
    expect(reset.status).toBe(409);
  });
});

describe("shelves", () => {
  const tampered = async (): Promise<Json> => {
    const page: Json = await rig.json("GET", "/v1/alarms?meterId=M2&priority=2");
    return page.items.find((alarm: Json) => alarm.rule === "R11");
  };
  const body = { reason: "workshop at the meter", forSeconds: 600 };
  const role = "operator" as const;

  test("for a time, by the control room, with who, why and until when", async () => {
    rig.uplink(2, { measuredAt: at(25), volumeM3: "1.000", status: ["magnet"] });
    const alarm = await tampered();
    const url = `/v1/alarms/${alarm.id}/shelve`;
    expect((await rig.call("POST", url, { role: "viewer", body })).status).toBe(403);
    const shelved: Json = await rig.json("POST", url, { role, body: { ...body, occurrence: 1 } });
    expect(shelved).toMatchObject({
      state: "shelved",
      hidden: { reason: body.reason, by: "operator one" },
      comments: [{ by: "operator one", text: body.reason }],
    });
    const { since, until } = shelved.hidden;
    expect(Date.parse(until) - Date.parse(since)).toBe(600_000);
    const list: Json = await rig.json("GET", "/v1/alarms?state=shelved");
    expect(list.items.map(({ id }: Json) => id)).toEqual([alarm.id]);
    const back = await rig.json("POST", `/v1/alarms/${alarm.id}/unshelve`, {
      role,
      body: { reason: "workshop is over" },
    });
    expect(back).toMatchObject({ state: "unacknowledged", occurrence: 2, hidden: null });
    const again = { role, body: { reason: "twice" } };
    expect((await rig.call("POST", `/v1/alarms/${alarm.id}/unshelve`, again)).status).toBe(409);
  });

  test("never for a leak, never beyond the limit, never without one end and a reason", async () => {
    const { id } = await tampered();
    const page: Json = await rig.json("GET", "/v1/alarms?meterId=M1&priority=1");
    const [leak] = page.items;
    const status = async (alarmId: string, wanted: unknown) => {
      const url = `/v1/alarms/${alarmId}/shelve`;
      return (await rig.call("POST", url, { role, body: wanted as object })).status;
    };
    expect(await status(leak.id, body)).toBe(422);
    expect(await status(id, { ...body, forSeconds: 8 * 3_600 + 1 })).toBe(422);
    expect(await status(id, { reason: "x", until: at(0) })).toBe(422);
    expect(await status(id, { reason: "no end" })).toBe(400);
    expect(await status(id, { ...body, until: at(600) })).toBe(400);
    expect(await status(id, { forSeconds: 60 })).toBe(400);
    expect(await status("none", body)).toBe(404);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect(await status(id, { reason: "until an instant", until })).toBe(200);
  });
});

test("work lists hold what is no alarm, and say so in both languages", async () => {
  rig.uplink(2, { measuredAt: at(26), volumeM3: "1.000", status: ["battery_low"] });
  const page: Json = await rig.json("GET", "/v1/worklists?rule=R10,R14", { role: "viewer" });
  expect(page).toMatchObject({
    items: [{ meterId: "M2", rule: "R10", level: 1, listed: true, state: "normal" }],
    next: null,
  });
  expect(page.items[0].message.en).toMatch(/^Meter M2: battery low/);
  expect(page.items[0].message.zh).toMatch(/^燃气表 M2：电池电量低/);
  const elsewhere: Json = await rig.json("GET", "/v1/worklists?area=elsewhere");
  expect(elsewhere.items).toEqual([]);
  expect((await rig.call("GET", "/v1/worklists?rule=R99")).status).toBe(400);
});

test("key figures of the alarms, by span and area", async () => {
  const all: Json = await rig.json("GET", "/v1/alarm-figures?operators=2", { role: "viewer" });
  expect(all.rang).toBeGreaterThanOrEqual(3);
  expect(all).toMatchObject({ load: "acceptable", floodShare: 0, now: { stale: 0, shelved: 1 } });
  expect(all.byPriority["1"]).toBeGreaterThanOrEqual(1);
  expect(all.top[0]).toMatchObject({ meterId: expect.any(String), rule: expect.any(String) });
  const north: Json = await rig.json("GET", "/v1/alarm-figures?area=%3Dnorth");
  expect(north.top.map(({ meterId }: Json) => meterId)).toEqual(["M1"]);
  const status = async (query: string) =>
    (await rig.call("GET", `/v1/alarm-figures?${query}`)).status;
  expect(await status(`from=${at(5)}&to=${at(1)}`)).toBe(422);
  expect(await status("from=2001-01-01T00:00:00Z")).toBe(422);
  expect(await status("operators=0")).toBe(400);
});

describe("events, frames, areas, audit", () => {
  test("events by sequence, JSON and NDJSON, without a gap", async () => {
    const page: Json = await rig.json("GET", "/v1/events?limit=5");
    expect(page.items.map((event: Json) => event.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(page.last).toBe(5);
    const lines = await rig.call("GET", "/v1/events?after=5&format=ndjson");
    const events = (await lines.text())
      .trim()
      .split("\n")
      .map((line): Json => JSON.parse(line));
    expect(events.map((event) => event.seq)).toEqual(events.map((_, place) => place + 6));
    const all: Json = await rig.json("GET", "/v1/events");
    expect(all.items.map((event: Json) => event.kind)).toContain("alarm.raised");
    expect(await rig.json("GET", "/v1/events?after=99999")).toEqual({ items: [], last: 99999 });
  });

  test("uplinks and quarantine with their bytes", async () => {
    const uplinks: Json = await rig.json("GET", "/v1/uplinks", { role: "auditor" });
    expect(uplinks.items.map((row: Json) => row.outcome)).toEqual([
      "accepted",
      "accepted",
      "accepted",
      "quarantined",
      "accepted",
      "accepted",
    ]);
    const text = Buffer.from(uplinks.items[0].hex, "hex").toString();
    expect(JSON.parse(text)).toMatchObject({ volumeM3: "10.000" });
    const quarantine: Json = await rig.json("GET", "/v1/quarantine");
    expect(quarantine).toMatchObject({
      items: [{ meterId: "M2", protocol: "json", reason: "SCHEMA", uplinkSeq: 4 }],
      next: null,
    });
  });

  test("areas and the map with the worst active alarm", async () => {
    const areas: Json = await rig.json("GET", "/v1/areas");
    expect(areas.items).toContainEqual({ id: "=north", meters: 1, activeAlarms: 1 });
    expect(await rig.json("GET", "/v1/areas/%3Dnorth")).toMatchObject({ meters: 1 });
    expect((await rig.call("GET", "/v1/areas/none")).status).toBe(404);
    const response = await rig.call("GET", "/v1/map.geojson");
    expect(response.headers.get("content-type")).toMatch(/^application\/geo\+json/);
    expect(await response.json()).toEqual({
      type: "FeatureCollection",
      features: [
        {
          type: "Feature",
          id: "M1",
          geometry: { type: "Point", coordinates: [120.58, 30.01] },
          properties: {
            area: "=north",
            siteClass: "household",
            crs: "WGS84",
            state: "active",
            valve: "open",
            worstActivePriority: 1,
          },
        },
      ],
    });
  });

  test("an answer carries the name under which the audit knows the request, of our choosing", async () => {
    const mine = { "x-request-id": "mine", "request-id": "mine" };
    const asked = { role: "engineer", headers: mine, body: { secondPerson: "never", reason: "r" } };
    const answer = await rig.call("PUT", "/v1/valve-policy", { ...asked, role: "engineer" });
    const requestId = answer.headers.get("x-request-id");
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    const audit: Json = await rig.json("GET", "/v1/audit?limit=1000", { role: "auditor" });
    expect(audit.items.at(-1)).toMatchObject({
      act: "valves.policy",
      detail: { requestId, before: { secondPerson: "never" }, after: { secondPerson: "never" } },
    });
  });

  test("the audit says who did what", async () => {
    const audit: Json = await rig.json("GET", "/v1/audit", { role: "auditor" });
    expect(audit.items).toContainEqual(
      expect.objectContaining({
        actor: "dispatcher one",
        role: "dispatcher",
        act: "alarm.reset",
        reason: "repaired",
      }),
    );
    expect(audit.last).toBe(audit.items.at(-1).seq);
    expect(await rig.json("GET", "/v1/audit/verify", { role: "auditor" })).toEqual({
      ok: true,
      entries: audit.last,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await rig.call("GET", "/v1/audit/verify", { role: "operator" })).status).toBe(403);
  });
});

describe("when the store cannot answer", () => {
  test("a refusal of the engine and an overloaded query worker: 503 and when to come again", async () => {
    const refusal = { kind: "store-unavailable", detail: "no commit" } as const;
    const overloaded = async () => {
      throw new QueryError("QUERIES_OVERLOADED", "too many");
    };
    const broken = await startApiRig({
      desk: () => ({ ask: async () => ({ ok: false, refusal }) }),
      queries: (real) => ({
        ...real,
        alarms: overloaded,
        areas: () => Promise.reject(new TypeError()),
      }),
    });
    const close = { role: "operator", body: { reason: "x" } } as const;
    const answers = [
      await broken.call("POST", "/v1/automation/stop", close),
      await broken.call("GET", "/v1/alarms"),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(await answer.json()).toMatchObject({
        type: "urn:mercaptan:problem:store-unavailable",
      });
    }
    const rows = JSON.stringify([{ id: "M1", size: "G4", protocol: "json" }]);
    const headers = { "content-type": "application/json" };
    const bulk = await broken.call("POST", "/v1/meters/import", { body: rows, headers });
    expect(bulk.status).toBe(503);
    const bug = await broken.call("GET", "/v1/areas");
    expect(bug.status).toBe(500);
    expect(await bug.text()).not.toContain("TypeError");
    expect(broken.noted).toContain("api.failed");
    await broken.close();
  });
});
