/** Tables of metrics in profiles: what is taken, where a mistake stands, and that nothing in them can open a valve. */
import { expect, test } from "vitest";
import { ConfigError } from "#config/configError.ts";
import { loadProfiles } from "#config/loadProfiles.ts";

const good = `id: maker-node
version: 1
title: Maker node
protocol: sparkplug
confirmed: true
functions: [valve]
dialect:
  metrics:
    Volume: { to: volume, unit: m3 }
    Pulses: { to: volume, unit: l, exponent: 1 }
    Pressure: { to: pressurePa, unit: mbar }
    Valve: { to: valve, positions: { 0: open, 1: closed } }
    Leak: { to: status, flag: leak }
    Alarms: { to: statusBits, bits: [null, battery_low, magnet] }
    State: { to: statusWords, words: { OK: [], LEAK: [leak] } }
  closeMetric: { metric: Valve/Close, dataType: Boolean, value: true }
`;

function problems(text: string): readonly string[] {
  try {
    loadProfiles(["m"], { readFolder: () => ["a.yaml"], readFile: () => text });
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((one) => `${one.where}: ${one.message}`);
    throw error;
  }
  return [];
}

test("a table is taken as the decoder takes it", () => {
  const profiles = loadProfiles(["m"], { readFolder: () => ["a.yaml"], readFile: () => good });
  expect(profiles["maker-node"]?.dialect).toMatchObject({
    metrics: {
      Volume: { to: "volume", unit: "m3" },
      Valve: { to: "valve", positions: { "0": "open", "1": "closed" } },
      Alarms: { to: "statusBits", bits: [null, "battery_low", "magnet"] },
    },
    closeMetric: { metric: "Valve/Close", dataType: "Boolean", value: true },
  });
});

test.each([
  ["unit: m3 }", "unit: m4 }", "m/a.yaml:9:"],
  ["1: closed", "1: shut", "m/a.yaml:12:"],
  ["flag: leak", "flag: leek", "m/a.yaml:13:"],
  ["to: status,", "to: nothing,", "m/a.yaml:13:"],
  ["[null, battery_low, magnet]", "[battery]", "m/a.yaml:14:"],
  ["exponent: 1", "exponent: 99", "m/a.yaml:10:"],
  ["dataType: Boolean", "dataType: Template", "m/a.yaml:16:"],
  ["protocol: sparkplug", "protocol: json", "m/a.yaml:8:"],
])("a mistake is shown where it stands: %s → %s", (right, wrong, where) => {
  const found = problems(good.replace(right, wrong));
  expect(found.join("\n")).toContain(where);
});

const close = "{ metric: Valve/Close, dataType: Boolean, value: true }";

test.each([
  "{ metric: Valve/Open, dataType: Boolean, value: true }",
  "{ metric: Valve/Close, dataType: Boolean, value: false }",
  "{ metric: Valve/OpenClose, dataType: UInt8, value: 0 }",
  "{ metric: Valve, dataType: UInt8, value: 0 }",
  "{ metric: Valve, dataType: UInt8, value: 2 }",
  "{ metric: Volume, dataType: UInt32, value: 1 }",
  "{ metric: Valve/Command, dataType: String, value: OPEN }",
  "{ metric: Valve/Command, dataType: String, value: permit }",
  "{ metric: 阀门/开阀, dataType: Boolean, value: true }",
  "{ metric: Valve/Close, dataType: Int8, value: 200 }",
  "{ metric: Valve/Close, dataType: Boolean, value: 1 }",
])("what may open a valve, or cannot be written, is refused: %s", (order) => {
  const found = problems(good.replace(close, order));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(/^m\/a\.yaml:16:\d+: dialect\.closeMetric: /);
});

test.each([
  "{ metric: Valve, dataType: UInt8, value: 1 }",
  "{ metric: Valve/Open, dataType: Boolean, value: false }",
  "{ metric: Valve/Command, dataType: String, value: CLOSE }",
  "{ metric: Valve/Command, dataType: UInt8, value: 153 }",
  "{ metric: 阀门/关阀, dataType: Boolean, value: true }",
])("what closes is taken: %s", (order) => {
  expect(problems(good.replace(close, order))).toEqual([]);
});

test("there is no second order beside the closing one", () => {
  const found = problems(`${good}  openMetric: ${close}\n`);
  expect(found).toEqual(["m/a.yaml:17:3: dialect.openMetric: this protocol has no such switch"]);
});
