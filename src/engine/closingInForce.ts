/**
 * What lets valves close without a person: the utility's policy, the meaning of the rules, and the profiles whose bits
 * are believed. The ledger keeps since when each has been so, because what could close more often than before does not
 * close in its first day (ADR 15).
 */
import {
  closingRules,
  type ClosePolicy,
  type CloseWord,
  type ClosingRule,
} from "#domain/closePolicy.ts";
import type { Meter } from "#domain/meter.ts";
import { formatInstant, timestampMs, type TimestampMs } from "#domain/units.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import type { Ledger } from "#ports/ledger.ts";
import { ruleTable } from "#rules/ruleTable.ts";
import { conductFor, tuningFor } from "#rules/tuningFor.ts";
import { armAfterMs, closeWordFor } from "#valves/closePolicy.ts";
import { publish, type Book } from "./book.ts";
import { settingNames } from "./memory.ts";
import type { RulesInForce } from "./rulesInForce.ts";

/** So many changes are remembered, and all of the last day. */
const entriesMax = 32;

/** All of it at one time; plain data, as the ledger keeps it. */
export interface ClosingBasis {
  readonly policy: ClosePolicy | null;
  /** By rule: its version in the program. */
  readonly ruleVersions: Readonly<Record<ClosingRule, number>>;
  /** Confirmed profiles by id, with what names their content. */
  readonly confirmed: Readonly<Record<string, string>>;
}

export interface ClosingChange extends ClosingBasis {
  readonly fromMs: TimestampMs;
}

export interface ClosingInForce {
  word(meter: Meter, rule: ClosingRule): CloseWord;
  /** When the rule may close this meter by itself; null: it has always been as it is. */
  armsAtMs(meter: Meter, rule: ClosingRule): TimestampMs | null;
  /** Whether the rule may close the meter after a change of its registry entry for a reason that was none before. */
  isLooserFor(before: Meter, after: Meter, rule: ClosingRule): boolean;
}

export interface OpenedClosing {
  readonly closing: ClosingInForce;
  /** To be kept; null: nothing is new. */
  readonly changes: readonly ClosingChange[] | null;
}

/**
 * What the ledger remembers, and what this engine starts with. A new ledger, or one from before this was kept, takes
 * what it finds as what has always been: a fresh installation closes at its first leak.
 */
export function openClosing(
  ledger: Ledger,
  given: Pick<ClosingBasis, "policy" | "confirmed">,
  rules: RulesInForce,
  nowMs: TimestampMs,
): OpenedClosing {
  const text = ledger.setting(settingNames.closing);
  const kept = JSON.parse(text ?? "[]") as readonly ClosingChange[];
  const { policy, confirmed } = given;
  const now: ClosingBasis = { policy, ruleVersions: versions(), confirmed };
  const last = kept.at(-1);
  if (last !== undefined && isSame(last, now))
    return { closing: inForce(kept, rules), changes: null };
  // An older change may be forgotten when it is older than a day: it delays nothing any more.
  const young = kept.filter(
    ({ fromMs }, at) => at > kept.length - entriesMax || fromMs > nowMs - armAfterMs,
  );
  const changes = [...young, { fromMs: nowMs, ...now }];
  return { closing: inForce(changes, rules), changes };
}

function versions(): ClosingBasis["ruleVersions"] {
  const entries = closingRules.map((rule) => [rule, ruleTable[rule].version] as const);
  return Object.fromEntries(entries) as ClosingBasis["ruleVersions"];
}

function isSame({ policy, ruleVersions, confirmed }: ClosingBasis, other: ClosingBasis): boolean {
  return JSON.stringify({ policy, ruleVersions, confirmed }) === JSON.stringify(other);
}

function inForce(changes: readonly ClosingChange[], rules: RulesInForce): ClosingInForce {
  const policy = changes.at(-1)?.policy ?? null;
  const confirmed = changes.at(-1)?.confirmed ?? {};
  return {
    word: (meter, rule) => closeWordFor(policy, meter, rule),
    isLooserFor(before, after, rule) {
      if (closeWordFor(policy, after, rule) !== "automatic") return false;
      const document = rules.records().at(-1)?.document ?? null;
      const thresholds = thresholdsOf(document, after, rule);
      const meaning = confirmed[after.profile ?? ""];
      return (
        closeWordFor(policy, before, rule) !== "automatic" ||
        (before.critical && !after.critical) ||
        before.protocol !== after.protocol ||
        (meaning !== undefined && meaning !== confirmed[before.profile ?? ""]) ||
        (thresholds !== null && thresholds !== thresholdsOf(document, before, rule))
      );
    },
    armsAtMs(meter, rule) {
      const loosened = changes.filter((change, at) => {
        const before = changes[at - 1];
        return before !== undefined && isLooser(before, change, meter, rule);
      });
      const sincesMs = [
        ...loosened.map(({ fromMs }) => fromMs),
        ...thresholdChangesMs(rules, meter, rule),
      ];
      return sincesMs.length === 0 ? null : timestampMs(Math.max(...sincesMs) + armAfterMs);
    },
  };
}

/**
 * Which way a threshold leads is not asked: when a document changes one of a rule that asks for a close, or lets it ask
 * again, its first preview is the beginning of the day.
 */
function thresholdChangesMs(rules: RulesInForce, meter: Meter, rule: ClosingRule): number[] {
  const records = rules.records();
  const said = records.map(({ document }) => thresholdsOf(document, meter, rule));
  const factory = thresholdsOf(null, meter, rule);
  return records.flatMap(({ previewedAtMs, inForceAtMs }, at) =>
    said[at] === null || said[at] === (at === 0 ? factory : said[at - 1])
      ? []
      : [previewedAtMs ?? inForceAtMs],
  );
}

/** null: under this document the rule asks for no close. */
function thresholdsOf(document: RuleDocument | null, meter: Meter, rule: ClosingRule) {
  if (!conductFor(document, meter)[rule].asksForClose) return null;
  const tuning: Readonly<Record<string, unknown>> = { ...tuningFor(document, meter) };
  return JSON.stringify(tuning[rule] ?? null);
}

/** Whether the rule may close this meter after the change for a reason that was none before it. */
function isLooser(
  before: ClosingBasis,
  after: ClosingBasis,
  meter: Meter,
  rule: ClosingRule,
): boolean {
  if (closeWordFor(after.policy, meter, rule) !== "automatic") return false;
  if (closeWordFor(before.policy, meter, rule) !== "automatic") return true;
  if (before.ruleVersions[rule] !== after.ruleVersions[rule]) return true;
  const profile = after.confirmed[meter.profile ?? ""];
  return profile !== undefined && profile !== before.confirmed[meter.profile ?? ""];
}

/** Keeps the change, tells it, and writes into the audit who answers for it. */
export function recordClosing(book: Book, changes: readonly ClosingChange[]): void {
  book.ledger.putSetting(settingNames.closing, JSON.stringify(changes));
  const after = changes.at(-1)?.policy ?? null;
  const before = changes.at(-2)?.policy ?? null;
  if (changes.length === 1 && after === null) return;
  const { by = null, reason = null, version = null } = after ?? {};
  const armsAt = formatInstant(timestampMs(book.nowMs + armAfterMs));
  publish(book, "closing.changed", null, { version, by, reason, armsAt });
  book.ledger.putAudit({
    atMs: book.nowMs,
    actor: "engine",
    role: "engine",
    act: "closing.change",
    subject: "automation",
    reason,
    detailJson: JSON.stringify({
      source: "file",
      by,
      before: before?.version ?? null,
      after: version,
    }),
  });
}
