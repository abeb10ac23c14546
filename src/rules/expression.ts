/**
 * The small language of a utility's own rules: CEL, checked and compiled once, without calls, so that its cost is
 * bounded by its length and it can do nothing but look. What it looks at is one reading.
 */
import { Environment, EvaluationError, type ASTNode } from "@marcbachmann/cel-js";
import type { RuleReading, RuleSettings } from "./rule.ts";
import { statusToNames } from "#domain/status.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";

/** More of these in one expression, and it is a program. */
const expressionLimits = Object.freeze({
  charactersMax: 500,
  nodesMax: 100,
  depthMax: 12,
  listMax: 16,
});

type Value = number | string | readonly string[];
type Look = (settings: RuleSettings, reading: RuleReading) => Value | null;

/** One time in the whole country. */
const utcOffsetMs = 8 * hourMs;
/** The first of January 1970 was a Thursday. */
const weekdayOfDayZero = 3;

function localMs({ measuredAtMs }: RuleReading): number {
  return measuredAtMs + utcOffsetMs;
}

function lengthMs({ interval, measuredAtMs }: RuleReading): number | null {
  return interval === null ? null : measuredAtMs - interval.fromMs;
}

function scaled(value: number | null, unit: number): number | null {
  return value === null ? null : value / unit;
}

/** Everything that a rule may look at, with its unit in its name. null: this reading does not say. */
const variables = {
  /** Mean over the interval since the last trusted register. */
  flow_m3h: (_settings, reading) => {
    const ms = lengthMs(reading);
    return ms === null || reading.interval === null
      ? null
      : (reading.interval.consumedMl * hourMs) / ms / 1e6;
  },
  /** What the meter itself calls its flow. */
  reported_flow_m3h: (_settings, { flowMlPerHour }) => scaled(flowMlPerHour, 1e6),
  consumed_m3: (_settings, { interval }) => scaled(interval?.consumedMl ?? null, 1e6),
  interval_minutes: (_settings, reading) => scaled(lengthMs(reading), minuteMs),
  pressure_kpa: (_settings, { pressurePa }) => scaled(pressurePa, 1_000),
  battery_v: (_settings, { batteryMv }) => scaled(batteryMv, 1_000),
  battery_percent: (_settings, { batteryPct }) => batteryPct,
  /** Of the local day, with a fraction: 22.5 is half past ten. */
  hour: (_settings, reading) => (localMs(reading) % dayMs) / hourMs,
  /** Monday is 1. */
  weekday: (_settings, reading) =>
    ((Math.floor(localMs(reading) / dayMs) + weekdayOfDayZero) % 7) + 1,
  valve: (_settings, { valve }) => valve,
  status: (_settings, { status }) => (status === null ? null : statusToNames(status)),
  qmax_m3h: ({ qmaxMlPerHour }) => qmaxMlPerHour / 1e6,
  site_class: ({ siteClass }) => siteClass,
} as const satisfies Record<string, Look>;

const types: Readonly<Partial<Record<keyof typeof variables, string>>> = {
  valve: "string",
  status: "list<string>",
  site_class: "string",
};

export const expressionVariables = Object.keys(variables) as readonly (keyof typeof variables)[];

/** What the expression says of a reading; null: the reading does not speak of what it asks. */
export type ExpressionVerdict =
  | { readonly ok: true; readonly holds: boolean | null }
  | { readonly ok: false; readonly reason: string };

export interface Expression {
  /** Never throws; `reason` is a stable word. */
  judge(settings: RuleSettings, reading: RuleReading): ExpressionVerdict;
  /** The numbers and words that it looked at. */
  seen(settings: RuleSettings, reading: RuleReading): Readonly<Record<string, number | string>>;
}

function environment(): Environment {
  const { nodesMax, depthMax, listMax } = expressionLimits;
  const limits = {
    ...{ maxAstNodes: nodesMax, maxDepth: depthMax, maxListElements: listMax },
    ...{ maxMapEntries: 0, maxCallArguments: 0 },
  };
  let made = new Environment({ limits });
  for (const name of expressionVariables) {
    made = made.registerVariable(name, types[name] ?? "double");
  }
  return made;
}

const language = environment();

/** The expression, or in one sentence why it is none. */
export function compileExpression(
  text: string,
):
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly why: string } {
  if (text.length > expressionLimits.charactersMax) {
    return { ok: false, why: `longer than ${expressionLimits.charactersMax} characters` };
  }
  try {
    const parsed = language.parse(text);
    const names = namesIn(parsed.ast);
    if (names === null) return { ok: false, why: "calls nothing: only values and operators" };
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, why: summaryOf(checked.error) };
    if (checked.type !== "bool") return { ok: false, why: "must be true or false" };
    return { ok: true, expression: expressionOf(parsed, names) };
  } catch (error) {
    return { ok: false, why: summaryOf(error) };
  }
}

function expressionOf(
  run: (values: Record<string, Value>) => unknown,
  names: readonly (keyof typeof variables)[],
): Expression {
  return {
    judge(settings, reading) {
      const values: Record<string, Value> = {};
      for (const name of names) {
        const value = variables[name](settings, reading);
        if (value === null) return { ok: true, holds: null };
        values[name] = value;
      }
      try {
        return { ok: true, holds: run(values) === true };
      } catch (error) {
        return { ok: false, reason: error instanceof EvaluationError ? error.code : "unknown" };
      }
    },
    seen(settings, reading) {
      const entries = names.flatMap((name) => {
        const value: Value | null = variables[name](settings, reading);
        if (value === null) return [];
        return [[name, typeof value === "object" ? value.join(" ") : rounded(value)] as const];
      });
      return Object.fromEntries(entries);
    },
  };
}

function rounded(value: number | string): number | string {
  return typeof value === "number" ? Math.round(value * 1e6) / 1e6 : value;
}

/** The variables in it; null: it calls something, or makes a map. */
function namesIn(root: ASTNode): readonly (keyof typeof variables)[] | null {
  const names = new Set<string>();
  const isPlain = (node: ASTNode): boolean => {
    if (node.op === "value") return true;
    if (node.op === "id") {
      names.add(node.args);
      return true;
    }
    if (forbidden.includes(node.op)) return false;
    const parts: readonly unknown[] = Array.isArray(node.args) ? node.args : [node.args];
    return parts.every(
      (part) => typeof part !== "object" || part === null || isPlain(part as ASTNode),
    );
  };
  if (!isPlain(root)) return null;
  // What is no variable is told by the check that follows.
  return expressionVariables.filter((name) => names.has(name));
}

const forbidden: readonly string[] = ["call", "rcall", "map", ".", ".?", "[]", "[?]"];

function summaryOf(error: unknown): string {
  const known = error instanceof Error && "summary" in error ? String(error.summary) : null;
  return (
    known ?? (error instanceof Error ? (error.message.split("\n")[0] ?? "") : "not an expression")
  );
}
