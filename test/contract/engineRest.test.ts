/** A fleet too large for objects rests between two batches: as a start reads it, and after all of it has reported. */
import { afterEach, expect, test, vi } from "vitest";
import { Contexts } from "#engine/contexts.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

const engine = new EngineUnderTest();
afterEach(() => engine.close());

test("nobody is awake after a start, after a batch of everybody, and after one that could not be stored", () => {
  // Only looks on: this is how the contexts of the engine that runs are found.
  const { mock } = vi.spyOn(Contexts.prototype, "set");
  const meterNos = ["A1", "A2", "A3"].map((id) => engine.register(id));
  /** Whoever rests has no fold to show at a glance. */
  const awake = () =>
    meterNos.filter((meterNo) => {
      const contexts = mock.contexts.at(-1);
      const glance = contexts instanceof Contexts ? contexts.glance(meterNo) : undefined;
      return glance === undefined || "head" in glance;
    });
  const report = () => {
    engine.nowMs += 1_000;
    const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "1.000", status: [] });
    return engine.uplinks(meterNos.map((meterNo) => ({ meterNo, bytes }))).kind;
  };
  expect(report()).toBe("committed");
  expect(awake()).toEqual([]);
  engine.restart();
  expect(awake()).toEqual([]);
  engine.failAfter(1_000);
  expect(report()).toBe("notCommitted");
  expect(awake()).toEqual([]);
});
