/** An edge node with its meters at a real service: readings, a leak, its valve, a restart of ours, and a stranger. */
import { expect, onTestFinished, test } from "vitest";
import { minuteMs, secondMs } from "#domain/units.ts";
import { EdgeNode } from "#simulators/edgeNode.ts";
import { EdgeSession, type EdgeLogin } from "#simulators/edgeSession.ts";
import { eventually, Home, type Service } from "../support/program.ts";

/** A node with two meters, and the services that it speaks with. */
class Scene {
  readonly home = new Home();
  readonly node = new EdgeNode("city", "N1", ["M0001", "imei-2"]);
  /** Moves on by hand from now, so that no test waits for a meter's minute. */
  #nowMs = Math.floor(Date.now() / secondMs) * secondMs;

  readonly clock = (): number => (this.#nowMs += secondMs);

  async begin(): Promise<Service> {
    const service = await this.home.serve();
    const profile = "simulated-sparkplug";
    await service.register([
      { id: "M0001", protocol: "sparkplug", profile },
      { id: "M0002", protocol: "sparkplug", profile, carrierAddress: "imei-2" },
    ]);
    await service.gateway("N1", ["M0001", "M0002"]);
    await service.gateway("N2", []);
    return service;
  }

  open(service: Service, change: Partial<EdgeLogin> = {}): Promise<EdgeSession> {
    const broker = { host: "127.0.0.1", port: service.mqttPort };
    const login = { secret: service.secretOf("N1"), hostId: "mercaptan", ...change };
    return EdgeSession.open(broker, this.node, login, this.clock);
  }

  /** The register of imei-2, five litres on. */
  async report(session: EdgeSession): Promise<void> {
    this.node.meter("imei-2").litres += 5;
    const wish = { metrics: ["Volume"], atMs: this.clock() } as const;
    await session.say(this.node.data("imei-2", wish));
  }
}

async function volumes(service: Service, id: string): Promise<readonly number[]> {
  const items = await service.items<{ volumeM3: string }>(`/v1/meters/${id}/readings`);
  return items.map(({ volumeM3 }) => Number(volumeM3));
}

async function eventuallyReads(service: Service, id: string, cubicMetres: number): Promise<void> {
  await eventually(
    () => volumes(service, id),
    (found) => found.includes(cubicMetres),
  );
}

function begin(): Scene {
  const scene = new Scene();
  onTestFinished(async () => scene.home.remove());
  return scene;
}

interface Command {
  readonly state: string;
  readonly meterId: string;
  readonly history: readonly { readonly state: string }[];
}

test(
  "readings by alias, and a leak whose valve is closed and proved shut",
  { timeout: minuteMs },
  async () => {
    const scene = begin();
    const { node, clock } = scene;
    const service = await scene.begin();
    const session = await scene.open(service);
    await eventuallyReads(service, "M0002", 1_001);
    await scene.report(session);
    await eventuallyReads(service, "M0002", 1_001.005);

    node.meter("M0001").hasLeak = true;
    await session.say(node.data("M0001", { metrics: ["Volume", "Leak"], atMs: clock() }));
    const alarms = await eventually(
      () => service.items<{ rule: string; meterId: string }>("/v1/alarms?state=unacknowledged"),
      (found) => found.some(({ rule }) => rule === "R1"),
    );
    expect(alarms.find(({ rule }) => rule === "R1")).toMatchObject({ meterId: "M0001" });

    const command = async () => (await service.items<Command>("/v1/commands"))[0];
    await eventually(command, (found) => found?.state === "executed");
    expect(session.heard.at(-1)?.topic).toBe("spBv1.0/city/DCMD/N1/M0001");
    for (let step = 0; step < 3; step += 1) {
      await session.say(node.data("M0001", { metrics: ["Volume"], atMs: clock() }));
    }
    const verified = await eventually(command, (found) => found?.state === "verified");
    // Nobody confirms at QoS 0: that it is unconfirmed may be noted after what proves it.
    const states = verified?.history.map(({ state }) => state).filter((one) => one !== "unknown");
    expect(states?.slice(-3)).toEqual(["sent", "executed", "verified"]);
    expect(node.meter("M0001").movements).toBe(1);

    // A person's order to a meter that the node calls by its carrier address.
    await service.call("POST", "/v1/meters/M0002/valve/close", { reason: "smell of gas" });
    await eventually(
      async () => session.heard.at(-1)?.topic,
      (topic) => topic === "spBv1.0/city/DCMD/N1/imei-2",
    );
    await eventually(
      async () => node.meter("imei-2").movements,
      (movements) => movements === 1,
    );
  },
);

test("nobody speaks for another's node", { timeout: minuteMs }, async () => {
  const scene = begin();
  const service = await scene.begin();
  const session = await scene.open(service);
  await eventuallyReads(service, "M0002", 1_001);
  const stranger = await service.login("N2");
  const closed = new Promise<void>((resolve) => stranger.once("close", () => resolve()));
  const forged = scene.node.death();
  stranger.publish(forged.topic, Buffer.from(forged.payload), { qos: 1 });
  await closed;
  expect(await service.event("mqtt.publishRefused", "NOT_OWNER")).toBe(1);
  // The forged death changed nothing: aliases still say what they said.
  await scene.report(session);
  await eventuallyReads(service, "M0002", 1_001.005);
  await service.expectReady();
});

test(
  "our restart in the middle: a rebirth is asked for, and no reading is lost",
  { timeout: minuteMs },
  async () => {
    const scene = begin();
    const before = await scene.begin();
    const first = await scene.open(before);
    await eventuallyReads(before, "M0002", 1_001);
    expect(await before.stop()).toBe(0);
    expect(first.heard.at(-1)?.topic).toBe("spBv1.0/STATE/mercaptan");

    // One message is lost with the connection, and the node goes on without a birth.
    scene.node.loseOne();
    const service = await scene.home.serve();
    await service.issue("gateways", "N1");
    const session = await scene.open(service, { givesBirth: false });
    await scene.report(session);
    await eventually(
      async () => session.heard,
      (heard) => heard.some(({ topic }) => topic === "spBv1.0/city/NCMD/N1"),
    );
    // The births say the register of now; what could not be explained is kept, and is decoded now.
    await eventuallyReads(service, "M0002", 1_001.005);
    const known = await volumes(service, "M0002");
    const [kept] = await service.items<{ id: number }>("/v1/quarantine");
    expect(kept).toMatchObject({ reason: "BIRTH", meterId: "M0002" });
    await service.call("POST", `/v1/quarantine/${kept?.id}/redecode`);
    expect(await volumes(service, "M0002")).toHaveLength(known.length + 1);
    await session.breakOff();
    // Data, three births and the will: each has its outcome.
    await eventually(
      () => service.metric("mercaptan_uplinks_total", { protocol: "sparkplug" }),
      (count) => count === 5,
    );
    await service.expectReady();
  },
);
