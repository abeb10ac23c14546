/** Ways to open a valve that somebody may try: by the API, an import, rules, replayed frames, settings. */
import type { Role } from "#domain/role.ts";
import { roles } from "#domain/role.ts";
import { statusNames } from "#domain/status.ts";
import { valvePositions } from "#domain/telegram.ts";
import type { Chance } from "../support/random.ts";

export type Attempt =
  | {
      readonly via: "api" | "import";
      readonly method: string;
      readonly path: string;
      readonly role: Role;
      readonly body: unknown;
    }
  | { readonly via: "rules"; readonly uplink: Readonly<Record<string, unknown>> }
  /** Which of the frames that were seen comes back, and with which byte changed. */
  | { readonly via: "replay"; readonly place: number; readonly at: number; readonly byte: number }
  | { readonly via: "configuration"; readonly yaml: string };

/** What an attempt can be aimed at: the meters of this round, and the newest orders. */
export interface Aims {
  readonly meterIds: readonly [string, ...string[]];
  readonly commandIds: readonly string[];
}

const words = [
  "open",
  "OPEN",
  "reopen",
  "permit_opening",
  "unlock",
  "arm",
  "close",
  "0",
  "true",
] as const;
const keys = ["action", "valve", "position", "intended", "state", "command", "operation"] as const;
const pathWords = [
  "open",
  "close",
  "permit-opening",
  "reopen",
  "unlock",
  "toggle",
  "position",
] as const;
const methods = ["POST", "PUT", "PATCH", "DELETE"] as const;

/** The next one, by chance. */
export function attemptOf(chance: Chance, aims: Aims): Attempt {
  const { commandIds } = aims;
  const kind = chance.whole(0, 99);
  if (kind < 20) return { via: "api", ...order(chance, aims) };
  if (kind < 45) return { via: "api", ...permit(chance, aims) };
  if (kind < 60) return { via: "api", ...decide(chance, commandIds) };
  if (kind < 68) return { via: "api", ...change(chance, aims) };
  if (kind < 72) return { via: "import", ...rows(chance) };
  if (kind < 85) return { via: "rules", uplink: uplink(chance, commandIds) };
  if (kind < 95) {
    const place = chance.whole(0, 1_000);
    return { via: "replay", place, at: chance.whole(-1, 120), byte: chance.whole(0, 255) };
  }
  return { via: "configuration", yaml: setting(chance) };
}

function call(chance: Chance, path: string, body: unknown, method = "POST") {
  // Half of them by the role that may do most.
  const role = chance.once(2) ? "dispatcher" : chance.pick(roles);
  return { method, path, role, body };
}

function lie(chance: Chance): Readonly<Record<string, unknown>> {
  return chance.once(2) ? {} : { [chance.pick(keys)]: chance.pick(words) };
}

function order(chance: Chance, { meterIds }: Aims) {
  const path = `/v1/meters/${chance.pick(meterIds)}/valve/${chance.pick(pathWords)}`;
  const body = { reason: "x", ...lie(chance), ...lie(chance) };
  return call(chance, path, body, chance.pick(methods));
}

/** A permission with all that it needs, or with something wrong; never by two persons. */
function permit(chance: Chance, { meterIds }: Aims) {
  const hours = chance.pick([0, 0, 0, 1, -1, 25]);
  const body = {
    reason: chance.once(8) ? "" : "repaired",
    workOrder: chance.once(8) ? chance.pick(["", " ", "x".repeat(99)]) : "W-1",
    leakCheck: chance.once(8) ? "" : "L-1",
    leakCheckAt: new Date(Date.now() - hours * 3_600_000 - 1_000).toISOString(),
    expiresInSeconds: chance.pick([1, 60, 86_400, 86_401, 1e9, -1]),
    ...(chance.once(6) ? { approvals: ["ben"], approvalsNeeded: 0, state: "authorised" } : {}),
  };
  return call(chance, `/v1/meters/${chance.pick(meterIds)}/valve/permit-opening`, body);
}

/** Saying yes alone: to one's own, as a role that may not, again and again. */
function decide(chance: Chance, commandIds: readonly string[]) {
  const id = chance.any(commandIds) ?? "none";
  const act = chance.pick([
    "approve",
    "approve",
    "approve",
    "release",
    "authorise",
    "cancel",
    "open",
  ]);
  return call(chance, `/v1/commands/${id}/${act}`, { reason: "yes", ...lie(chance) });
}

function change(chance: Chance, { meterIds, commandIds }: Aims) {
  const [path, method] = chance.pick([
    [`/v1/meters/${chance.pick(meterIds)}`, "PATCH"],
    ["/v1/valve-policy", "PUT"],
    ["/v1/automation/resume", "POST"],
    ["/v1/commands", "POST"],
    [`/v1/meters/${chance.pick(meterIds)}/set-clock`, "POST"],
    [`/v1/meters/${chance.pick(meterIds)}/read-history`, "POST"],
    ["/v1/commands/approve", "POST"],
  ]);
  const policy = path === "/v1/valve-policy" ? { secondPerson: "never" } : {};
  const list = path === "/v1/commands/approve" ? { commandIds } : {};
  return call(chance, path, { reason: "x", ...policy, ...list, ...lie(chance) }, method);
}

function rows(chance: Chance) {
  const row = { id: `I${chance.whole(1, 9_999)}`, size: "G4", protocol: "json", ...lie(chance) };
  return call(chance, "/v1/meters/import", [row]);
}

/** What rules and screening see: any state a meter can claim, answers to whatever order. */
function uplink(chance: Chance, commandIds: readonly string[]) {
  const status = statusNames.filter(() => chance.once(6));
  const commandId = chance.any(commandIds) ?? "none";
  const result = chance.pick(["accepted", "executed", "refused", "failed"]);
  return {
    measuredAt: Date.now() - chance.pick([0, 0, 0, 1_000, 3_600_000, -60_000]),
    volumeM3: (100 + chance.whole(0, 5_000) / 1_000).toFixed(3),
    ...(chance.once(3)
      ? {}
      : { valve: chance.pick([...valvePositions, "closed", "closed"] as never) }),
    ...(status.length === 0 ? {} : { status }),
    ...(chance.once(4) ? { reply: { commandId, result } } : {}),
  };
}

function setting(chance: Chance): string {
  const group = chance.pick(["valves", "valve", "automation", "commands", "mqtt", "api", "audit"]);
  const name = chance.pick([
    "open",
    "allowOpening",
    "secondPerson",
    "permitOpening",
    "roles",
    "action",
  ]);
  return `${group}:\n  ${name}: ${chance.pick(words)}\n`;
}
