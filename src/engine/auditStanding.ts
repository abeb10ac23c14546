/** How the thing that an act is about stands, for the audit: looked at before the act and again after it. */
import type { Meter } from "#domain/meter.ts";
import { alarmId, commandId } from "#domain/ids.ts";
import type { Ask } from "#ports/requests.ts";
import type { Book } from "./book.ts";
import { contextOf } from "./memory.ts";
import type { Room } from "./room.ts";

/** Plain JSON; no secret, no postal address. */
type Standing = Readonly<Record<string, unknown>>;

const nothing: Standing = {};

/** Empty where there is nothing to compare: the thing is new, or the answer says all of it. */
export function standingOf(room: Room, book: Book, ask: Ask): Standing {
  if ("meterId" in ask) return meterStanding(book, ask);
  if ("alarmId" in ask) return alarmStanding(room, ask.alarmId);
  if ("commandId" in ask) return commandStanding(room, ask.commandId);
  if ("campaignId" in ask) return pick(book.memory.campaigns.get(ask.campaignId), ["state"]);
  if ("webhookId" in ask) {
    return pick(book.memory.webhooks.get(ask.webhookId), ["state", "label", "url"]);
  }
  if ("workOrderId" in ask) return pick(room.ledger.workOrder(ask.workOrderId), ["state"]);
  return systemStanding(room, book, ask);
}

/** What is one for all: switches, policies, the rules in force, who may come in. */
function systemStanding(room: Room, { memory }: Book, ask: Ask): Standing {
  const { kind } = ask;
  if (kind === "valves.policy") return { secondPerson: memory.secondPerson };
  if (kind === "automation.stop" || kind === "automation.resume") {
    return { stopped: memory.automation.stopped };
  }
  if (kind === "dispatch.policy") return { policy: memory.dispatch.policy };
  if (kind === "rules.put" || kind === "rules.factory") {
    const newest = room.rules.newest();
    return { no: newest?.no ?? 0, version: newest?.document?.version ?? null };
  }
  if (kind === "gateway.put") return { meters: [...(memory.gateways.get(ask.gateway.id) ?? [])] };
  if (kind !== "apiKey.issue" && kind !== "apiKey.revoke") return nothing;
  const id = kind === "apiKey.issue" ? ask.apiKey.id : ask.id;
  const key = room.ledger.apiKeys().find((known) => known.id === id);
  return pick(key, ["label", "role"]);
}

function meterStanding(
  { memory }: Book,
  ask: Extract<Ask, { readonly meterId: string }>,
): Standing {
  const meter = memory.meters.get(memory.meterNoById.get(ask.meterId) ?? -1);
  if (meter === undefined || ask.kind === "register.decide") return nothing;
  const { version, lifecycle } = meter;
  if ("change" in ask) return { version, lifecycle, ...changed(meter, Object.keys(ask.change)) };
  if (ask.kind === "meterKeys.put" || ask.kind === "meterKeys.drop") {
    return { keys: (memory.sealedKeys.get(meter.no) ?? []).map(({ purpose }) => purpose) };
  }
  const { position, outstanding } = contextOf(memory, meter.no).valve;
  const waiting = pick(outstanding?.command, ["id", "action", "state"]);
  return { lifecycle, valve: position, outstanding: outstanding === null ? null : waiting };
}

/** Of a postal address only whether there is one. */
function changed(meter: Meter, names: readonly string[]): Standing {
  const known: Readonly<Record<string, unknown>> = { ...meter, address: meter.address !== null };
  return Object.fromEntries(names.map((name) => [name, known[name]]));
}

function alarmStanding({ ledger }: Room, id: string): Standing {
  return pick(ledger.alarm(alarmId(id)), ["state", "occurrence", "hidden"]);
}

function commandStanding({ ledger }: Room, id: string): Standing {
  return pick(ledger.command(commandId(id)), ["state", "detail", "approvals"]);
}

function pick<Thing extends object>(
  thing: Thing | undefined,
  names: readonly (keyof Thing & string)[],
): Standing {
  if (thing === undefined) return nothing;
  return Object.fromEntries(names.map((name) => [name, thing[name]]));
}
