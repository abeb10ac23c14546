/** The same readings and the same consumption by the route, and by the sub-command in three formats. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { afterEach, expect, test } from "vitest";
import { Home } from "../support/program.ts";

let home: Home;
afterEach(() => home.remove());

const span = { from: "2026-11-21T16:00:00Z", to: "2026-11-22T16:00:00Z" };

test("readings and consumption of a day, as CSV, NDJSON and Parquet", async () => {
  home = new Home();
  const service = await home.serve();
  const ids = ["E1", "E2", "E3"];
  await service.register(ids.map((id) => ({ id, protocol: "json" as const, area: `area-${id}` })));
  for (const [place, id] of ids.entries()) {
    const client = await service.login(id);
    for (let hour = 0; hour <= 24 * place; hour += 6) {
      const measuredAt = new Date(Date.parse(span.from) + hour * 3_600_000).toISOString();
      const volumeM3 = `${100 + place}.${String(hour).padStart(3, "0")}`;
      const uplink = JSON.stringify({ v: 1, measuredAt, volumeM3, status: ["battery_low"] });
      await client.publishAsync(`meters/${id}/up/json`, uplink, { qos: 1 });
    }
    await client.endAsync();
  }
  const query = `from=${span.from}&to=${span.to}`;
  const byRoute = await service.fetch("GET", `/v1/readings?${query}&format=ndjson`);
  const lines = (await byRoute.text()).trim().split("\n");
  // One of E1, four of E2, and of E3 those before the day ends.
  expect(lines).toHaveLength(1 + 4 + 4);
  const paged: unknown[] = [];
  for (let cursor = ""; ;) {
    const page = await service.call<{ items: unknown[]; next: string | null }>(
      "GET",
      `/v1/readings?${query}&limit=2${cursor}`,
    );
    paged.push(...page.items);
    if (page.next === null) break;
    cursor = `&cursor=${page.next}`;
  }
  expect(paged).toEqual(lines.map((line) => JSON.parse(line) as unknown));
  expect((await service.fetch("GET", `/v1/readings?from=${span.to}&to=${span.from}`)).status).toBe(
    400,
  );

  const run = async (what: string, format: string, ...more: string[]) => {
    const out = join(home.folder, `${what}.${format}`);
    const period = ["--from", span.from, "--to", span.to];
    const program = home.run([
      "export",
      what,
      ...period,
      "--format",
      format,
      "--out",
      out,
      ...more,
    ]);
    return { code: await program.exited, said: program.stdout + program.stderr, out };
  };
  const ndjson = await run("readings", "ndjson");
  expect(ndjson).toMatchObject({ code: 0, said: expect.stringContaining("9 rows of readings") });
  expect(readFileSync(ndjson.out, "utf8").trim().split("\n")).toEqual(lines);
  const csv = await run("readings", "csv");
  const csvByRoute = await service.fetch("GET", `/v1/readings?${query}&format=csv`);
  expect(readFileSync(csv.out, "utf8")).toBe(await csvByRoute.text());

  const parquet = await run("readings", "parquet");
  const file = Uint8Array.from(readFileSync(parquet.out)).buffer;
  const rows = await parquetReadObjects({ file });
  expect(rows).toHaveLength(9);
  expect(rows[0]).toMatchObject({
    meter_id: "E1",
    measured_at: new Date(span.from),
    index_ml: 100_000_000n,
    status: "battery_low",
    valve: null,
  });
  const sumMl = rows.reduce((sum, { index_ml }) => sum + BigInt(String(index_ml)), 0n);
  const sumOfLines = lines.reduce(
    (sum, line) =>
      sum + BigInt((JSON.parse(line) as { volumeM3: string }).volumeM3.replace(".", "")),
    0n,
  );
  expect(sumMl).toBe(sumOfLines * 1_000n);

  const consumption = await run("consumption", "parquet", "--area", "area-E3");
  const used = Uint8Array.from(readFileSync(consumption.out)).buffer;
  expect(await parquetReadObjects({ file: used })).toMatchObject([
    { meter_id: "E3", opening_ml: 102_000_000n, closing_ml: 102_024_000n, volume_ml: 24_000n },
  ]);
  const again = await run("consumption", "parquet");
  expect(again).toMatchObject({ code: 2, said: expect.stringContaining("exists") });
  expect(await service.stop()).toBe(0);
});

test("a directory without a ledger leaves no file behind", async () => {
  home = new Home();
  const out = join(home.folder, "out.csv");
  const period = ["--from", "2026-11-01", "--to", "2026-11-02", "--out", out];
  const program = home.run(["export", "readings", ...period]);
  expect(await program.exited).not.toBe(0);
  expect([existsSync(out), existsSync(`${out}.part`)]).toEqual([false, false]);
  writeFileSync(out, "");
  const wrong = home.run(["export", "readings", "--from", "soon", "--to", "later", "--out", out]);
  expect(await wrong.exited).toBe(2);
  expect(wrong.stderr).toContain("--from");
});
