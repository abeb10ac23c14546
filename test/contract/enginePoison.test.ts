/** An uplink that cannot be recorded must not fail the batch of all the others, again and again. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { timestampMs } from "#domain/units.ts";
import { startEngine } from "#engine/engine.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { openLedger } from "#ledger/openLedger.ts";
import type { Ledger } from "#ports/ledger.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import { countingRng, jsonBytes, meterDraft, packed, startMs } from "../support/engine.ts";
import { testFiles } from "../support/vault.ts";

/** A ledger that takes every reading but those of one register value, by an error of the named kind. */
function runWith(error: () => Error, poisoned: number) {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-poison-"));
  const real = openLedger(directory);
  try {
    const ledger: Ledger = {
      ...real,
      putReading(row) {
        if (row.indexMl === 6_660_000) throw error();
        real.putReading(row);
      },
    };
    const engine = startEngine({
      ledger,
      clock: { nowMs: () => timestampMs(startMs), monotonicMs: () => startMs },
      rng: countingRng(),
      protocols: protocolByName,
      carriers: carrierByName,
      files: testFiles,
      isStoreFailure: (cause) => cause instanceof LedgerError,
    });
    const whole = { kind: "batch", uplinks: null, notices: [], asks: [], isLast: false } as const;
    const actor = { label: "tester", role: "admin" } as const;
    const asks = ["GOOD", "BAD"].map((id, askNo) => ({
      askNo,
      envelope: {
        actor,
        ask: { kind: "meter.register", meter: meterDraft(id) } as const,
        idempotency: null,
        source: "test",
      },
    }));
    engine.process({ ...whole, asks });
    const uplink = (meterNo: number, volumeM3: string, place: number) => ({
      meterNo,
      bytes: jsonBytes({ measuredAt: startMs - 60_000 + place, volumeM3 }),
    });
    const bad = Array.from({ length: poisoned }, (_, place) => uplink(2, "6.660", place));
    const uplinks = [uplink(1, "1.000", 0), ...bad, uplink(1, "1.001", 30_000)];
    const report = engine.process({ ...whole, uplinks: packed(uplinks, startMs) });
    return { report, readings: real.readingsAfter(1, 0).length, next: () => engine.process(whole) };
  } finally {
    real.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

test.each([
  ["a row that the ledger refuses", () => new LedgerError("LEDGER_WRITE_FAILED", "constraint")],
  ["our own mistake while recording", () => new TypeError("undefined is not a function")],
])("%s: that uplink is quarantined, its meter parked, the others are stored", (_, error) => {
  const { report, readings } = runWith(error, 1);
  if (report.kind !== "committed") throw new TypeError(report.code);
  expect(report.counts.quarantined).toEqual([{ protocol: "json", reason: "INTERNAL", count: 1 }]);
  expect(report.events.filter(({ json }) => json.includes('"rule":"PARKED"'))).toHaveLength(1);
  expect(readings).toBe(2);
});

test("when too many fail it is the store: nothing is acknowledged", () => {
  const full = () => new LedgerError("LEDGER_WRITE_FAILED", "disk full");
  expect(runWith(full, 9).report).toMatchObject({ kind: "notCommitted" });
});
