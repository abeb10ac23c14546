/** Two consoles at one alarm through the real API at once, and the process killed between an act and its answer. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { Home, eventually, type Service } from "../support/program.ts";

const home = new Home();
afterEach(() => home.remove());

interface AlarmRow {
  readonly id: string;
  readonly rule: string;
  readonly state: string;
  readonly occurrence: number;
}

/** A person of the control room, with a key of their own. */
class Console {
  readonly #key: string;

  private constructor(key: string) {
    this.#key = key;
  }

  static async open(service: Service, label: string): Promise<Console> {
    const body = { role: "operator", label };
    const { key } = await service.call<{ key: string }>("POST", "/v1/keys", body);
    return new Console(key);
  }

  async act(service: Service, path: string, body: object, idempotencyKey: string): Promise<number> {
    const headers = { authorization: `Bearer ${this.#key}`, "idempotency-key": idempotencyKey };
    return (await service.fetch("POST", `/v1/alarms/${path}`, body, headers)).status;
  }
}

async function alarmOf(service: Service): Promise<AlarmRow> {
  const found = await eventually(
    async () => (await service.items<AlarmRow>("/v1/alarms")).find(({ rule }) => rule === "R11"),
    (alarm) => alarm !== undefined,
  );
  if (found === undefined) throw new TypeError("no alarm");
  return found;
}

async function happened(service: Service, kind: string): Promise<number> {
  const events = await service.items<{ kind: string }>("/v1/events?after=0&limit=1000");
  return events.filter((event) => event.kind === kind).length;
}

test("two consoles at once, and a kill between act and answer: each act counts once or not at all", async () => {
  let service = await home.serve();
  await service.register([{ id: "M1", protocol: "json" }]);
  const meter = await service.login("M1");
  const measuredAt = new Date().toISOString();
  const said = { v: 1, measuredAt, volumeM3: "1.000", status: ["magnet"] };
  await meter.publishAsync("meters/M1/up/json", JSON.stringify(said), { qos: 1 });
  await meter.endAsync();
  const consoles = [await Console.open(service, "desk 1"), await Console.open(service, "desk 2")];
  const { id, occurrence } = await alarmOf(service);
  const [one, two] = consoles;
  if (one === undefined || two === undefined) throw new TypeError("two desks");

  const acknowledge = (desk: Console, key: string) =>
    desk.act(service, `${id}/acknowledge`, { occurrence }, key);
  expect(await Promise.all([acknowledge(one, "a1"), acknowledge(two, "a2")])).toEqual([200, 200]);
  expect(await happened(service, "alarm.acknowledged")).toBe(1);

  const shelve = async (desk: Console, key: string) =>
    desk.act(service, `${id}/shelve`, { reason: "fitter there", forSeconds: 600 }, key);
  const unshelve = async (desk: Console, key: string) =>
    desk.act(service, `${id}/unshelve`, { reason: "fitter gone" }, key);
  const race = await Promise.all([shelve(one, "s1"), unshelve(two, "u1")]);
  const isBackAgain = (await alarmOf(service)).state === "unacknowledged";
  expect(race).toEqual([200, isBackAgain ? 200 : 409]);
  if (!isBackAgain) expect(await unshelve(two, "u2")).toBe(200);

  let shelved = 1;
  for (const afterMs of [0, 4]) {
    const key = `killed after ${afterMs}`.replaceAll(" ", "-");
    const answered = shelve(one, key).catch(() => null);
    await delay(afterMs);
    service.program.child.kill("SIGKILL");
    await service.program.exited;
    await answered;
    service = await home.serve();
    const isKnown = (await happened(service, "alarm.shelved")) - shelved;
    expect([0, 1]).toContain(isKnown);
    expect((await alarmOf(service)).state).toBe(isKnown === 1 ? "shelved" : "unacknowledged");
    // The console asks again under the same key: done once, whatever became of the first time.
    expect(await shelve(one, key)).toBe(200);
    shelved += 1;
    expect(await happened(service, "alarm.shelved")).toBe(shelved);
    expect((await alarmOf(service)).state).toBe("shelved");
    expect(await unshelve(two, `${key}-off`)).toBe(200);
  }
  expect(await service.stop()).toBe(0);
}, 60_000);
