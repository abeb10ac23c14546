/** Alertmanager's API over our alarms, asked by Debian's real `amtool`, as a person at a terminal would. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";
import { requireTool } from "../support/tool.ts";

const amtool = requireTool("amtool", "prometheus-alertmanager") ?? "";
const run = promisify(execFile);
let rig: ApiRig;
let folder = "";

const at = () => new Date(rig.clock.nowMs()).toISOString();
const statuses = { A1: ["leak"], A2: ["magnet"], A3: ["magnet"], A4: [] };

beforeAll(async () => {
  rig = await startApiRig();
  folder = mkdtempSync(join(tmpdir(), "mercaptan-amtool-"));
  const credentials = rig.keyOf("operator");
  const config = `authorization:\n  type: Bearer\n  credentials: ${credentials}\n`;
  writeFileSync(join(folder, "http.yml"), config);
  for (const [place, [id, status]] of Object.entries(statuses).entries()) {
    const area = place < 2 ? "north" : "south";
    await rig.json("POST", "/v1/meters", { body: { id, size: "G4", protocol: "json", area } });
    rig.uplink(place + 1, { measuredAt: at(), volumeM3: "1.000", status });
  }
});
afterAll(async () => {
  await rig.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What it prints; a refusal is its text. */
async function tool(...args: readonly string[]): Promise<string> {
  const always = [`--alertmanager.url=${rig.origin}`, `--http.config.file=${folder}/http.yml`];
  try {
    const { stdout } = await run(amtool, [...args, ...always]);
    return stdout;
  } catch (error) {
    return error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
  }
}
const alertsOf = async (...args: readonly string[]): Promise<Json[]> =>
  JSON.parse(await tool("alert", "query", "-o", "json", ...args));
const metersOf = (found: readonly Json[]) =>
  found
    .map(({ labels }) => labels.meter as string)
    .toSorted((one, other) => one.localeCompare(other));

test.skipIf(amtool === "")("amtool lists alarms, by rule, area, meter and priority", async () => {
  expect(metersOf(await alertsOf())).toEqual(["A1", "A2", "A3"]);
  expect(metersOf(await alertsOf("area=north"))).toEqual(["A1", "A2"]);
  expect(metersOf(await alertsOf("priority=1"))).toEqual(["A1"]);
  expect(metersOf(await alertsOf('alertname=~"R1.*"', 'meter!="A2"'))).toEqual(["A1", "A3"]);
  expect(metersOf(await alertsOf("rule=R99"))).toEqual([]);
  const [leak] = await alertsOf("meter=A1");
  expect(leak).toMatchObject({
    labels: { alertname: "R1", severity: "p1", area: "north" },
    status: { state: "active", silencedBy: [], inhibitedBy: [] },
    receivers: [{ name: "mercaptan" }],
  });
  expect(leak.annotations.summary).toContain("gas leak");
  const plain = await tool("alert", "query");
  expect(plain).toContain("R11");
});

test.skipIf(amtool === "")("amtool silences by area and ends the silence: a shelf", async () => {
  const add = ["silence", "add", "-a", "Wang", "-c", "magnet works at the mast", "-d", "1h"];
  const id = (await tool(...add, "area=south")).trim();
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(metersOf(await alertsOf())).toEqual(["A1", "A2"]);
  expect(metersOf(await alertsOf("--silenced"))).toEqual(["A3"]);
  const [silence] = JSON.parse(await tool("silence", "query", "-o", "json")) as Json[];
  expect(silence).toMatchObject({
    id,
    status: { state: "active" },
    createdBy: "operator one",
    comment: "magnet works at the mast (Wang)",
    matchers: [{ name: "area", value: "south", isEqual: true, isRegex: false }],
  });
  const { items } = await rig.json("GET", "/v1/alarms?state=shelved");
  expect(items).toMatchObject([
    { meterId: "A3", rule: "R11", hidden: { by: "operator one", until: silence.endsAt } },
  ]);
  const lasting = Date.parse(silence.endsAt) - Date.parse(silence.startsAt);
  expect(Math.abs(lasting - 3_600_000)).toBeLessThan(5_000);

  expect(await tool("silence", "expire", id)).toBe("");
  expect(metersOf(await alertsOf())).toEqual(["A1", "A2", "A3"]);
  expect(await tool("silence", "query")).not.toContain(id);
});

test.skipIf(amtool === "")("priority 1 is never silenced, however it is asked for", async () => {
  const add = ["silence", "add", "-a", "Wang", "-c", "all quiet", "-d", "1h"];
  expect(await tool(...add, "meter=A1")).toContain("priority 1 are never silenced");
  expect(await tool(...add, "rule=R99")).toContain("no standing alarm in sight matches");
  const id = (await tool(...add, 'area=~".+"')).trim();
  expect(metersOf(await alertsOf())).toEqual(["A1"]);
  expect(metersOf(await alertsOf("--silenced"))).toEqual(["A2", "A3"]);
  expect(await tool("silence", "expire", id)).toBe("");
  // Longer than the limit of its priority: 8 hours.
  const long = ["silence", "add", "-a", "Wang", "-c", "long", "-d", "9h", "meter=A2"];
  expect(await tool(...long)).toContain("8 hours at most");
});

const silenceBody = (more: object = {}) => ({
  matchers: [{ name: "meter", value: "A2", isRegex: false, isEqual: true }],
  startsAt: at(),
  endsAt: new Date(rig.clock.nowMs() + 600_000).toISOString(),
  createdBy: "Li",
  comment: "test",
  ...more,
});

test("as Grafana asks: status, groups, silences; refusals are texts", async () => {
  const status = await rig.json("GET", "/api/v2/status", { role: "viewer" });
  expect(status).toMatchObject({ cluster: { status: "disabled" }, config: { original: "" } });
  const groups = await rig.json("GET", "/api/v2/alerts/groups?active=true&silenced=true");
  expect(groups.map(({ labels }: Json) => labels)).toEqual(
    expect.arrayContaining([
      { area: "north", alertname: "R1" },
      { area: "south", alertname: "R11" },
    ]),
  );
  const { silenceID: id } = await rig.json("POST", "/api/v2/silences", {
    role: "operator",
    body: silenceBody(),
  });
  expect(await rig.json("GET", `/api/v2/silence/${id}`)).toMatchObject({ id });
  const again = await rig.json("POST", "/api/v2/silences", {
    role: "operator",
    body: silenceBody({ id, comment: "longer" }),
  });
  expect(await rig.json("GET", "/api/v2/silences")).toMatchObject([
    { id: again.silenceID, comment: "longer (Li)" },
  ]);
  const removed = await rig.call("DELETE", `/api/v2/silence/${again.silenceID}`, {
    role: "operator",
  });
  expect(removed.status).toBe(200);
  expect(await rig.json("GET", "/api/v2/silences")).toEqual([]);
  const gone = await rig.call("DELETE", `/api/v2/silence/${again.silenceID}`, { role: "operator" });
  expect([gone.status, typeof (await gone.json())]).toEqual([404, "string"]);
  const evil = silenceBody({
    matchers: [{ name: "meter", value: "(a+)+$", isRegex: true, isEqual: true }],
  });
  const refused = await rig.call("POST", "/api/v2/silences", { role: "operator", body: evil });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toContain("regular expression");
  for (const body of [
    {},
    silenceBody({ matchers: [] }),
    silenceBody({ startsAt: "2099-01-01T00:00:00Z" }),
  ]) {
    const answer = await rig.call("POST", "/api/v2/silences", { role: "operator", body });
    expect(answer.status).toBe(400);
  }
});

test("who may not shelve may not silence; who has no key sees nothing", async () => {
  const answers = await Promise.all([
    rig.call("POST", "/api/v2/silences", { role: "viewer", body: silenceBody() }),
    rig.call("GET", "/api/v2/alerts", { role: null }),
    rig.call("GET", "/api/v2/alerts", { role: "billing" }),
    rig.call("POST", "/api/v2/alerts", { role: "operator", body: [] }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([403, 401, 403, 404]);
});
