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
  const changed = news(context, initial);
  changed["head"] = compactFold(context.head);
  changed["valve"] = news(context.valve, initialValveState);
  return JSON.stringify(changed);
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
  const changed = news(state, initialFold);
  const states: Fields = { ...state.rules };
  const rules: Record<string, unknown> = {};
  for (const rule in states) {
    const [now, before] = [states[rule], initialRules[rule]];
    if (now === before) continue;
    const own = isFields(now) && isFields(before) ? news(now, before) : now;
    if (!isBare(own)) rules[rule] = own;
  }
  changed["rules"] = rules;
  return changed;
}

const initialRules: Fields = { ...initialRuleStates };

/** The fields that are not as in the beginning. Plain records all, so that nothing but their own fields is named. */
function news(now: object, initial: object): Record<string, unknown> {
  const after = now as Fields;
  const before = initial as Fields;
  const changed: Record<string, unknown> = {};
  for (const name in after) {
    const value = after[name];
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
  if (typeof value !== "object" || value === null) return false;
  for (const _name in value) return false;
  return true;
}
