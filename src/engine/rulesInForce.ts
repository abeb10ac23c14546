/**
 * Which rules were in force when: each document from the instant on at which the ledger had it. A reading is judged by
 * the document of its own time, also when it is folded again, so a change never rewrites history.
 */
import { sizeLimits, type Meter } from "#domain/meter.ts";
import type { RuleDocument, RuleRecord } from "#domain/ruleDocument.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { Ledger } from "#ports/ledger.ts";
import { registerSettings } from "#screening/judgeRegister.ts";
import { compileOwn } from "#rules/ownRules.ts";
import { conductFor, ruleGroup, tuningFor } from "#rules/tuningFor.ts";
import type { FoldSettings } from "./fold.ts";
import { settingNames } from "./memory.ts";

/** So many changes are remembered; older times are judged by the oldest of them. */
const entriesMax = 32;

type SettingsOf = (meter: Meter) => FoldSettings;

interface Entry {
  readonly record: RuleRecord;
  readonly settings: SettingsOf;
}

export interface RulesInForce {
  /** The settings of a meter at an instant of event time. */
  settingsAt(meter: Meter, atMs: number): FoldSettings;
  /** The changes that are remembered, the oldest first. */
  records(): readonly RuleRecord[];
  /** The newest change; null: these are the factory's rules, as ever. */
  newest(): RuleRecord | null;
  /** From now on this one; returns how to take it back, should the batch fail. */
  put(record: RuleRecord): () => void;
}

export interface OpenedRules {
  readonly rules: RulesInForce;
  /** What the settings file changes; not in the ledger yet. */
  readonly changed: RuleRecord | null;
}

/**
 * What the ledger remembers, and the document of the settings file. The file counts when it is another one than the
 * last time, so that what was put in force since through the API survives a restart.
 */
export function openRules(
  ledger: Ledger,
  document: RuleDocument | null,
  nowMs: TimestampMs,
): OpenedRules {
  const kept = ledger.newestRules(entriesMax).toReversed();
  const rules = inForce(kept);
  const newest = rules.newest();
  const ofFile = kept.findLast(({ source }) => source === "file")?.document?.hash;
  const lastFile = ledger.setting(settingNames.rulesFile) ?? ofFile ?? "";
  if (lastFile === (document?.hash ?? "")) return { rules, changed: null };
  const changed: RuleRecord = {
    no: (newest?.no ?? 0) + 1,
    document,
    source: "file",
    previewedAtMs: document === null ? null : previewedAt(ledger, document),
    inForceAtMs: nowMs,
    by: "settings file",
    role: null,
    reason: null,
  };
  rules.put(changed);
  return { rules, changed };
}

/** When somebody was first shown what this document says. */
export function previewedAt(ledger: Ledger, { hash }: RuleDocument): number | null {
  return ledger.rulePreview(hash)?.previewedAtMs ?? null;
}

export function inForce(records: readonly RuleRecord[]): RulesInForce {
  const factory = cached(null);
  // Before the first change the factory's rules were in force.
  let known: readonly Entry[] = records.map(entryOf);
  let newest = records.at(-1) ?? null;
  return {
    settingsAt(meter, atMs) {
      for (let place = known.length - 1; place >= 0; place -= 1) {
        const entry = known[place];
        if (entry !== undefined && atMs >= entry.record.inForceAtMs) return entry.settings(meter);
      }
      return factory(meter);
    },
    records: () => known.map(({ record }) => record),
    newest: () => newest,
    put(record) {
      const before = { known, newest };
      known = [...known, entryOf(record)].slice(-entriesMax);
      newest = record;
      return () => {
        ({ known, newest } = before);
      };
    },
  };
}

function entryOf(record: RuleRecord): Entry {
  return { record, settings: cached(record.document) };
}

/** Settings are made once for all meters that are alike; a meter that changes is another object. */
function cached(document: RuleDocument | null): SettingsOf {
  const byMeter = new WeakMap<Meter, FoldSettings>();
  const byKind = new Map<string, FoldSettings>();
  // Readings of one meter are mostly asked about one after the other.
  let last: { readonly meter: Meter; readonly settings: FoldSettings } | undefined;
  const remembered = (meter: Meter, settings: FoldSettings): FoldSettings => {
    last = { meter, settings };
    return settings;
  };
  return (meter) => {
    if (last?.meter === meter) return last.settings;
    const known = byMeter.get(meter);
    if (known !== undefined) return remembered(meter, known);
    const { quantumMl, registerRangeMl, pilotMlPerHour } = meter;
    const kind = `${quantumMl} ${registerRangeMl} ${pilotMlPerHour} ${ruleGroup([document], meter)}`;
    const settings = byKind.get(kind) ?? settingsOf(document, meter);
    byKind.set(kind, settings);
    byMeter.set(meter, settings);
    return remembered(meter, settings);
  };
}

/** What the fold is told of a meter under a document; null: the factory's rules. */
function settingsOf(document: RuleDocument | null, meter: Meter): FoldSettings {
  const { qminMlPerHour } = sizeLimits(meter.size);
  const { siteClass, pilotMlPerHour } = meter;
  return {
    ...registerSettings(meter),
    ...{ qminMlPerHour, siteClass, pilotMlPerHour },
    tuning: tuningFor(document, meter),
    conduct: conductFor(document, meter),
    own: compileOwn(document, meter),
    rulesVersion: document?.version ?? null,
  };
}
