/**
 * Which thresholds were in force when: each document from the instant on at which an engine first had it. A reading is
 * judged by the document of its own time, also when it is folded again, so a change never rewrites history.
 */
import { sizeLimits, type Meter } from "#domain/meter.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import type { Ledger } from "#ports/ledger.ts";
import { tuningFor } from "#rules/tuningFor.ts";
import type { FoldSettings } from "./fold.ts";
import { settingNames } from "./memory.ts";

/** So many changes are remembered; older times are judged by the oldest of them. */
const entriesMax = 32;

interface Entry {
  readonly fromMs: number;
  /** null: the factory's thresholds. */
  readonly document: RuleDocument | null;
}

export interface RulesInForce {
  /** The settings of a meter at an instant of event time. */
  settingsAt(meter: Meter, atMs: number): FoldSettings;
}

/** What the ledger remembers, and the document that this engine starts with. */
export function openRules(
  ledger: Ledger,
  document: RuleDocument | null,
  nowMs: number,
): { readonly rules: RulesInForce; readonly changed: readonly Entry[] | null } {
  const kept = JSON.parse(ledger.setting(settingNames.rules) ?? "[]") as readonly Entry[];
  const last = kept.at(-1)?.document ?? null;
  const isSame = JSON.stringify(last) === JSON.stringify(document);
  if (isSame) return { rules: inForce(kept), changed: null };
  const entries = [...kept, { fromMs: nowMs, document }].slice(-entriesMax);
  return { rules: inForce(entries), changed: entries };
}

function inForce(entries: readonly Entry[]): RulesInForce {
  const factory = cached(null);
  // Before the first change the factory's thresholds were in force.
  const known = entries.map(({ fromMs, document }) => ({ fromMs, settings: cached(document) }));
  return {
    settingsAt(meter, atMs) {
      const entry = known.findLast(({ fromMs }) => atMs >= fromMs);
      return (entry?.settings ?? factory)(meter);
    },
  };
}

/** Settings of each meter, made once; a meter that changes is another object. */
function cached(document: RuleDocument | null): (meter: Meter) => FoldSettings {
  const made = new WeakMap<Meter, FoldSettings>();
  return (meter) => {
    let settings = made.get(meter);
    if (settings === undefined) made.set(meter, (settings = settingsOf(document, meter)));
    return settings;
  };
}

function settingsOf(document: RuleDocument | null, meter: Meter): FoldSettings {
  const { qmaxMlPerHour, qminMlPerHour } = sizeLimits(meter.size);
  const { quantumMl, registerRangeMl, siteClass } = meter;
  const size = { qmaxMlPerHour, qminMlPerHour, quantumMl, registerRangeMl };
  const rulesVersion = document?.version ?? null;
  return { ...size, siteClass, tuning: tuningFor(document, meter), rulesVersion };
}
