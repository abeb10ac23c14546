/**
 * What goes wrong in the city, in several strengths, and what only looks so. One table: it says what happens at the
 * meter, which rules may tell it, and what a perfect observer would need in time.
 */
import type { MeterRuleId } from "#domain/alarm.ts";
import type { StatusName } from "#domain/status.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";

/** What a site needs for the incident to be seen by its rule. */
export type Eyes = "any" | "hourly" | "pressure";

export interface Happening {
  readonly kind: string;
  readonly strength: string;
  /** The rules of which one must tell; none: it is a look-alike, and priorities 1 and 2 must stay silent. */
  readonly rules: readonly MeterRuleId[];
  /** The meter itself says so, in a report that leaves at once. */
  readonly isFlagged: boolean;
  /** Above the rules' own floor for meters with these eyes: 99 of 100 are to be found. */
  readonly isAboveFloor: boolean;
  readonly eyes: Eyes;
  /** Whether the house heats with gas; null: as it comes. */
  readonly heats: boolean | null;
  /** How long it lasts; null: to the end. */
  readonly lastsMs: number | null;
  /** What a perfect observer of the rule needs before it can tell. */
  readonly needsMs: number;
  /** Reports that it needs after that. */
  readonly needsReports: number;
  readonly does: Effect;
}

export type Effect =
  /** Gas besides the usual. `qmax`: as a multiple of Qmax; else litres an hour. */
  | { readonly do: "flow"; readonly litresPerHour?: number; readonly qmax?: number }
  | { readonly do: "status"; readonly status: StatusName }
  | { readonly do: "pressure"; readonly kpa: number }
  | { readonly do: "battery"; readonly pct: number }
  /** The valve is reported closed, and gas flows. */
  | { readonly do: "passing"; readonly litresPerHour: number }
  /** The register goes back by so many litres and counts on from there. */
  | { readonly do: "registerBack"; readonly litres: number }
  | { readonly do: "silence" }
  /** The clock says 2099. */
  | { readonly do: "clock" }
  /** One report whose register has a digit too many. */
  | { readonly do: "damage" }
  /** The usual, but so many times as much. */
  | { readonly do: "more"; readonly factor: number }
  /** A heating boiler where there was none. */
  | { readonly do: "newBoiler" }
  | { readonly do: "nobodyHome" }
  /** An old heater with a pilot light, which the fitter has registered. */
  | { readonly do: "pilot"; readonly litresPerHour: number };

type Told = Partial<Happening> & Pick<Happening, "kind" | "strength" | "rules" | "does">;

function happening(told: Told): Happening {
  return {
    isFlagged: false,
    isAboveFloor: true,
    eyes: "any",
    heats: null,
    lastsMs: null,
    needsMs: 0,
    needsReports: 1,
    ...told,
  };
}

function flagged(
  kind: string,
  rule: MeterRuleId,
  status: StatusName,
  strength: string,
  lastsMs: number,
): Happening {
  const does = { do: "status", status } as const;
  return happening({ kind, strength, rules: [rule], isFlagged: true, lastsMs, does });
}

function lookAlike(
  kind: string,
  strength: string,
  does: Effect,
  lastsMs: number | null,
): Happening {
  return happening({ kind, strength, rules: [], does, lastsMs });
}

const seen: readonly Happening[] = [
  flagged("leak, detector", "R1", "leak", "6 h", 6 * hourMs),
  flagged("leak, detector", "R1", "external_alarm", "20 min", 20 * minuteMs),
  flagged("overload, bit", "R2", "over_flow", "1 h", hourMs),
  flagged("large flow, bit", "R3", "large_flow", "1 h", hourMs),
  flagged("continuous use, bit", "R5", "continuous_flow", "6 h", 6 * hourMs),
  flagged("micro-flow, bit", "R6", "micro_flow", "2 d", 2 * dayMs),
  flagged("reverse flow, bit", "R8", "reverse_flow", "1 h", hourMs),
  flagged("passing valve, bit", "R9", "valve_passing", "1 d", dayMs),
  flagged("battery, bit", "R10", "battery_critical", "3 d", 3 * dayMs),
  flagged("tampering, bit", "R11", "magnet", "10 min", 10 * minuteMs),
  flagged("tampering, bit", "R11", "tilt", "3 d", 3 * dayMs),
  flagged("pressure, bit", "R13", "low_pressure", "2 h", 2 * hourMs),
  flagged("clock, bit", "R16", "clock_fault", "1 d", dayMs),
];

const byValue: readonly Happening[] = [
  ...[1.3, 2, 3].map((qmax) =>
    happening({
      kind: "torn hose",
      strength: `${qmax} Qmax, 3 h`,
      rules: ["R2"],
      eyes: "hourly",
      lastsMs: 3 * hourMs,
      needsMs: 2 * minuteMs,
      does: { do: "flow", qmax },
    }),
  ),
  ...[
    { litresPerHour: 300, needsMs: 6 * hourMs, heats: false },
    { litresPerHour: 1_500, needsMs: 12 * hourMs, heats: false },
    { litresPerHour: 3_500, needsMs: 2 * hourMs, heats: false },
    // The boiler on top leaves few hours in which the tap alone is seen.
    { litresPerHour: 1_500, needsMs: 12 * hourMs, heats: true },
  ].map(({ litresPerHour, needsMs, heats }) =>
    happening({
      kind: "forgotten tap",
      strength: `${litresPerHour} l/h, 30 h${heats ? ", heated house" : ""}`,
      heats,
      isAboveFloor: !heats,
      rules: ["R5", "R3", "R2"],
      eyes: "hourly",
      lastsMs: 30 * hourMs,
      needsMs,
      does: { do: "flow", litresPerHour },
    }),
  ),
  ...[
    { litresPerHour: 3, heats: false },
    { litresPerHour: 10, heats: false },
    { litresPerHour: 30, heats: false },
    // The rules state their floor for a house without other use at night.
    { litresPerHour: 30, heats: true },
    { litresPerHour: 0.5, heats: false },
  ].map(({ litresPerHour, heats }) =>
    happening({
      kind: "small leak",
      strength: `${litresPerHour} l/h${heats ? ", heated house" : ""}`,
      heats,
      isAboveFloor: litresPerHour > 1.7 && !heats,
      rules: ["R6", "R7", "R5"],
      eyes: "hourly",
      needsMs: 10 * dayMs,
      does: { do: "flow", litresPerHour },
    }),
  ),
  ...[20, 200].map((litresPerHour) =>
    happening({
      kind: "passing valve",
      strength: `${litresPerHour} l/h`,
      rules: ["R9"],
      needsReports: 2,
      does: { do: "passing", litresPerHour },
    }),
  ),
  ...[0.6, 0.2, 6].map((kpa) =>
    happening({
      kind: "pressure",
      strength: `${kpa} kPa, 8 h`,
      rules: ["R13"],
      eyes: "pressure",
      needsReports: 2,
      lastsMs: 8 * hourMs,
      does: { do: "pressure", kpa },
    }),
  ),
  happening({
    kind: "battery",
    strength: "8 %",
    rules: ["R10"],
    needsReports: 2,
    does: { do: "battery", pct: 8 },
  }),
  happening({
    kind: "register back",
    strength: "500 l",
    rules: ["R8"],
    eyes: "hourly",
    // A heated house has passed its old value again before the second report.
    heats: false,
    needsReports: 2,
    does: { do: "registerBack", litres: 500 },
  }),
  happening({
    kind: "register back",
    strength: "50 m³",
    rules: ["R8"],
    needsReports: 2,
    does: { do: "registerBack", litres: 50_000 },
  }),
  happening({
    kind: "silence",
    strength: "dead",
    rules: ["R12"],
    needsReports: 2,
    does: { do: "silence" },
  }),
  happening({
    kind: "clock",
    strength: "2099, 3 d",
    rules: ["R16"],
    needsReports: 2,
    lastsMs: 3 * dayMs,
    does: { do: "clock" },
  }),
];

const lookAlikes: readonly Happening[] = [
  lookAlike("long bath", "0.7 Qmax, 45 min", { do: "flow", qmax: 0.7 }, 45 * minuteMs),
  lookAlike("pilot light", "25 l/h", { do: "pilot", litresPerHour: 25 }, null),
  lookAlike("party", "3 times the usual", { do: "more", factor: 3 }, 8 * hourMs),
  lookAlike("new boiler", "from then on", { do: "newBoiler" }, null),
  lookAlike("nobody home", "6 d", { do: "nobodyHome" }, 6 * dayMs),
  lookAlike("damaged frame", "one", { do: "damage" }, null),
];

/** Everything that can happen; the truth names a row by kind and strength. */
export const catalogue: readonly Happening[] = [...seen, ...byValue, ...lookAlikes];
