/** Sparkplug B's namespace: what belongs to a gateway, line by line. */
import { expect, test } from "vitest";
import { edgeFilter, edgeUplinkPlace, isNodeDeath } from "#intake/edgeTopics.ts";
import { parseTopic } from "#intake/topics.ts";

const gateway = { kind: "gateway", id: "G1" } as const;
const meter = { kind: "meter", id: "G1" } as const;
const state = "spBv1.0/STATE/mercaptan";

test.each([
  "spBv1.0/city/NBIRTH/G1",
  "spBv1.0/city/NDEATH/G1",
  "spBv1.0/city/NDATA/G1",
  "spBv1.0/city/DBIRTH/G1/M1",
  "spBv1.0/city/DDEATH/G1/M1",
  "spBv1.0/city/DDATA/G1/M1",
  "spBv1.0/城/DDATA/G1/any name",
])("%s is the gateway's own to say, and no meter's", (topic) => {
  const place = { meterNo: null, route: "gateway:G1", protocol: "sparkplug" };
  expect(edgeUplinkPlace(topic, gateway)).toEqual({ ok: true, value: place });
  expect(edgeUplinkPlace(topic, meter)).toMatchObject({ ok: false });
  expect(parseTopic(topic)).toBeUndefined();
});

test.each([
  "spBv1.0/city/NDATA/G2",
  "spBv1.0/city/DDATA/G2/M1",
  "spBv1.0/city/NDATA/G1/M1",
  "spBv1.0/city/DDATA/G1",
  "spBv1.0/city/NCMD/G1",
  "spBv1.0/city/DCMD/G1/M1",
  state,
  "spBv1.0/city/DDATA/G1/M1/x",
  "spBv1.0//DDATA/G1/M1",
  "spBv1.0/city/DDATA/G1/+",
  "spBv1.0/#",
  "spAv1.0/city/NDATA/G1",
  `spBv1.0/${"g".repeat(257)}/NDATA/G1`,
  `spBv1.0/city/DDATA/G1/${"m".repeat(257)}`,
])("%s is not", (topic) => {
  expect(edgeUplinkPlace(topic, gateway)).toEqual({ ok: false, fault: "NOT_OWNER" });
});

test.each([
  ["spBv1.0/city/NCMD/G1", { kind: "node" }],
  ["spBv1.0/city/DCMD/G1/+", { kind: "device", device: null }],
  ["spBv1.0/city/DCMD/G1/M1", { kind: "device", device: "M1" }],
  [state, { kind: "state" }],
])("a gateway may listen to %s, a meter may not", (topic, filter) => {
  expect(edgeFilter(topic, gateway, state)).toEqual(filter);
  expect(edgeFilter(topic, meter, state)).toBeUndefined();
});

test.each([
  "spBv1.0/city/NCMD/G2",
  "spBv1.0/city/NCMD/+",
  "spBv1.0/city/NCMD/G1/+",
  "spBv1.0/city/DCMD/G2/+",
  "spBv1.0/city/DCMD/+/+",
  "spBv1.0/+/DCMD/G1/+",
  "spBv1.0/city/DCMD/G1/#",
  "spBv1.0/city/DCMD/G1/",
  "spBv1.0/city/NDATA/G1",
  "spBv1.0/city/+/G1",
  "spBv1.0/STATE/other",
  "spBv1.0/STATE/+",
  "spBv1.0/#",
  "#",
])("and not to %s", (topic) => {
  expect(edgeFilter(topic, gateway, state)).toBeUndefined();
});

test("only a death is a will, and without a host there is no state to hear", () => {
  expect(isNodeDeath("spBv1.0/city/NDEATH/G1")).toBe(true);
  expect(isNodeDeath("spBv1.0/city/DDEATH/G1/M1")).toBe(false);
  expect(edgeFilter(state, gateway, null)).toBeUndefined();
});
