/**
 * Who may do what: the one table. What is not here is refused. No permission opens a valve, because nothing does;
 * `valves.permit` lets somebody who stands at the meter open it there. The auditor reads everything and changes
 * nothing; the administrator keeps registry, credentials and keys but does not touch valves, alarms or automation,
 * so that no single key can both make an operator and act as one unseen.
 */
import type { Role } from "#domain/role.ts";
import type { ApiKeyDirectory } from "./apiKeys.ts";

const everyone = [
  "viewer",
  "operator",
  "dispatcher",
  "billing",
  "engineer",
  "auditor",
  "admin",
] as const satisfies readonly Role[];
const controlRoom = ["operator", "dispatcher"] as const satisfies readonly Role[];
const watchers = [
  "viewer",
  "operator",
  "dispatcher",
  "engineer",
  "auditor",
  "admin",
] as const satisfies readonly Role[];
const staff = [
  "operator",
  "dispatcher",
  "engineer",
  "auditor",
  "admin",
] as const satisfies readonly Role[];

export const permissions = {
  "meters.read": watchers,
  /** Postal addresses: personal data, for those who send somebody there or keep the registry. */
  "meters.contact": ["operator", "dispatcher", "engineer", "admin"],
  "meters.write": ["engineer", "admin"],
  "gateways.read": staff,
  "gateways.write": ["engineer", "admin"],
  "credentials.write": ["admin"],
  /** Keys of ciphered meters: set and taken away, never read. */
  "meterKeys.write": ["engineer", "admin"],
  "keys.read": ["auditor", "admin"],
  "keys.write": ["admin"],
  "readings.read": everyone,
  "registers.read": everyone,
  "billing.read": ["billing", "auditor", "admin"],
  /** A bill is made with these determinants, or changed by better data. */
  "billing.write": ["billing"],
  /** A register is what a person says: with a reason, and what the meter said stays beside it. */
  "registers.decide": ["billing", "engineer"],
  "alarms.read": watchers,
  "alarms.acknowledge": controlRoom,
  "alarms.reset": controlRoom,
  "alarms.shelve": controlRoom,
  "worklists.read": watchers,
  "alarms.comment": ["operator", "dispatcher", "engineer"],
  "valves.close": controlRoom,
  /** Many valves at once, in stages; a second person must agree. */
  "valves.campaign": ["dispatcher"],
  /** Permits opening at the meter, with a work order and a leak check; another dispatcher must agree. */
  "valves.permit": ["dispatcher"],
  /** Clock and history of a meter: nothing moves. */
  "meters.order": ["dispatcher", "engineer"],
  "commands.read": staff,
  "commands.cancel": controlRoom,
  /** The second pair of eyes; the engine refuses whoever asked for the command. */
  "commands.approve": controlRoom,
  /** When one person's close waits for a second: who may close may not decide that. */
  "valves.policy": ["engineer"],
  /** Stopping is the safe side: everybody on duty may. */
  "automation.stop": ["operator", "dispatcher", "engineer"],
  /** Resuming lets the system move valves again: not the operator who stopped it in a hurry. */
  "automation.resume": ["dispatcher", "engineer"],
  "rules.read": watchers,
  /** What rings and what does not: for whoever answers for the rules, and not for who answers the alarms. */
  "rules.write": ["engineer"],
  "events.read": watchers,
  "frames.read": ["operator", "engineer", "auditor", "admin"],
  "frames.redecode": ["engineer", "admin"],
  "areas.read": watchers,
  "works.read": watchers,
  /** Hides alarms by design for a time: for who plans the work, not for who answers the alarms. */
  "works.plan": ["dispatcher", "engineer"],
  "workOrders.read": staff,
  "workOrders.open": controlRoom,
  /** Steps of an order: the dispatcher's, or the key of the utility's own dispatch system. */
  "workOrders.step": ["dispatcher"],
  "dispatch.policy": ["engineer"],
  /** Contacts are masked for those who may not see them (`meters.contact`). */
  "recipients.read": ["dispatcher", "engineer", "auditor", "admin"],
  "recipients.write": ["engineer", "admin"],
  "webhooks.read": ["engineer", "auditor", "admin"],
  /** Where events go: whoever may read alarms may not send them elsewhere. */
  "webhooks.write": ["admin"],
  "webhooks.rotate": ["admin"],
  "webhooks.replay": ["engineer", "admin"],
  "audit.read": ["auditor", "admin"],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;
/**
 * Of a route: a permission, open to everybody who reaches the port (loopback by default), or for who presents a
 * gateway's own secret or signature, which the route itself checks.
 */
export type RoutePermission = Permission | "public" | "gateway";

/**
 * The table, and the first day: while administrators hold the only keys there is nobody else to close a
 * valve, so they may do everything. The first key of another role ends that.
 */
export function mayNow(role: Role, permission: Permission, keys: ApiKeyDirectory): boolean {
  if (isPermitted(role, permission)) return true;
  return role === "admin" && keys.list().every((key) => key.role === "admin");
}

/** True when the table gives this permission to the role. */
export function isPermitted(role: Role, permission: Permission): boolean {
  return (permissions[permission] as readonly Role[]).includes(role);
}
