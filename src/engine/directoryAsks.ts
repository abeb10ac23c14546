/** Gateways, credentials and API keys: what listeners and API look up, changed in the engine's order. */
import { unreachable } from "#domain/invariant.ts";
import type { Ask, AskResult } from "#ports/requests.ts";
import type { Book } from "./book.ts";
import { refuse } from "./refuse.ts";

type DirectoryAsk = Extract<
  Ask,
  {
    readonly kind:
      "gateway.put" | "credential.issue" | "credential.revoke" | "apiKey.issue" | "apiKey.revoke";
  }
>;

/** The history of a command names them beside persons. */
const notPersons: readonly string[] = ["engine", "meter"];

const done: AskResult = { ok: true, answer: { kind: "done" } };

/** Puts or takes away. */
export function actOnDirectory(book: Book, ask: DirectoryAsk): AskResult {
  const { ledger, changed } = book;
  switch (ask.kind) {
    case "gateway.put":
      ledger.putGateway(ask.gateway);
      setGateway(book, ask.gateway.id, ask.gateway.meterIds);
      changed.gateways.push(ask.gateway);
      return done;
    case "credential.issue":
      if (!isKnownUser(book, ask.credential.username, ask.credential.kind)) {
        return refuse("not-found", `no ${ask.credential.kind} ${ask.credential.username}`);
      }
      ledger.putCredential(ask.credential);
      changed.credentials.push(ask.credential);
      return done;
    case "credential.revoke":
      ledger.dropCredentials(ask.username);
      changed.revoked.push(ask.username);
      return done;
    case "apiKey.issue":
      if (notPersons.includes(ask.apiKey.label)) {
        return refuse("invalid", `${ask.apiKey.label} is no name for a key`);
      }
      ledger.putApiKey(ask.apiKey);
      changed.apiKeys.push(ask.apiKey);
      return done;
    case "apiKey.revoke":
      ledger.dropApiKey(ask.id);
      changed.revokedApiKeys.push(ask.id);
      return done;
    default:
      return unreachable(ask);
  }
}

function isKnownUser(book: Book, username: string, kind: "meter" | "gateway"): boolean {
  const { meterNoById, gateways } = book.memory;
  return kind === "meter" ? meterNoById.has(username) : gateways.has(username);
}

function setGateway(book: Book, id: string, meterIds: readonly string[]): void {
  const { gateways } = book.memory;
  const before = gateways.get(id);
  gateways.set(id, new Set(meterIds));
  book.memory.registryVersion += 1;
  book.undo.push(() => {
    if (before === undefined) gateways.delete(id);
    else gateways.set(id, before);
    // Groups that were made in between are of a list that never was.
    book.memory.registryVersion += 1;
  });
}
