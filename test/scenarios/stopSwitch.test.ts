/**
 * The stop switch at the real program: once it has answered, no automatic close leaves any more, also after kill -9; a
 * person's close does. And what an operator's terminal says of the order that waits.
 */
import type { MqttClient } from "mqtt";
import { expect, onTestFinished, test } from "vitest";
import { eventually, Home, type Service } from "../support/program.ts";

interface CommandRow {
  readonly meterId: string;
  readonly state: string;
  readonly detail: string | null;
}

/** A meter that is awake, and what it is told. */
async function awake(service: Service, id: string): Promise<readonly [MqttClient, string[]]> {
  const meter = await service.login(id);
  const told: string[] = [];
  meter.on("message", (topic) => told.push(topic));
  await meter.subscribeAsync(`meters/${id}/down/json`, { qos: 1 });
  return [meter, told];
}

async function report(meter: MqttClient, id: string, status: readonly string[]): Promise<void> {
  const measuredAt = new Date().toISOString();
  const reading = { v: 1, measuredAt, volumeM3: "1.000", valve: "open", status };
  await meter.publishAsync(`meters/${id}/up/json`, JSON.stringify(reading), { qos: 1 });
}

const tellLeak = async (meter: MqttClient, id: string) => report(meter, id, ["leak"]);

async function commandOf(service: Service, id: string): Promise<CommandRow | undefined> {
  const rows = await service.items<CommandRow>("/v1/commands");
  return rows.find(({ meterId }) => meterId === id);
}

test("what waits is taken back, nothing new leaves, and a kill changes nothing", async () => {
  const home = new Home();
  onTestFinished(async () => home.remove());
  const first = await home.serve();
  await first.register(["A1", "A2", "A3", "A4"].map((id) => ({ id, protocol: "json" })));
  const [a1, a1Told] = await awake(first, "A1");
  await tellLeak(a1, "A1");
  await eventually(
    async () => a1Told.length,
    (count) => count === 1,
  );

  // A2 told its leak and went to sleep: its close waits.
  const a2 = await first.login("A2");
  await tellLeak(a2, "A2");
  await a2.endAsync(true);
  await eventually(
    async () => commandOf(first, "A2"),
    (row) => row !== undefined,
  );

  const flags = ["--api", first.api, "--key-file", home.keyFile, "--once"];
  const screen = home.run(["console", ...flags, "--zone", "UTC"]);
  expect(await screen.exited).toBe(0);
  expect(screen.stdout).toMatch(/ P1 {2}\S+ {2}R1 {2}A2 default/);
  expect(screen.stdout).toMatch(
    /A2 default {2}close {2}queued {2}\(R1\)\n +takes effect at the next wake: expected (?:\S+ )?\d\d:\d\d, latest (?:\S+ )?\d\d:\d\d; expires/,
  );
  const other = home.run(["console", ...flags, "--language", "zh-CN"]);
  expect(await other.exited).toBe(0);
  expect(other.stdout).toMatch(/下次唤醒时生效：预计 .*，最迟 /);

  await first.call("POST", "/v1/automation/stop", { reason: "drill" });
  const takenBack = { state: "cancelled", detail: "automation-stopped" };
  expect(await commandOf(first, "A2")).toMatchObject(takenBack);
  const [late, lateTold] = await awake(first, "A2");
  const [a3, a3Told] = await awake(first, "A3");
  await tellLeak(late, "A2");
  await tellLeak(a3, "A3");
  const stopped = { state: "refused", detail: "automation-stopped" };
  await eventually(
    async () => commandOf(first, "A3"),
    (row) => row !== undefined,
  );
  expect(await commandOf(first, "A3")).toMatchObject(stopped);

  first.program.child.kill("SIGKILL");
  await first.program.exited;
  const second = await home.serve();
  for (const id of ["A2", "A3", "A4"]) await second.issue("meters", id);
  const [again, againTold] = await awake(second, "A2");
  const [a4, a4Told] = await awake(second, "A4");
  await tellLeak(again, "A2");
  await tellLeak(a4, "A4");
  await eventually(
    async () => commandOf(second, "A4"),
    (row) => row !== undefined,
  );
  expect(await commandOf(second, "A4")).toMatchObject(stopped);

  // The order of a person is the sign that whatever was to come before it has come.
  const body = { reason: "gas smelt at the door", expiresInSeconds: 600 };
  await second.call("POST", "/v1/meters/A4/valve/close", body);
  await eventually(
    async () => a4Told.length,
    (count) => count === 1,
  );
  expect([lateTold, a3Told, againTold]).toEqual([[], [], []]);
  expect(await second.stop()).toBe(0);

  // An old screen must not look like a quiet city.
  const dead = home.run(["console", "--api", second.api, "--key-file", home.keyFile, "--once"]);
  expect([await dead.exited, dead.stdout]).toEqual([2, expect.stringContaining("DOES NOT ANSWER")]);
});
