import { expect, test } from "vitest";
import { initialContext, reviveContext } from "#engine/context.ts";
import { stepValve } from "#valves/stepValve.ts";
import { initialValveState } from "#valves/valveState.ts";
import { aCommand, settings } from "../valves/kit.ts";

test("an order that an older program kept gets what it did not know", () => {
  const order = { kind: "order", command: aCommand("authorised"), by: "anna" } as const;
  const { state: valve } = stepValve(settings, initialValveState, order);
  const now = JSON.stringify({ ...initialContext, valve });
  const before = now.replace('"parameters":null,', "");
  expect(before).not.toBe(now);
  expect(reviveContext(before).valve.outstanding?.command).toEqual(valve.outstanding?.command);
});
