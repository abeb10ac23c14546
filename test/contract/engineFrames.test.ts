/** An order lies ready as the bytes that its meter gets; what was sent can be held against the audit. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MeterDraft } from "#domain/meter.ts";
import { emptyReading } from "#domain/telegram.ts";
import { hourMs, minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import { decodeCjt188Request } from "#protocols/cjt188/requests.ts";
import { encodeCjt188Uplink } from "#protocols/cjt188/uplink.ts";
import { createHash } from "node:crypto";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";
import { testVault } from "../support/vault.ts";

let engine: EngineUnderTest;

beforeEach(() => (engine = new EngineUnderTest()));
afterEach(() => engine.close());

function closeAt(id: string, change: Partial<MeterDraft> = {}): number {
  const meterNo = engine.register(id, change);
  const reason = "smell of gas";
  expect(engine.ask({ kind: "valve.close", meterId: id, reason, expiresInMs: hourMs }).ok).toBe(
    true,
  );
  return meterNo;
}

function keptFrames(): readonly string[] {
  return engine.rows("SELECT hex(frame) AS hex FROM command_frame").map(({ hex }) => String(hex));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").toUpperCase();
}

/** The meter wakes and reports; what leaves for it. */
function wakes(meterNo: number): readonly Uint8Array[] {
  engine.nowMs += minuteMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000", valve: "open" });
  return leaving(engine.uplinks([{ meterNo, bytes, reachable: true }]));
}

function leaving(report: BatchReport): readonly Uint8Array[] {
  if (report.kind !== "committed") throw new TypeError("not committed");
  return report.downlinks.map(({ bytes }) => bytes);
}

function audited(): readonly unknown[] {
  const rows = engine.rows("SELECT detail FROM audit WHERE act = 'command.sent' ORDER BY seq");
  return rows.map(
    ({ detail }) => (JSON.parse(String(detail)) as Record<string, unknown>)["frameSha256"],
  );
}

function sha256Of(bytes: Uint8Array | undefined): string {
  return createHash("sha256")
    .update(bytes ?? new Uint8Array())
    .digest("hex");
}

test("what is queued lies ready as bytes; those leave after a restart, and the audit has their hash", () => {
  const meterNo = closeAt("M1");
  const [ready = "none"] = keptFrames();
  expect(Buffer.from(ready, "hex").toString()).toContain('"action":"close"');
  engine.restart();
  const [sent, ...others] = wakes(meterNo);
  expect(others).toEqual([]);
  expect(hexOf(sent ?? new Uint8Array())).toBe(ready);
  expect(keptFrames()).toEqual([ready]);
  expect(audited()).toEqual([sha256Of(sent)]);
});

test("the bytes that lie ready are those that leave, not others that say the same", () => {
  const meterNo = closeAt("M1");
  const marked = Buffer.from(keptFrames()[0] ?? "", "hex")
    .toString()
    .replace("{", "{ ");
  engine.writeBeside("UPDATE command_frame SET frame = ?", Buffer.from(marked));
  expect(wakes(meterNo).map(hexOf)).toEqual([hexOf(Buffer.from(marked))]);
});

test("another address meanwhile: it is written anew, and the audit has the hash of that", () => {
  const old = "51510000000041";
  const now = "51510000000042";
  const meterNo = closeAt("M1", { protocol: "cjt188", frameAddress: old });
  const [before = ""] = keptFrames();
  const change = { frameAddress: now };
  const moved = engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change });
  expect(moved.ok).toBe(true);
  engine.nowMs += minuteMs;
  const volume = { ml: volumeMl(1_000_000), count: 1_000, exponent: -3 };
  const measuredAtMs = timestampMs(engine.nowMs);
  const reading = { ...emptyReading, measuredAtMs, volume, valve: "open" } as const;
  const bytes = encodeCjt188Uplink({
    address: now,
    frameId: null,
    readings: [reading],
    replies: [],
  });
  const sent = leaving(engine.uplinks([{ meterNo, bytes, protocol: "cjt188", reachable: true }]));
  expect(sent.map((frame) => decodeCjt188Request(frame))).toMatchObject([
    { ok: true, value: { address: now } },
  ]);
  expect(sent.map(hexOf)).not.toEqual([before]);
  expect(keptFrames()).toEqual(sent.map(hexOf));
  expect(audited()).toEqual(sent.map(sha256Of));
});

test("a clock is set to the moment of sending, so its frame is written then", () => {
  const meterNo = engine.register("M1");
  const order = { kind: "meter.order", action: "set_clock", reason: "wrong" } as const;
  engine.ask({ ...order, meterId: "M1", expiresInMs: hourMs });
  const [before] = keptFrames();
  const sent = wakes(meterNo);
  expect(sent).toHaveLength(1);
  expect(sent.map(hexOf)).not.toEqual([before]);
  expect(keptFrames()).toEqual(sent.map(hexOf));
  expect(audited()).toEqual(sent.map(sha256Of));
});

test("no byte of a key is in what is kept, or in what names its origin", () => {
  engine.register("M1");
  const key = Uint8Array.from({ length: 16 }, (_, at) => 0xa0 + at);
  const sealed = testVault.seal("M1", "encryption", key);
  const keys = [{ ...sealed, purpose: "encryption", algorithm: "aes-128" } as const];
  const setKey = () => engine.ask({ kind: "meterKeys.put", meterId: "M1", keys });
  engine.ask({ kind: "valve.close", meterId: "M1", reason: "drill", expiresInMs: hourMs });
  const read = () => engine.rows("SELECT hex(frame) AS hex, basis FROM command_frame");
  const before = read();
  expect(setKey().ok).toBe(true);
  expect(wakes(1)).toHaveLength(1);
  expect(read()).toEqual(before);
  expect(String(before[0]?.["hex"])).not.toContain(hexOf(key));
});

test("an order from before frames were kept leaves all the same", () => {
  const meterNo = closeAt("M1");
  engine.writeBeside("DELETE FROM command_frame");
  const sent = wakes(meterNo);
  expect(sent).toHaveLength(1);
  expect(audited()).toEqual(sent.map(sha256Of));
});
