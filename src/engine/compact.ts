/**
 * Contexts and folds as the ledger keeps them: only what differs from a meter of which nothing is known. Every batch
 * writes the context of each meter that it heard, so half the text is half the work; and what a newer program adds to
 * the beginning is there for meters that have none of it.
 */
import { initialRuleStates, type RuleStates } from "#rules/stepRules.ts";
import { initialValveState } from "#valves/valveState.ts";
import type { MeterContext } from "./context.ts";
import { initialFold, type FoldState } from "./fold.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The context's text; `initial` is the context of a meter of which nothing is known. */
export function contextJson(context: MeterContext, initial: MeterContext): string {
  return JSON.stringify({
    ...news(context, initial),
    head: compactFold(context.head),
    valve: news(context.valve, initialValveState),
  });
}

/** The text of a kept fold. */
export function foldJson(state: FoldState): string {
  return JSON.stringify(compactFold(state));
}

/** A fold from its text. */
export function reviveFold(json: string): FoldState {
  return wholeFold(JSON.parse(json) as Partial<FoldState>);
}

/** A kept fold, whole again; a rule that is newer than it begins at its beginning. */
export function wholeFold(kept: Partial<FoldState>): FoldState {
  const rules: Record<string, unknown> = { ...initialRuleStates };
  for (const [rule, state] of Object.entries(kept.rules ?? {})) {
    const initial = rules[rule];
    rules[rule] = isFields(state) && isFields(initial) ? { ...initial, ...state } : state;
  }
  return { ...initialFold, ...kept, rules: rules as unknown as RuleStates };
}

function compactFold(state: FoldState): Fields {
  const initial: Fields = { ...initialRuleStates };
  const rules: Record<string, unknown> = {};
  for (const [rule, now] of Object.entries(state.rules)) {
    const before = initial[rule];
    if (now === before) continue;
    const changed = isFields(now) && isFields(before) ? news(now, before) : now;
    if (!isBare(changed)) rules[rule] = changed;
  }
  return { ...news(state, initialFold), rules };
}

/** The fields that are not as in the beginning. */
function news(now: object, initial: object): Fields {
  const before: Fields = { ...initial };
  const changed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(now)) {
    const first = before[name];
    if (value !== first && !(isBare(value) && isBare(first))) changed[name] = value;
  }
  return changed;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list or record with nothing in it. */
function isBare(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
