/** Four eyes over HTTP: alone, too late, in another role, or in two tabs at once, nobody lets a valve order go. */
import type { Role } from "#domain/role.ts";
import { minuteMs } from "#domain/units.ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";

let rig: ApiRig;
const reason = "smell of gas reported";

beforeEach(async () => {
  rig = await startApiRig();
  await rig.json("POST", "/v1/meters", { body: { id: "M1", size: "G4", protocol: "json" } });
  const policy = { secondPerson: "always", reason };
  await rig.json("PUT", "/v1/valve-policy", { role: "engineer", body: policy });
});
afterEach(async () => rig.close());

interface Person {
  readonly id: string;
  readonly key: string;
}

/** A key of one's own. */
async function person(label: string, role: Role): Promise<Person> {
  return rig.json("POST", "/v1/keys", { body: { label, role } });
}

async function revoke({ id }: Person): Promise<void> {
  expect((await rig.call("DELETE", `/v1/keys/${id}`)).status).toBe(204);
}

async function post(path: string, by: Person, body: object = { reason }): Promise<Response> {
  const headers = { authorization: `Bearer ${by.key}` };
  return rig.call("POST", path, { role: null, headers, body });
}

/** Asked for, waiting for a second person. */
async function asked(by: Person): Promise<string> {
  const answer = await post("/v1/meters/M1/valve/close", by);
  const command: Json = await answer.json();
  expect(command).toMatchObject({ state: "requested", approvalsNeeded: 1 });
  return command.id;
}

/** The status and the problem, or the state of the command. */
async function verdict(answer: Response): Promise<string> {
  const { type, state, items }: Json = await answer.json();
  const [item] = items ?? [];
  const word =
    item === undefined ? (type?.split(":").at(-1) ?? state) : (item.refusal ?? item.state);
  return `${answer.status} ${word}`;
}

async function approve(commandId: string, by: Person): Promise<string> {
  return verdict(await post(`/v1/commands/${commandId}/approve`, by));
}

async function stateOf(commandId: string): Promise<string> {
  const command: Json = await rig.json("GET", `/v1/commands/${commandId}`);
  return command.state;
}

/** Whatever was tried: the meter listens, and nothing comes. */
function nothingLeaves(): void {
  const listening = new TextEncoder().encode('{"v":1,"volumeM3":"1.000","valve":"open"}');
  rig.frame(1, new Uint8Array(listening));
  expect(rig.downlinks).toEqual([]);
}

describe("one's own order", () => {
  test("is not approved by the same key, another key of the same person, a list, or after a new name of the key", async () => {
    const anna = await person("anna", "operator");
    const commandId = await asked(anna);
    const second = await person("anna", "dispatcher");
    expect(await approve(commandId, anna)).toBe("403 same-person");
    expect(await approve(commandId, second)).toBe("403 same-person");
    const list = { commandIds: [commandId], reason };
    expect(await verdict(await post("/v1/commands/approve", anna, list))).toBe("200 same-person");
    expect(await verdict(await post("/v1/commands/approve", second, list))).toBe("200 same-person");
    for (const role of ["viewer", "billing", "auditor"] as const) {
      expect(await approve(commandId, await person(role, role))).toBe("403 forbidden");
    }
    expect(await stateOf(commandId)).toBe("requested");
    nothingLeaves();
  });
});

describe("too late", () => {
  test("an order that has waited for ten minutes is not approved, by anybody", async () => {
    const anna = await person("anna", "operator");
    const ben = await person("ben", "dispatcher");
    const commandId = await asked(anna);
    rig.pass(10 * minuteMs);
    expect(await approve(commandId, ben)).toBe("409 approval-expired");
    // The look at the clock that came with that request has ended it.
    const list = { commandIds: [commandId], reason };
    const told = await verdict(await post("/v1/commands/approve", ben, list));
    expect(told).toBe("200 not-allowed-in-state");
    rig.tick();
    expect(await stateOf(commandId)).toBe("expired");
    expect(await approve(commandId, ben)).toBe("409 not-allowed-in-state");
    nothingLeaves();
  });
});

describe("another role by then", () => {
  test("who asked has no key, or another role, when the second says yes", async () => {
    const anna = await person("anna", "operator");
    const ben = await person("ben", "dispatcher");
    const commandId = await asked(anna);
    await revoke(anna);
    expect(await approve(commandId, ben)).toBe("409 not-allowed-in-state");
    await person("anna", "viewer");
    expect(await approve(commandId, ben)).toBe("409 not-allowed-in-state");
    expect(await stateOf(commandId)).toBe("requested");
    nothingLeaves();
  });

  test("who is to approve has lost the key, or has one of another role", async () => {
    const anna = await person("anna", "operator");
    const ben = await person("ben", "dispatcher");
    const commandId = await asked(anna);
    await revoke(ben);
    expect((await post(`/v1/commands/${commandId}/approve`, ben)).status).toBe(401);
    expect(await approve(commandId, await person("ben", "engineer"))).toBe("403 forbidden");
    expect(await stateOf(commandId)).toBe("requested");
    nothingLeaves();
  });
});

describe("two tabs at once", () => {
  test("of the one who asked: none counts", async () => {
    const anna = await person("anna", "operator");
    const commandId = await asked(anna);
    const tabs = Array.from({ length: 8 }, async () => approve(commandId, anna));
    expect(new Set(await Promise.all(tabs))).toEqual(new Set(["403 same-person"]));
    expect(await stateOf(commandId)).toBe("requested");
    nothingLeaves();
  });

  test("of the second: one counts, and the meter is told once", async () => {
    const anna = await person("anna", "operator");
    const ben = await person("ben", "dispatcher");
    const commandId = await asked(anna);
    const tabs = Array.from({ length: 8 }, async () => approve(commandId, ben));
    const told = await Promise.all(tabs);
    expect(told.filter((word) => word === "200 queued")).toHaveLength(1);
    expect(told.filter((word) => word === "409 not-allowed-in-state")).toHaveLength(7);
    const listening = new TextEncoder().encode('{"v":1,"volumeM3":"1.000","valve":"open"}');
    rig.frame(1, new Uint8Array(listening));
    rig.frame(1, new Uint8Array(listening));
    expect(rig.downlinks).toHaveLength(1);
  });

  test("asked for twice with one Idempotency-Key: one command", async () => {
    const anna = await person("anna", "operator");
    const headers = { authorization: `Bearer ${anna.key}`, "idempotency-key": "k-1" };
    const given = { role: null, headers, body: { reason } };
    const tabs = [1, 2].map(async () => rig.json("POST", "/v1/meters/M1/valve/close", given));
    const [one, other]: readonly Json[] = await Promise.all(tabs);
    expect(one.id).toBe(other.id);
    const { items }: Json = await rig.json("GET", "/v1/commands");
    expect(items).toHaveLength(1);
  });
});
