/**
 * A disk that takes no more bytes under the real process: faults-and-security section 6, row 48. The kernel's limit on
 * file sizes stands in for the full disk: every write beyond it fails, reads go on.
 */
import { execFileSync } from "node:child_process";
import { afterAll, expect, test } from "vitest";
import { Books, expectCalm, json, minutesAgo } from "../support/hostile.ts";
import { publishBytes } from "../support/mqttRig.ts";
import { eventually, Home, type Service } from "../support/program.ts";
import { requireTool } from "../support/tool.ts";

const prlimit = requireTool("prlimit", "util-linux");
const home = new Home();
afterAll(async () => home.remove());

function limitFiles(service: Service, bytes: string): void {
  execFileSync(prlimit ?? "", ["--pid", String(service.program.child.pid), `--fsize=${bytes}:`]);
}

async function readiness(service: Service): Promise<number> {
  return (await fetch(`${service.api}/readyz`)).status;
}

test.skipIf(prlimit === null)(
  "48: what cannot be stored is not acknowledged; blind while it lasts, and sighted after it",
  async () => {
    const service = await home.serve();
    const books = new Books(service);
    await service.register([{ id: "D1", protocol: "json" }]);
    const meter = await service.login("D1");
    await meter.publishAsync("meters/D1/up/json", json({ measuredAt: minutesAgo(2) }), { qos: 1 });
    books.stored += 1;
    const cut = new Promise<void>((resolve) => meter.once("close", () => resolve()));

    limitFiles(service, "1");
    const frame = publishBytes("meters/D1/up/json", json());
    meter.stream.write(frame);
    await cut;
    books.refused += 1;
    expect(await readiness(service)).toBe(503);
    const failures = { event: "engine.commitFailed", reason: "LEDGER_WRITE_FAILED" };
    expect(await service.metric("mercaptan_events_total", failures)).toBeGreaterThan(0);
    const refused = await service.fetch("POST", "/v1/automation/stop", { reason: "no disk" });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ type: "urn:mercaptan:problem:store-unavailable" });
    expect(await service.items("/v1/meters/D1/readings")).toHaveLength(1);

    limitFiles(service, "unlimited");
    await eventually(
      async () => readiness(service),
      (status) => status === 200,
    );
    const again = await service.login("D1");
    await again.publishAsync("meters/D1/up/json", json(), { qos: 1 });
    books.stored += 1;
    await again.endAsync();
    expect(await service.items("/v1/meters/D1/readings")).toHaveLength(2);
    const events = await service.items<{ kind: string }>("/v1/events");
    const kinds = events
      .map(({ kind }) => kind)
      .filter((kind) => /^system\.(blind|sighted)/.test(kind));
    expect(kinds).toEqual(["system.blind", "system.sighted"]);
    await books.expectBalance();
    await expectCalm(service);
    expect(await service.stop()).toBe(0);
  },
);
