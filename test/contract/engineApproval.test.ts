/** Two persons at the desk: the keys of the ledger decide who they are, at every yes. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Command } from "#domain/command.ts";
import type { Role } from "#domain/role.ts";
import { minuteMs } from "#domain/units.ts";
import type { Actor, AskResult } from "#ports/requests.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
const anna: Actor = { label: "anna", role: "dispatcher" };
const ben: Actor = { label: "ben", role: "operator" };

beforeEach(() => {
  engine = new EngineUnderTest();
  for (const { label, role } of [anna, ben, { label: "eva", role: "engineer" } as const]) {
    issueKey(label, role);
  }
  engine.register("M1");
});
afterEach(() => engine.close());

function issueKey(label: string, role: Role): void {
  engine.ask({ kind: "apiKey.issue", apiKey: { id: label, keyHash: "0", role, label } });
}

function policy(secondPerson: "never" | "critical" | "always"): void {
  const eva: Actor = { label: "eva", role: "engineer" };
  engine.ask({ kind: "valves.policy", secondPerson, reason: "house rule" }, eva);
}

function close(by: Actor, meterId = "M1"): Command {
  const ask = {
    kind: "valve.close",
    meterId,
    reason: "smell",
    expiresInMs: 15 * minuteMs,
  } as const;
  return commandOf(engine.ask(ask, by));
}

function commandOf(result: AskResult): Command {
  if (!result.ok || result.answer.kind !== "command") throw new TypeError("no command");
  return result.answer.command;
}

function approve(command: Command, by: Actor): string {
  const reason = "seen it";
  const result = engine.ask({ kind: "command.approve", commandId: command.id, reason }, by);
  return result.ok ? commandOf(result).state : result.refusal.kind;
}

describe("a close that waits for a second person", () => {
  test("does not leave by itself, by its requester, or by a role that may not", () => {
    policy("always");
    const command = close(ben);
    expect(command).toMatchObject({ state: "requested", approvalsNeeded: 1 });
    expect(engine.notices({ kind: "contact", meterNo: 1 })).toMatchObject({ downlinks: [] });
    expect(approve(command, ben)).toBe("same-person");
    expect(approve(command, { label: "eva", role: "engineer" })).toBe("forbidden");
    expect(approve(command, { label: "root", role: "admin" })).toBe("forbidden");
    expect(approve(command, anna)).toBe("queued");
    expect(engine.notices({ kind: "contact", meterNo: 1 }).kind).toBe("committed");
    expect(engine.ledger.command(command.id)).toMatchObject({
      state: "sent",
      approvals: [{ by: "anna", role: "dispatcher" }],
    });
  });

  test("two tabs: the second yes is refused and nothing happens twice", () => {
    policy("always");
    const command = close(ben);
    expect([approve(command, anna), approve(command, anna)]).toEqual([
      "queued",
      "not-allowed-in-state",
    ]);
    const steps = engine.rows(
      "SELECT state FROM command_transition WHERE command_id = ?",
      command.id,
    );
    expect(steps.map(({ state }) => state)).toEqual(["requested", "authorised", "queued"]);
  });

  test("expires with the time in which it can be approved, over a restart, and rings", () => {
    policy("always");
    const command = close(ben);
    engine.nowMs += 10 * minuteMs - 1;
    engine.restart();
    expect(engine.ledger.command(command.id)?.state).toBe("requested");
    engine.nowMs += 1;
    expect(approve(command, anna)).toBe("approval-expired");
    engine.process({});
    expect(engine.ledger.command(command.id)).toMatchObject({
      state: "expired",
      detail: "not-approved",
    });
    expect(engine.alarms("R15")).toHaveLength(1);
  });

  test("is void when its requester's key is gone or has another role by then", () => {
    policy("always");
    const command = close(ben);
    engine.ask({ kind: "apiKey.revoke", id: "ben" });
    expect(approve(command, anna)).toBe("not-allowed-in-state");
    issueKey("ben", "billing");
    expect(approve(command, anna)).toBe("not-allowed-in-state");
    issueKey("ben", "operator");
    expect(approve(command, anna)).toBe("queued");
  });

  test("only for whom the policy says so", () => {
    engine.register("HOSPITAL", { critical: true });
    expect(close(ben, "HOSPITAL").state).toBe("queued");
    policy("critical");
    engine.restart();
    expect(close(anna, "HOSPITAL")).toMatchObject({ state: "refused", detail: "one-outstanding" });
    engine.register("SCHOOL", { critical: true });
    expect([close(ben).state, close(ben, "SCHOOL").state]).toEqual(["queued", "requested"]);
  });

  test("yields to a leak that may close by itself", () => {
    policy("always");
    const command = close(ben);
    leak(1);
    expect(engine.ledger.command(command.id)?.state).toBe("superseded");
    expect(engine.ledger.openCommands()).toMatchObject([{ state: "queued", reason: "R1" }]);
  });
});

function leak(meterNo: number): void {
  const members = { measuredAt: engine.nowMs, volumeM3: "1.000", status: ["leak"] };
  engine.uplinks([{ meterNo, bytes: jsonBytes(members) }]);
}

describe("what the breaker holds", () => {
  function heldCommand(): Command {
    for (const id of ["M2", "M3", "M4"]) engine.register(id);
    for (const no of [1, 2, 3, 4]) leak(no);
    const held = engine.ledger.openCommands().find(({ state }) => state === "held");
    if (held === undefined) throw new TypeError("nothing is held");
    return held;
  }

  test("is let go by two persons, and by no one twice", () => {
    const command = heldCommand();
    expect(approve(command, ben)).toBe("held");
    expect(approve(command, ben)).toBe("same-person");
    engine.restart();
    expect(approve(command, anna)).toBe("queued");
    expect(engine.ledger.command(command.id)?.approvals.map(({ by }) => by)).toEqual([
      "ben",
      "anna",
    ]);
  });

  test("the first yes lapses, and with a role that changed between it never was", () => {
    const command = heldCommand();
    expect(approve(command, ben)).toBe("held");
    engine.nowMs += 10 * minuteMs;
    expect(approve(command, anna)).toBe("held");
    engine.ask({ kind: "apiKey.revoke", id: "anna" });
    expect(approve(command, ben)).toBe("held");
    issueKey("anna", "dispatcher");
    expect(approve(command, anna)).toBe("queued");
  });

  test("released by persons it does not spend the breaker, in memory nor after a restart", () => {
    const command = heldCommand();
    approve(command, ben);
    approve(command, anna);
    const before = engine.ledger.automaticClosesSince(0).length;
    expect(before).toBe(3);
  });

  test("every yes and every refusal is in the audit with its reason", () => {
    const command = heldCommand();
    approve(command, ben);
    approve(command, ben);
    approve(command, anna);
    const rows = engine.rows(
      `SELECT actor, reason, json_extract(detail, '$.result') AS result,
         json_extract(detail, '$.after.state') AS after FROM audit WHERE act = ? ORDER BY seq`,
      "command.approve",
    );
    const reason = "seen it";
    expect(rows).toEqual([
      { actor: "ben", reason, result: "done", after: "held" },
      { actor: "ben", reason, result: "same-person", after: null },
      { actor: "anna", reason, result: "done", after: "queued" },
    ]);
    const events = engine.rows("SELECT kind FROM event WHERE kind = 'command.approved'");
    expect(events).toHaveLength(2);
  });
});

test("the first day: two administrators are two persons, one is not", () => {
  const other = new EngineUnderTest();
  try {
    const [one, two]: Actor[] = ["one", "two"].map((label) => ({ label, role: "admin" }));
    for (const { label, role } of [one, two].filter((actor) => actor !== undefined)) {
      other.ask({ kind: "apiKey.issue", apiKey: { id: label, keyHash: "0", role, label } });
    }
    other.register("M1");
    other.ask({ kind: "valves.policy", secondPerson: "always", reason: "house rule" }, one);
    const ask = {
      kind: "valve.close",
      meterId: "M1",
      reason: "smell",
      expiresInMs: minuteMs,
    } as const;
    const { id: commandId } = commandOf(other.ask(ask, one));
    const yes = { kind: "command.approve", commandId, reason: "seen it" } as const;
    expect(other.ask(yes, one)).toMatchObject({ refusal: { kind: "same-person" } });
    expect(other.ask(yes, two)).toMatchObject({ answer: { command: { state: "queued" } } });
  } finally {
    other.close();
  }
});

test("a key may not be labelled like the engine or a meter, for the history names them", () => {
  for (const label of ["engine", "meter"]) {
    const apiKey = { id: "x", keyHash: "0", role: "operator", label } as const;
    const result = engine.ask({ kind: "apiKey.issue", apiKey });
    expect(result).toMatchObject({ ok: false, refusal: { kind: "invalid" } });
  }
});
