/** The table walked whole: every state with every act, deadlines by priority, and escalation that ends. */
import { describe, expect, test } from "vitest";
import {
  escalated,
  factoryPolicy,
  isOpen,
  openOrder,
  stepOrder,
  workOrderLimits,
} from "#dispatch/workOrderLife.ts";
import { workOrderTransitions } from "#dispatch/workOrderTable.ts";
import type { Priority } from "#domain/alarm.ts";
import { alarmId } from "#domain/ids.ts";
import { hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import {
  workOrderActs,
  workOrderStates,
  type WorkOrder,
  type WorkOrderAct,
  type WorkOrderState,
} from "#domain/workOrder.ts";

const startMs = 1_000_000;
const opened = (priority: Priority = 1): WorkOrder =>
  openOrder(
    factoryPolicy,
    { id: alarmId("a1"), rule: "R1", priority, meterNo: 1 },
    { id: "wo1", by: "anna", note: null, externalRef: null, nowMs: timestampMs(startMs) },
  );

function input(act: WorkOrderAct, atMs: number, assignee: string | null = null) {
  const nowMs = timestampMs(atMs);
  return { act, by: "anna", note: "words", assignee, externalRef: null, atMs: null, nowMs };
}

/** The shortest way to each state. */
const ways: Readonly<Record<WorkOrderState, readonly WorkOrderAct[]>> = {
  opened: [],
  assigned: ["assign"],
  on_site: ["assign", "arrive"],
  done: ["assign", "arrive", "complete"],
  called_back: ["assign", "arrive", "complete", "callBack"],
  cancelled: ["cancel"],
};

function orderIn(state: WorkOrderState, priority: Priority = 1): WorkOrder {
  return ways[state].reduce((order, act) => {
    const stepped = stepOrder(factoryPolicy, order, input(act, startMs));
    if (!stepped.ok) throw new TypeError(`${order.state} ${act}`);
    return stepped.value;
  }, opened(priority));
}

const pairs = workOrderStates.flatMap((state) => workOrderActs.map((act) => [state, act] as const));

test.each(pairs)("%s, %s: as the table says, else refused and unchanged", (state, act) => {
  const order = orderIn(state);
  const wanted = workOrderTransitions.find(({ from, on }) => from === state && on === act)?.to;
  const stepped = stepOrder(factoryPolicy, order, input(act, startMs + 1, "crew 2"));
  if (wanted === undefined) {
    expect(stepped).toEqual({ ok: false, fault: "not-allowed-in-state" });
    return;
  }
  expect(stepped).toMatchObject({ ok: true, value: { state: wanted, assignee: "crew 2" } });
  if (!stepped.ok) return;
  expect(stepped.value.trace.slice(0, -1)).toEqual(order.trace);
  expect(stepped.value.trace.at(-1)).toMatchObject({ by: "anna", act, state: wanted });
});

test("each state can be reached, and only two end it", () => {
  const states = workOrderStates.filter((state) => !isOpen(orderIn(state)));
  expect(states).toEqual(["called_back", "cancelled"]);
});

describe("deadlines", () => {
  test.each<readonly [Priority, WorkOrderState, number]>([
    [1, "opened", 5 * minuteMs],
    [1, "assigned", 30 * minuteMs],
    [1, "on_site", 24 * hourMs],
    [2, "opened", 30 * minuteMs],
    [2, "assigned", 4 * hourMs],
    [4, "opened", 72 * hourMs],
  ])("priority %i, %s: %i ms after the opening", (priority, state, afterMs) => {
    expect(orderIn(state, priority).dueAtMs).toBe(startMs + afterMs);
  });

  test("escalates at the deadline, again after as long again, three times and no more", () => {
    let order = opened();
    const at = (ms: number) => escalated(factoryPolicy, order, timestampMs(startMs + ms));
    expect(at(5 * minuteMs - 1)).toBeNull();
    for (let count = 1; count <= workOrderLimits.escalationsMax; count += 1) {
      const next = at(count * 5 * minuteMs);
      expect(next).toMatchObject({ escalations: count, state: "opened" });
      order = next ?? order;
      expect(at(count * 5 * minuteMs)).toBeNull();
    }
    expect(at(hourMs)).toBeNull();
    const assigned = stepOrder(factoryPolicy, order, input("assign", startMs + hourMs, "crew 1"));
    expect(assigned).toMatchObject({ ok: true, value: { escalations: 0 } });
  });

  test("a call back counts from when it was done; what was reopened counts anew", () => {
    const order = orderIn("done");
    expect(order.dueAtMs).toBe(startMs + 24 * hourMs);
    const later = startMs + 5 * hourMs;
    const reopened = stepOrder(factoryPolicy, order, input("reopen", later));
    expect(reopened).toMatchObject({
      ok: true,
      value: { state: "assigned", dueAtMs: later + 30 * minuteMs },
    });
  });
});

test("what is said to have happened lies behind the last step and not ahead of now", () => {
  const order = orderIn("assigned");
  const arrive = (atMs: number, nowMs: number) =>
    stepOrder(factoryPolicy, order, { ...input("arrive", nowMs), atMs });
  expect(arrive(startMs - 1, startMs + 9)).toMatchObject({ fault: "invalid-time" });
  expect(arrive(startMs + 10, startMs + 9)).toMatchObject({ fault: "invalid-time" });
  const arrived = arrive(startMs + 5, startMs + 9);
  expect(arrived).toMatchObject({ ok: true });
  if (arrived.ok) {
    expect(arrived.value.trace.at(-1)).toMatchObject({ atMs: startMs + 5, knownAtMs: startMs + 9 });
  }
});

test("an order has an end of lines", () => {
  let order = opened();
  for (let count = order.trace.length; count < workOrderLimits.entriesMax; count += 1) {
    const noted = stepOrder(factoryPolicy, order, input("note", startMs));
    if (noted.ok) order = noted.value;
  }
  expect(stepOrder(factoryPolicy, order, input("note", startMs))).toMatchObject({
    fault: "too-long",
  });
});
