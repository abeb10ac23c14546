/** What may happen to a work order in each of its states. The code only looks it up; docs/DISPATCH.md shows it. */
import type { WorkOrderAct, WorkOrderState } from "#domain/workOrder.ts";

export interface WorkOrderTransition {
  readonly from: WorkOrderState;
  readonly on: WorkOrderAct;
  readonly to: WorkOrderState;
}

/** Words may be added to an order at any time, and where it is known by another name. */
function anywhere(from: WorkOrderState): readonly WorkOrderTransition[] {
  return [
    { from, on: "note", to: from },
    { from, on: "link", to: from },
  ];
}

/** What is not in this table is refused. */
export const workOrderTransitions: readonly WorkOrderTransition[] = [
  { from: "opened", on: "assign", to: "assigned" },
  { from: "opened", on: "cancel", to: "cancelled" },
  ...anywhere("opened"),
  { from: "assigned", on: "assign", to: "assigned" },
  { from: "assigned", on: "arrive", to: "on_site" },
  { from: "assigned", on: "cancel", to: "cancelled" },
  ...anywhere("assigned"),
  // Somebody else takes over there; whoever is on site leaves only by reporting what was done.
  { from: "on_site", on: "assign", to: "assigned" },
  { from: "on_site", on: "complete", to: "done" },
  ...anywhere("on_site"),
  { from: "done", on: "callBack", to: "called_back" },
  { from: "done", on: "reopen", to: "assigned" },
  ...anywhere("done"),
  ...anywhere("called_back"),
  ...anywhere("cancelled"),
];
