import { expect, test } from "vitest";
import { parseTopic } from "#intake/topics.ts";

const table: [string, object][] = [
  ["meters/M1/up/json", { direction: "up", owner: "meter", ownerId: "M1", meterId: "M1" }],
  ["meters/M1/down/cjt188", { direction: "down", owner: "meter", protocol: "cjt188" }],
  ["gateways/G1/up/protobuf/M1", { direction: "up", owner: "gateway", meterId: "M1" }],
  ["gateways/G1/up/json", { direction: "up", owner: "gateway", meterId: null }],
  ["gateways/G1/down/json/M1", { direction: "down", ownerId: "G1", meterId: "M1" }],
  ["gateways/G1/up/ctwing", { protocol: "ctwing", owner: "gateway", meterId: null }],
  ["gateways/G1/up/chirpstack/M1", { protocol: "chirpstack", meterId: "M1" }],
  ["gateways/G1/down/gatewayjson/M1", { direction: "down", protocol: "gatewayjson" }],
  ["meters/constructor/up/json", { ownerId: "constructor" }],
];

test.each(table)("%s is in the table", (text, parts) => {
  expect(parseTopic(text)).toMatchObject(parts);
});

const outside = [
  "",
  "/",
  "meters",
  "meters/M1/up",
  "meters/M1/up/",
  "meters/M1/up/xml",
  "meters/M1/up/ctwing",
  "meters/M1/down/chirpstack",
  "gateways/G1/down/chirpstack",
  "meters/M1/up/json/",
  "meters/M1/up/json/M1",
  "meters/M1/sideways/json",
  "meters//up/json",
  "meters/M 1/up/json",
  "meters/M1\u0000/up/json",
  "meters/Ｍ1/up/json",
  `meters/${"M".repeat(33)}/up/json`,
  "meters/+/up/json",
  "meters/#",
  "/meters/M1/up/json",
  "Meters/M1/up/json",
  "gateways/G1/down/json",
  "gateways/G1/up/json/+",
  "gateways/G1/up/json/M1/x",
  "$SYS/broker/uptime",
  "$share/g/meters/M1/down/json",
  "meters/M1/up/toString",
  "meters/M1/up/sparkplug",
  "meters/M1/down/sparkplug",
  "gateways/G1/up/sparkplug",
  "gateways/G1/up/sparkplug/M1",
  "gateways/G1/down/sparkplug/M1",
  "a/".repeat(100_000),
];

test.each(outside)("%j is not", (text) => {
  expect(parseTopic(text)).toBeUndefined();
});
