/** A meter model is data: its status bits, and what it may be told. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineUnderTest, meterDraft } from "../support/engine.ts";

const card = JSON.parse(
  readFileSync(new URL("../cards/cjt188/gasLeak.json", import.meta.url), "utf8"),
) as {
  readonly hex: string;
  readonly expect: {
    readonly address: string;
    readonly readings: readonly { readonly measuredAtMs: number }[];
  };
};

let engine: EngineUnderTest;

beforeEach(() => {
  engine = new EngineUnderTest();
  engine.nowMs = (card.expect.readings[0]?.measuredAtMs ?? 0) + 60_000;
});
afterEach(() => engine.close());

/** The leak of the card arrives at a meter with this profile; its commands, and how often R1 rings. */
function leakAt(profile: string | null) {
  const frameAddress = card.expect.address;
  const meterNo = engine.register("M0001", { protocol: "cjt188", frameAddress, profile });
  engine.uplinks([{ meterNo, bytes: Buffer.from(card.hex, "hex"), protocol: "cjt188" }]);
  return {
    rings: engine.alarms("R1").filter(({ historical }) => !historical).length,
    commands: engine.rows("SELECT state, detail FROM command"),
  };
}

test("a status bit closes a valve where the profile is confirmed", () => {
  const { rings, commands } = leakAt("simulated-cjt188");
  expect(rings).toBe(1);
  expect(commands).toEqual([{ state: "queued", detail: null }]);
});

test("without a profile the leak rings, and a person must close", () => {
  const { rings, commands } = leakAt(null);
  expect(rings).toBe(1);
  expect(commands).toEqual([{ state: "refused", detail: "unconfirmed-profile" }]);
  const ordered = engine.ask({
    kind: "valve.close",
    meterId: "M0001",
    reason: "seen on site",
    expiresInMs: 60_000,
  });
  expect(ordered).toMatchObject({ ok: true, answer: { command: { state: "queued" } } });
});

test("bits that the profile does not have mean nothing", () => {
  expect(leakAt("cjt188-lorawan")).toEqual({ rings: 0, commands: [] });
});

test("a profile that is not there, or of another protocol, is refused with the reason", () => {
  const ask = (change: Parameters<typeof meterDraft>[1]) =>
    engine.ask({ kind: "meter.register", meter: meterDraft("M0009", change) });
  expect(ask({ profile: "no-such" })).toMatchObject({
    refusal: { kind: "invalid", detail: "there is no profile no-such" },
  });
  expect(ask({ protocol: "json", profile: "simulated-cjt188" })).toMatchObject({
    refusal: { detail: "profile simulated-cjt188 is for cjt188, the meter speaks json" },
  });
});

test("a model without a valve is told nothing", () => {
  engine.register("M0002", { protocol: "mbus", profile: "dsmr-p2" });
  const ordered = engine.ask({
    kind: "valve.close",
    meterId: "M0002",
    reason: "seen on site",
    expiresInMs: 60_000,
  });
  expect(ordered).toMatchObject({
    ok: true,
    answer: { command: { state: "refused", detail: "unsupported" } },
  });
});
