/** Who gets in, as what, and what everybody else is told. faults-and-security section 6: rows 29, 31 to 33. */
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  connectBytes,
  publishBytes,
  secretOf,
  startRig,
  until,
  type Rig,
} from "../support/mqttRig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(async () => {
  await rig.stop();
});

/** CONNACK's return code, after which a refused connection is closed. */
async function returnCode(bytes: Buffer) {
  const raw = await rig.raw();
  raw.send(bytes);
  const [connack] = await raw.receive("connack");
  if (connack?.cmd !== "connack") throw new Error("no CONNACK");
  if (connack.returnCode !== 0) await raw.closed();
  else raw.socket.destroy();
  return connack.returnCode;
}

test("a meter logs in with its own secret, and no session is ever present", async () => {
  const raw = await rig.rawLogin("M0001", { clean: false });
  expect(raw.frames).toMatchObject([{ cmd: "connack", returnCode: 0, sessionPresent: false }]);
  expect(rig.intake.connectionCount()).toBe(1);
  raw.socket.destroy();
  await until(() => rig.intake.connectionCount() === 0, "the session ended");
  expect(rig.observer.count("mqtt.connected")).toBe(1);
  expect(rig.observer.count("mqtt.disconnected")).toBe(1);
});

const refusals: [string, number, string, string, object][] = [
  ["a wrong secret", 4, "CREDENTIAL", "M0001", { password: Buffer.from("wrong") }],
  ["an empty secret", 4, "CREDENTIAL", "M0001", { password: Buffer.alloc(0) }],
  ["an unknown user name", 4, "CREDENTIAL", "M9999", {}],
  ["no user name", 4, "CREDENTIAL", "M0001", { username: undefined, password: undefined }],
  ["a user name that is no id", 4, "CREDENTIAL", "../M0001", {}],
  ["__proto__ as a user name", 4, "CREDENTIAL", "__proto__", {}],
  ["another meter's client id", 2, "CLIENT_ID", "M0001", { clientId: "M0002" }],
  ["a client id that only begins like the name", 2, "CLIENT_ID", "M0001", { clientId: "M00012" }],
  ["an empty client id", 2, "CLIENT_ID", "M0001", { clientId: "" }],
  ["a long suffix", 2, "CLIENT_ID", "M0001", { clientId: `M0001/${"x".repeat(33)}` }],
  ["keep-alive 0", 5, "KEEP_ALIVE", "M0001", { keepalive: 0 }],
  ["keep-alive 65,535", 5, "KEEP_ALIVE", "M0001", { keepalive: 65_535 }],
  ["a will on another meter's topic", 5, "WILL", "M0001", will("meters/M0002/up/json")],
  ["a will on a command topic", 5, "WILL", "M0001", will("meters/M0001/down/json")],
  ["a retained will", 5, "WILL", "M0001", will("meters/M0001/up/json", true)],
];

function will(topic: string, retain = false) {
  return { will: { topic, payload: Buffer.from("gone"), qos: 1, retain } };
}

test.each(refusals)("%s is refused", async (_title, code, reason, username, extra) => {
  expect(await returnCode(connectBytes(username, extra))).toBe(code);
  expect(rig.observer.count("mqtt.refused", { reason })).toBe(1);
  expect(rig.observer.count("mqtt.cut")).toBe(0);
  expect(rig.intake.connectionCount()).toBe(0);
});

test("MQTT 5 is answered with return code 1", async () => {
  expect(await returnCode(connectBytes("M0001", { protocolVersion: 5 }))).toBe(1);
  expect(rig.observer.count("mqtt.refused", { reason: "PROTOCOL_VERSION" })).toBe(1);
});

test("client ids and names from Object.prototype are ids like others", async () => {
  expect(await returnCode(connectBytes("constructor"))).toBe(0);
  expect(await returnCode(connectBytes("M0001", { clientId: "M0001/__proto__" }))).toBe(0);
});

test("five wrong secrets make the name wait there, the right one included, and then it is over", async () => {
  const wrong = connectBytes("M0001", { password: Buffer.from("wrong") });
  for (let attempt = 1; attempt <= 5; attempt++) expect(await returnCode(wrong)).toBe(4);
  expect(rig.observer.count("login.locked", { username: "M0001" })).toBe(1);
  expect(await returnCode(connectBytes("M0001"))).toBe(4);
  expect(rig.observer.count("mqtt.refused", { reason: "LOCKED" })).toBe(1);
  expect(await returnCode(connectBytes("M0002"))).toBe(0);
  rig.clock.aheadMs += 15 * 60_000;
  expect(await returnCode(connectBytes("M0001"))).toBe(0);
});

test("after many wrong secrets from one address refusals wait, right secrets do not", async () => {
  const few = await startRig({ limits: { loginFailuresPerAddressMax: 3, loginDelayMs: 60_000 } });
  try {
    for (const username of ["X1", "X2"]) {
      const raw = await few.raw();
      raw.send(connectBytes(username));
      await raw.receive("connack");
    }
    const delayed = await few.raw();
    delayed.send(connectBytes("X3"));
    await until(() => few.observer.count("login.failed") === 3, "three failures");
    expect(few.observer.count("login.locked")).toBe(1);
    await few.rawLogin("M0001");
    expect(delayed.frames).toEqual([]);
  } finally {
    await few.stop();
  }
});

test("a second session of the same client id replaces the first and is counted", async () => {
  const first = await rig.rawLogin("M0001");
  const second = await rig.rawLogin("M0001");
  await first.closed();
  expect(rig.observer.count("mqtt.takeover")).toBe(1);
  expect(second.isClosed).toBe(false);
  expect(rig.intake.connectionCount()).toBe(1);
});

test("two sessions with different suffixes live side by side", async () => {
  const first = await rig.rawLogin("M0001", { clientId: "M0001/a" });
  await rig.rawLogin("M0001", { clientId: "M0001/b" });
  expect(rig.intake.connectionCount()).toBe(2);
  expect(first.isClosed).toBe(false);
});

test("a revoked credential ends the live session", async () => {
  const quick = await startRig({ limits: { credentialCheckMs: 5 } });
  try {
    const raw = await quick.rawLogin("M0001");
    quick.directory.credentials.delete("M0001");
    await raw.closed();
    expect(quick.observer.count("mqtt.cut", { reason: "REVOKED" })).toBe(1);
  } finally {
    await quick.stop();
  }
});

test("the secret of one meter does not open another", async () => {
  const bytes = connectBytes("M0002", { password: Buffer.from(secretOf("M0001")) });
  expect(await returnCode(bytes)).toBe(4);
});

test("who leaves between CONNECT and the answer is not counted as present", async () => {
  for (let attempt = 0; attempt < 50; attempt++) {
    const raw = await rig.raw();
    raw.send(connectBytes("M0001", { clientId: `M0001/${attempt}` }));
    if (attempt % 2 === 0) await new Promise(setImmediate);
    raw.socket.resetAndDestroy();
  }
  await rig.rawLogin("M0002");
  await until(() => rig.intake.connectionCount() === 1, "only the last is here");
});

test("a fault of our own ends one session, not the listener", async () => {
  const raw = await rig.rawLogin("M0001");
  rig.directory.meterById = () => {
    throw new Error("a mistake");
  };
  raw.send(publishBytes("meters/M0001/up/json", "x"));
  await raw.closed();
  expect(rig.observer.count("mqtt.hookFailed", { why: "a mistake" })).toBe(1);
  await rig.rawLogin("M0002");
});

test("a port in use is said, with the cause", async () => {
  const { port } = rig.intake;
  const second = startRig({ port });
  await expect(second).rejects.toMatchObject({
    code: "LISTEN_FAILED",
    cause: { code: "EADDRINUSE" },
  });
});
