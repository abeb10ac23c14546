/** A person's word on a register that went back: where the meter's own follow from it, R8 is over. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { hourMs } from "#domain/units.ts";
import { reviveContext } from "#engine/context.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M1");
});
afterEach(() => engine.close());

/** A reading of this hour, arriving now. */
function read(hour: number, litres: number): void {
  const measuredAt = startMs + hour * hourMs;
  engine.nowMs = Math.max(engine.nowMs, measuredAt);
  const volumeM3 = (litres / 1_000).toFixed(3);
  engine.uplinks([{ meterNo, bytes: jsonBytes({ measuredAt, volumeM3, status: [] }) }]);
}

function decide(hour: number, litres: number, decision: "validated" | "edited"): void {
  const measuredAtMs = startMs + hour * hourMs;
  const what = { meterId: "M1", measuredAtMs, indexMl: litres * 1_000, decision };
  const result = engine.ask({ kind: "register.decide", ...what, reason: "seen at the meter" });
  expect(result).toMatchObject({ ok: true });
}

function context() {
  const json = engine.rows("SELECT json FROM context")[0]?.["json"];
  return reviveContext(String(json));
}

const stateOfR8 = () => engine.alarms("R8").at(-1)?.state;

function qualities(from: number): readonly string[] {
  const since = engine
    .readings()
    .filter(({ measuredAtMs }) => measuredAtMs >= startMs + from * hourMs);
  return since.map(({ quality }) => quality);
}

/** It went back in the third hour and goes on from there. */
function goBack(): void {
  for (const [hour, litres] of [500_000, 500_100, 500_200, 5_000, 5_100, 5_200].entries())
    read(hour, litres);
  expect(stateOfR8()).toBe("unacknowledged");
  expect(qualities(3)).toEqual(["suspect", "suspect", "suspect"]);
}

test("the newest register is right: R8 is over at once, over a restart, and what comes is sound", () => {
  goBack();
  decide(5, 5_200, "validated");
  expect(stateOfR8()).toBe("returned-unacknowledged");
  expect(qualities(3)).toEqual(["suspect", "suspect", "validated"]);
  engine.restart();
  read(6, 5_300);
  expect(qualities(6)).toEqual(["validated"]);
  expect(stateOfR8()).toBe("returned-unacknowledged");
  // And back once more is news.
  read(7, 4_800);
  read(8, 4_850);
  expect(stateOfR8()).toBe("unacknowledged");
});

test("the first lower register is right: all behind it is, and a late reading among them changes nothing", () => {
  goBack();
  decide(3, 5_000, "validated");
  read(4.5, 5_150);
  expect(qualities(3)).toEqual(["validated", "validated", "validated", "validated"]);
  expect(stateOfR8()).toBe("returned-unacknowledged");
  expect(context().head.register).toEqual({ atMs: startMs + 5 * hourMs, indexMl: 5_200_000 });
});

test("a false register that was believed is put right: what the meter says since is sound again", () => {
  for (const [hour, litres] of [1_000, 6_000, 1_100, 1_150].entries()) read(hour, litres);
  expect(stateOfR8()).toBe("unacknowledged");
  decide(1, 1_050, "edited");
  expect(qualities(0)).toEqual(["validated", "suspect", "validated", "validated"]);
  expect(stateOfR8()).toBe("returned-unacknowledged");
});

test("a word from which the meter's own do not follow lets R8 stand, and where nothing stands none counts", () => {
  goBack();
  decide(3, 5_400, "edited");
  expect(stateOfR8()).toBe("unacknowledged");
  expect(qualities(3)).toEqual(["suspect", "suspect", "suspect"]);
  decide(1, 500_050, "edited");
  expect(context().decided).toBeUndefined();
  decide(3, 5_000, "validated");
  const before = context().head;
  // An estimate for a bill, higher than the meter was.
  decide(4, 9_000, "edited");
  expect(context().head).toEqual(before);
  expect(context().decided).toHaveLength(1);
});
