/**
 * Rule documents through the engine's door: shown first, then put in force, each with who and when in the ledger. They
 * were checked where their text was read; here it is decided whether they may come into force.
 */
import type { Actor, Ask, AskResult } from "#ports/requests.ts";
import type { RuleRecord } from "#domain/ruleDocument.ts";
import { publish, type Book } from "./book.ts";
import { refuse } from "./refuse.ts";
import { previewedAt } from "./rulesInForce.ts";
import type { Room } from "./room.ts";

type RuleAsk = Extract<Ask, { readonly kind: "rules.preview" | "rules.put" | "rules.factory" }>;

/** Notes a preview, or changes the rules in force. */
export function actOnRules(room: Room, book: Book, ask: RuleAsk, actor: Actor): AskResult {
  if (ask.kind === "rules.preview") return notePreview(room, book, ask, actor);
  const newest = room.rules.newest();
  if (ask.replaces !== (newest?.no ?? 0)) {
    return refuse("version-conflict", `the rules in force are number ${newest?.no ?? 0}`);
  }
  const document = ask.kind === "rules.put" ? ask.document : null;
  const previewedAtMs = document === null ? null : previewedAt(room.ledger, document);
  if (document !== null) {
    if (previewedAtMs === null) {
      return refuse("not-allowed-in-state", "preview it first: nobody was shown what it changes");
    }
    const namesake = room.ledger.rulesNamed(document.version);
    if (namesake !== undefined && namesake.document?.hash !== document.hash) {
      return refuse("already-exists", `version ${document.version} said something else`);
    }
    if (newest?.document?.hash === document.hash) {
      return refuse("not-allowed-in-state", "these are the rules in force");
    }
  } else if (newest === null || newest.document === null) {
    return refuse("not-allowed-in-state", "the factory's rules are in force");
  }
  const record: RuleRecord = {
    no: (newest?.no ?? 0) + 1,
    document,
    source: "api",
    previewedAtMs,
    inForceAtMs: book.nowMs,
    by: actor.label,
    role: actor.role,
    reason: ask.reason,
  };
  book.undo.push(room.rules.put(record));
  recordRules(book, record);
  return { ok: true, answer: { kind: "rules", record } };
}

/** What was shown once counts from then; who looks again changes nothing. */
function notePreview(
  { ledger }: Room,
  { nowMs }: Book,
  { document }: Extract<Ask, { readonly kind: "rules.preview" }>,
  { label, role }: Actor,
): AskResult {
  const known = ledger.rulePreview(document.hash);
  const preview = known ?? { document, previewedAtMs: nowMs, by: label, role };
  if (known === undefined) ledger.putRulePreview(preview);
  return { ok: true, answer: { kind: "rulePreview", preview } };
}

/** A change of the rules, for the ledger and for everybody who listens. */
export function recordRules(book: Book, record: RuleRecord): void {
  book.ledger.putRules(record);
  const { no, document, by, reason } = record;
  const { version = null, hash = null } = document ?? {};
  publish(book, "rules.changed", null, { no, version, hash, by, reason });
}
