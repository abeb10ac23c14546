/** Keys that come late: the frame waits in quarantine with its bytes, and is decoded once its key is there. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EngineUnderTest, envelopeOf } from "../support/engine.ts";
import { dlmsPush, simulatedAddresses } from "#simulators/meterFrames.ts";
import { testVault } from "../support/vault.ts";

const card = JSON.parse(
  readFileSync(new URL("../cards/mbus/dsmrCiphered.json", import.meta.url), "utf8"),
) as {
  readonly hex: string;
  readonly options: { readonly key: string };
  readonly expect: { readonly address: string };
};
const bytes = Buffer.from(card.hex, "hex");
const key = Buffer.from(card.options.key, "hex");

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001", { protocol: "mbus", frameAddress: card.expect.address });
});
afterEach(() => engine.close());

function putKey(value: Uint8Array, meterId = "M0001"): void {
  const sealed = testVault.seal(meterId, "encryption", value);
  const keys = [{ ...sealed, purpose: "encryption", algorithm: "aes-128" } as const];
  expect(engine.ask({ kind: "meterKeys.put", meterId, keys }).ok).toBe(true);
}

function putAuthKey(value: Uint8Array, meterId: string): void {
  const sealed = testVault.seal(meterId, "authentication", value);
  const keys = [{ ...sealed, purpose: "authentication", algorithm: "aes-128" } as const];
  expect(engine.ask({ kind: "meterKeys.put", meterId, keys }).ok).toBe(true);
}

const pushKeys = { key: Buffer.alloc(16, 5), authKey: Buffer.alloc(16, 6) };
const pushMs = Date.UTC(2026, 10, 22, 8);

const arrive = () => engine.uplinks([{ meterNo, bytes, protocol: "mbus" }]);
const outcomes = () => engine.rows("SELECT outcome, meter_no FROM uplink ORDER BY seq");
const waiting = () => engine.rows("SELECT id, reason FROM quarantine WHERE settled_at IS NULL");
const redecode = (quarantineId = 1) => engine.ask({ kind: "quarantine.redecode", quarantineId });

describe("a ciphered frame", () => {
  test("without a key waits with its bytes; with the key it is decoded, once", () => {
    arrive();
    expect(outcomes()).toEqual([{ outcome: "quarantined", meter_no: meterNo }]);
    expect(waiting()).toEqual([{ id: 1, reason: "KEY" }]);
    expect(redecode()).toMatchObject({ ok: false, refusal: { detail: /^KEY: / } });

    putKey(key);
    expect(redecode()).toEqual({
      ok: true,
      answer: { kind: "uplink", seq: 1, outcome: "accepted" },
    });
    expect(outcomes()).toEqual([{ outcome: "accepted", meter_no: meterNo }]);
    expect(waiting()).toEqual([]);
    expect(engine.readings().filter(({ uplinkSeq }) => uplinkSeq === 1)).not.toEqual([]);
    expect(redecode()).toMatchObject({ ok: false, refusal: { kind: "not-allowed-in-state" } });
  });

  test("with its key on file is decoded at once, after a restart too", () => {
    putKey(key);
    arrive();
    engine.restart();
    engine.nowMs += 3_600_000;
    arrive();
    expect(outcomes().map(({ outcome }) => outcome)).not.toContain("quarantined");
  });

  test("with a wrong key, or one that was sealed for another meter, gives no reading", () => {
    putKey(Buffer.alloc(16, 7));
    arrive();
    engine.register("M0002");
    const sealed = testVault.seal("M0002", "encryption", key);
    const keys = [{ ...sealed, purpose: "encryption", algorithm: "aes-128" } as const];
    engine.ask({ kind: "meterKeys.put", meterId: "M0001", keys });
    arrive();
    expect(waiting().map(({ reason }) => reason)).toEqual(["AUTH", "KEY"]);
    expect(engine.readings()).toEqual([]);
  });

  test("dropping the keys shuts the meter again; a batch that fails leaves the file as it was", () => {
    putKey(key);
    engine.failAfter(0);
    const sealed = testVault.seal("M0001", "encryption", Buffer.alloc(16, 7));
    const keys = [{ ...sealed, purpose: "encryption", algorithm: "aes-128" } as const];
    const asks = [
      { askNo: 1, envelope: envelopeOf({ kind: "meterKeys.put", meterId: "M0001", keys }) },
    ];
    expect(engine.process({ asks }).kind).toBe("notCommitted");
    engine.failAfter(null);
    arrive();
    expect(outcomes()).toEqual([{ outcome: "accepted", meter_no: meterNo }]);
    engine.ask({ kind: "meterKeys.drop", meterId: "M0001" });
    engine.nowMs += 3_600_000;
    arrive();
    expect(waiting()).toMatchObject([{ reason: "KEY" }]);
  });

  test("keys leave no trace in the ledger's file, the audit or the events", () => {
    putKey(key);
    const entries = readdirSync(engine.directory, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((found) => found.isFile())) {
      const content = readFileSync(join(entry.parentPath, entry.name));
      expect(content.includes(key)).toBe(false);
      expect(content.toString("latin1").includes(card.options.key)).toBe(false);
    }
  });
});

interface LeakCard {
  readonly hex: string;
  readonly expect: {
    readonly address: string;
    readonly readings: readonly { readonly measuredAtMs: number }[];
  };
}

describe("what is decoded late", () => {
  const leak = JSON.parse(
    readFileSync(new URL("../cards/cjt188/gasLeak.json", import.meta.url), "utf8"),
  ) as LeakCard;
  const { address, readings } = leak.expect;
  const minuteMs = 60_000;

  /** The leak arrives through a gateway that knows the meter before the registry does. */
  function decodedAfter(delayMs: number) {
    engine.nowMs = (readings[0]?.measuredAtMs ?? 0) + minuteMs;
    const frame = Buffer.from(leak.hex, "hex");
    engine.uplinks([{ meterNo: -1, gateway: "G1", bytes: frame, protocol: "cjt188" }]);
    expect(waiting()).toMatchObject([{ reason: "UNKNOWN_METER" }]);
    engine.nowMs += delayMs;
    engine.register("M0003", { protocol: "cjt188", frameAddress: address });
    engine.ask({ kind: "gateway.put", gateway: { id: "G1", meterIds: ["M0003"] } });
    expect(redecode()).toMatchObject({ ok: true });
    return engine.alarms("R1").map(({ historical, state }) => ({ historical, state }));
  }

  test("a leak of last week is history", () => {
    expect(decodedAfter(7 * 86_400_000)).toEqual([{ historical: true, state: "normal" }]);
  });

  test("a leak of this minute rings, and a valve is for people to close", () => {
    expect(decodedAfter(minuteMs)).toEqual([{ historical: false, state: "unacknowledged" }]);
    expect(engine.rows("SELECT count(*) AS n FROM command")).toEqual([{ n: 0 }]);
  });
});

describe("whose frame it is", () => {
  test("a frame that one meter's key has opened says nothing of another meter", () => {
    const { dsmr } = simulatedAddresses;
    engine.nowMs = pushMs + 60_000;
    const first = engine.register("D1", {
      protocol: "dlms",
      frameAddress: simulatedAddresses.dlms,
    });
    const second = engine.register("D2", { protocol: "dlms", frameAddress: "MCP0000000000042" });
    engine.ask({ kind: "gateway.put", gateway: { id: "G1", meterIds: ["D1", "D2"] } });
    expect([first > 0, second > 0, dsmr.length > 0]).toEqual([true, true, true]);
    putKey(pushKeys.key, "D1");
    putAuthKey(pushKeys.authKey, "D1");
    // Inside stands the number of the other meter.
    const bytes = dlmsPush(pushMs, 1_000, pushKeys, 7, "MCP0000000000042");
    engine.uplinks([{ meterNo: -1, gateway: "G1", bytes, protocol: "dlms" }]);
    expect(waiting()).toMatchObject([{ reason: "NOT_OWNER" }]);
    expect(engine.readings()).toEqual([]);
  });

  test("another protocol than the meter's is read and not believed: a leak rings, nothing closes", () => {
    const card = JSON.parse(
      readFileSync(new URL("../cards/cjt188/gasLeak.json", import.meta.url), "utf8"),
    ) as LeakCard;
    engine.nowMs = (card.expect.readings[0]?.measuredAtMs ?? 0) + 60_000;
    const jsonNo = engine.register("J1");
    engine.uplinks([
      { meterNo: jsonNo, bytes: Buffer.from(card.hex, "hex"), protocol: "cjt188", reachable: true },
    ]);
    expect(waiting()).toMatchObject([{ reason: "SCHEMA" }]);
    expect(engine.alarms("R1")).toHaveLength(1);
    expect(engine.rows("SELECT count(*) AS n FROM command WHERE state <> 'refused'")).toEqual([
      { n: 0 },
    ]);
  });
});

describe("counters", () => {
  let dlmsNo: number;
  beforeEach(() => {
    engine.nowMs = pushMs + 60_000;
    dlmsNo = engine.register("D1", { protocol: "dlms", frameAddress: simulatedAddresses.dlms });
    putAuthKey(pushKeys.authKey, "D1");
    putKey(pushKeys.key, "D1");
  });
  const push = (counter: number, keys = pushKeys) => {
    const bytes = dlmsPush(pushMs + counter * 1_000, 1_000 + counter, keys, counter);
    engine.uplinks([{ meterNo: dlmsNo, bytes, protocol: "dlms" }]);
  };

  test("a counter below the highest is a replay, after a restart too", () => {
    push(10);
    engine.restart();
    push(9);
    expect(waiting()).toMatchObject([{ reason: "REPLAY" }]);
  });

  test("with another key, or another module, they begin anew", () => {
    push(10);
    putKey(pushKeys.key, "D1");
    push(2);
    expect(waiting()).toEqual([]);
    const change = { frameAddress: "4D43500000000043" };
    engine.ask({ kind: "meter.change", meterId: "D1", ifVersion: null, change });
    expect(JSON.stringify(engine.rows("SELECT json FROM context"))).not.toContain("invocation");
  });

  test("a change that could not be stored leaves them as they were", () => {
    push(10);
    engine.failAfter(1);
    const sealed = testVault.seal("D1", "encryption", pushKeys.key);
    const keys = [{ ...sealed, purpose: "encryption", algorithm: "aes-128" } as const];
    const ask = { kind: "meterKeys.put", meterId: "D1", keys } as const;
    expect(engine.process({ asks: [{ askNo: 1, envelope: envelopeOf(ask) }] }).kind).toBe(
      "notCommitted",
    );
    engine.failAfter(null);
    push(9);
    expect(waiting()).toMatchObject([{ reason: "REPLAY" }]);
  });

  test("frames that waited for their key are taken in whatever came after them, in any order", () => {
    engine.ask({ kind: "meterKeys.drop", meterId: "D1" });
    for (const counter of [1, 2, 3]) push(counter);
    putAuthKey(pushKeys.authKey, "D1");
    putKey(pushKeys.key, "D1");
    push(4);
    expect([3, 1, 2].map((id) => redecode(id).ok)).toEqual([true, true, true]);
    expect(engine.readings().filter(({ meterNo }) => meterNo === dlmsNo)).toHaveLength(4);
    push(3);
    expect(waiting()).toMatchObject([{ reason: "REPLAY" }]);
  });
});
