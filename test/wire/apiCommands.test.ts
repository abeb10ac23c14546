/** Orders over HTTP: who may, who must agree, what is written down. */
import type { Role } from "#domain/role.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

let rig: ApiRig;
const minuteMs = 60_000;
const startMs = Date.now() - 30 * minuteMs;
const at = (minute: number) => new Date(startMs + minute * minuteMs).toISOString();

beforeAll(async () => {
  rig = await startApiRig();
  await rig.json("POST", "/v1/meters", { body: { id: "M1", size: "G4", protocol: "json" } });
  await rig.json("POST", "/v1/meters", { body: { id: "M2", size: "G4", protocol: "json" } });
});
afterAll(async () => rig.close());

describe("commands", () => {
  test("a close is written down, listed, and can be taken back while it has not left", async () => {
    const role = "dispatcher";
    const response = await rig.call("POST", "/v1/meters/M2/valve/close", {
      role,
      body: { reason: "smell of gas reported" },
    });
    expect(response.status).toBe(202);
    const command: Json = await response.json();
    expect(command).toMatchObject({
      meterId: "M2",
      action: "close",
      cause: { kind: "person", ref: "dispatcher one" },
      reason: "smell of gas reported",
    });
    expect(command).toMatchObject({
      takesEffect: { latestAt: null },
      warnings: ["expires-before-wake"],
    });
    expect(command.history.map((line: Json) => line.state)).toContain("requested");
    expect(Date.parse(command.expiresAt) - Date.parse(command.requestedAt)).toBe(900_000);
    expect(response.headers.get("location")).toBe(`/v1/commands/${command.id}`);
    const listed: Json = await rig.json("GET", "/v1/commands?meterId=M2", { role });
    // The window moves with the clock.
    expect(listed.items).toMatchObject([{ ...command, takesEffect: { latestAt: null } }]);
    const cancelled: Json = await rig.json("POST", `/v1/commands/${command.id}/cancel`, { role });
    expect(cancelled).toMatchObject({ state: "cancelled", takesEffect: null });
  });

  test("says when it can take effect, by the meter's habit", async () => {
    const meter = { id: "S1", size: "G4", protocol: "json", reportEverySeconds: 3600 };
    await rig.json("POST", "/v1/meters", { body: meter });
    rig.uplink(3, { measuredAt: at(29), volumeM3: "1.000" });
    const reason = "smell of gas reported";
    const command: Json = await rig.json("POST", "/v1/meters/S1/valve/close", {
      role: "operator",
      body: { reason, expiresInSeconds: 7200 },
    });
    const { earliestAt, latestAt } = command.takesEffect;
    const inHours = (instant: string) => (Date.parse(instant) - Date.now()) / 3_600_000;
    expect(inHours(earliestAt)).toBeCloseTo(1, 1);
    expect(inHours(latestAt)).toBeCloseTo(1, 1);
    expect(command.warnings).toEqual([]);
    await rig.json("POST", `/v1/commands/${command.id}/cancel`, { role: "operator" });
  });

  test("a close that waits for a second person: 403 for the first, 409 once it is decided", async () => {
    const policy = { secondPerson: "always", reason: "drill" };
    const put = await rig.call("PUT", "/v1/valve-policy", { role: "dispatcher", body: policy });
    expect(put.status).toBe(403);
    await rig.json("PUT", "/v1/valve-policy", { role: "engineer", body: policy });
    const reason = "smell of gas reported";
    const command: Json = await rig.json("POST", "/v1/meters/M2/valve/close", {
      role: "dispatcher",
      body: { reason },
    });
    expect(command).toMatchObject({ state: "requested", detail: "second-person" });
    expect(command).toMatchObject({ approvalsNeeded: 1, approvals: [] });
    const url = `/v1/commands/${command.id}/approve`;
    const answers = [];
    for (const [role, body] of [
      ["dispatcher", { reason }],
      ["viewer", { reason }],
      ["operator", {}],
      ["operator", { reason }],
      ["operator", { reason }],
    ] as const) {
      const answer = await rig.call("POST", url, { role, body });
      const { type, state }: Json = await answer.json();
      answers.push([answer.status, type?.split(":").at(-1) ?? state]);
    }
    expect(answers).toEqual([
      [403, "same-person"],
      [403, "forbidden"],
      [400, "invalid-request"],
      [200, "queued"],
      [409, "not-allowed-in-state"],
    ]);
    const after = { secondPerson: "never", reason: "drill is over" };
    expect(await rig.json("PUT", "/v1/valve-policy", { role: "engineer", body: after })).toEqual({
      secondPerson: "never",
    });
    await rig.json("POST", `/v1/commands/${command.id}/cancel`, { role: "operator" });
  });

  test("parameters: what may be said, who may say it", async () => {
    const say = async (parameters: unknown, role: Role = "engineer") =>
      rig.call("POST", "/v1/meters/M2/change-parameters", {
        role,
        body: { reason: "winter", parameters },
      });
    for (const wrong of [
      {},
      { reportEverySeconds: 299 },
      { reportEverySeconds: 86_401 },
      { reportHours: [] },
      { reportHours: [5, 5] },
      { reportHours: [15, 3] },
      { reportHours: [1, 2, 3, 4, 5] },
      { reportHours: [24] },
      { reportEverySeconds: 600, reportHours: [3] },
      { valve: "open" },
    ]) {
      expect((await say(wrong)).status, JSON.stringify(wrong)).toBe(400);
    }
    expect((await say({ reportEverySeconds: 600 }, "operator")).status).toBe(403);
    const response = await say({ reportEverySeconds: 600 });
    expect(response.status).toBe(202);
    const command: Json = await response.json();
    const parameters = { reportEverySeconds: 600 };
    expect(command).toMatchObject({ action: "change_parameters", state: "queued", parameters });
    await rig.json("POST", `/v1/commands/${command.id}/cancel`, { role: "operator" });
  });

  test("other orders: who may, what is needed, and what is refused", async () => {
    const reason = "repaired";
    const permit = { reason, workOrder: "W-1", leakCheck: "L-1", leakCheckAt: at(25) };
    const ask = async (path: string, role: Role, body: unknown) => {
      const answer = await rig.call("POST", `/v1/meters/M2/${path}`, { role, body });
      const said: Json = await answer.json();
      return [answer.status, said.detail === undefined ? "" : `${said.state ?? ""} ${said.detail}`];
    };
    const path = "valve/permit-opening";
    for (const role of ["operator", "engineer", "admin", "auditor"] as const) {
      expect((await ask(path, role, permit))[0]).toBe(403);
    }
    for (const missing of ["reason", "workOrder", "leakCheck", "leakCheckAt"]) {
      expect((await ask(path, "dispatcher", { ...permit, [missing]: undefined }))[0]).toBe(400);
    }
    const tooLong = { ...permit, expiresInSeconds: 24 * 3600 + 1 };
    expect((await ask(path, "dispatcher", tooLong))[0]).toBe(400);
    expect(await ask(path, "dispatcher", permit)).toEqual([202, "refused position-unknown"]);
    const order: Json = await rig.json("POST", "/v1/meters/M2/set-clock", {
      role: "engineer",
      body: { reason: "drift" },
    });
    expect(order).toMatchObject({ action: "set_clock", state: "queued", permit: null });
    await rig.json("POST", `/v1/commands/${order.id}/cancel`, { role: "operator" });
    expect((await ask("read-history", "operator", { reason }))[0]).toBe(403);
  });

  test("many valves: asked for by one, agreed to by another, stopped by anybody on duty", async () => {
    const body = { meterIds: ["M1", "M2"], reason: "river over its banks" };
    const url = "/v1/valve-campaigns";
    expect((await rig.call("POST", url, { role: "operator", body })).status).toBe(403);
    const campaign: Json = await rig.json("POST", url, { role: "dispatcher", body });
    expect(campaign).toMatchObject({ state: "requested", meters: 2, ordered: 0, stages: [] });
    const own = `${url}/${campaign.id}`;
    const yes = { reason: "agreed" };
    expect(
      (await rig.call("POST", `${own}/approve`, { role: "dispatcher", body: yes })).status,
    ).toBe(403);
    expect((await rig.call("POST", `${own}/approve`, { role: "operator", body: {} })).status).toBe(
      400,
    );
    const running: Json = await rig.json("POST", `${own}/approve`, { role: "operator", body: yes });
    expect(running).toMatchObject({ state: "running", approvals: [{ by: "operator one" }] });
    const stopped: Json = await rig.json("POST", `${own}/stop`, { role: "operator", body: yes });
    expect(stopped.state).toBe("stopped");
    expect(await rig.json("GET", own)).toEqual(stopped);
    const list: Json = await rig.json("GET", url);
    expect(list).toEqual({ items: [stopped], next: null });
    expect((await rig.call("GET", `${url}/none`)).status).toBe(404);
  });

  test("an expiry beyond its bounds, and a meter that is not there", async () => {
    const call = async (id: string, expiresInSeconds: number) =>
      rig.call("POST", `/v1/meters/${id}/valve/close`, {
        role: "operator",
        body: { reason: "x", expiresInSeconds },
      });
    expect((await call("M1", 0)).status).toBe(400);
    expect((await call("M1", 1e9)).status).toBe(400);
    expect((await call("none", 60)).status).toBe(404);
  });

  test("automation: stopped in a hurry without a word, resumed only with a reason", async () => {
    const stop = await rig.json("POST", "/v1/automation/stop", { role: "operator" });
    expect(stop).toEqual({ automation: "stopped" });
    const resume = "/v1/automation/resume";
    expect((await rig.call("POST", resume, { role: "dispatcher" })).status).toBe(400);
    const body = { reason: "drill is over" };
    expect(await rig.json("POST", resume, { role: "dispatcher", body })).toEqual({
      automation: "running",
    });
  });
});
