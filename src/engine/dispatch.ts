/** What the engine holds of work orders; never changed in place, so a batch that fails puts the former one back. */
import { factoryPolicy } from "#dispatch/workOrderLife.ts";
import type { DispatchPolicy, WorkOrder } from "#domain/workOrder.ts";

/** The policy in force, as the ledger's settings have it; the factory's until somebody says otherwise. */
export function policyIn(settings: Readonly<Record<string, string | undefined>>): DispatchPolicy {
  const json = settings[dispatchSetting];
  return json === undefined ? factoryPolicy : (JSON.parse(json) as DispatchPolicy);
}

export const dispatchSetting = "dispatch.policy";

/** Open orders by id, and what decides about new ones. */
export interface Dispatch {
  readonly policy: DispatchPolicy;
  readonly open: ReadonlyMap<string, WorkOrder>;
}

export function openDispatch(policyJson: string | undefined, open: readonly WorkOrder[]): Dispatch {
  const policy = policyIn({ [dispatchSetting]: policyJson });
  return { policy, open: new Map(open.map((order) => [order.id, order])) };
}
