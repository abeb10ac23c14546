/** Readings that were let go, over HTTP: asked for they are said to be retired, and the last ones are still there. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readingsDaysMin } from "#domain/retention.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import { startApiRig, type ApiRig, type Json } from "../support/apiRig.ts";
import { letGo, putOldReadings } from "../support/oldReadings.ts";

/** Four months, of which the law lets two go and a third in part. */
const fromMs = Math.floor(Date.now() / dayMs - readingsDaysMin - 75) * dayMs;
const instant = (day: number) => new Date(fromMs + day * dayMs + hourMs).toISOString();
let rig: ApiRig;
let limit = "";
const billing = { role: "billing" } as const;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-retired-"));
  putOldReadings(directory, fromMs);
  await letGo(directory, Date.now(), readingsDaysMin * dayMs);
  rig = await startApiRig({ directory });
});
afterAll(async () => rig.close());

test.each([
  `/v1/meters/M0001/readings?from=${instant(0)}&to=${instant(111)}`,
  `/v1/readings?from=${instant(5)}&to=${instant(111)}`,
  `/v1/meters/M0001/register?at=${instant(5)}`,
  `/v1/billing/registers?at=${instant(5)}`,
  `/v1/billing/registers?at=${instant(5)}&limit=1000`,
  `/v1/meters/M0001/consumption?from=${instant(5)}&to=${instant(111)}`,
  `/v1/billing/consumption?from=${instant(5)}&to=${instant(111)}`,
])("%s is 410, and says from when on there are readings", async (path) => {
  const response = await rig.call("GET", path, billing);
  expect(response.status).toBe(410);
  const problem: Json = await response.json();
  expect(problem.type).toBe("urn:mercaptan:problem:retired");
  limit = /^readings before (\S+) were retired$/.exec(problem.detail)?.[1] ?? "";
  expect(Date.parse(limit)).toBeGreaterThan(fromMs + 30 * dayMs);
  expect(Date.parse(limit)).toBeLessThanOrEqual(Date.now() - readingsDaysMin * dayMs);
});

test("from there on all is as it was, and a silent meter has its last register", async () => {
  const kept = Array.from({ length: 12 }, (_none, place) => instant(place * 10)).filter(
    (at) => Date.parse(at) >= Date.parse(limit),
  );
  const path = `/v1/meters/M0001/readings?from=${limit}&to=${instant(111)}`;
  const page: Json = await rig.json("GET", path, billing);
  expect(page.items.map(({ measuredAt }: Json) => measuredAt)).toEqual(kept);
  const silent: Json = await rig.json("GET", "/v1/meters/M0002/readings/latest", billing);
  expect(silent).toMatchObject({ measuredAt: instant(0) });
  const registers: Json = await rig.json("GET", `/v1/billing/registers?at=${limit}`, billing);
  expect(registers.items).toMatchObject([
    { meterId: "M0001", quality: "estimated" },
    { meterId: "M0002", volumeM3: "1.000", method: "last-before" },
  ]);
});
