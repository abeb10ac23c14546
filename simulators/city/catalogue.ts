/**
 * What goes wrong in the city, in several strengths, and what only looks so. One table: it says what happens at the
 * meter, which rules may tell it, and what a perfect observer would need in time.
 */
import type { MeterRuleId } from "#domain/alarm.ts";
import type { MeterKind, SiteClass } from "#domain/meter.ts";
import type { StatusName } from "#domain/status.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";

/** What a site needs for the incident to be seen by its rule. */
export type Eyes = "any" | "hourly" | "often" | "pressure";

export interface Happening {
  readonly kind: string;
  readonly strength: string;
  /** The rules of which one must tell; none: it is a look-alike, and priorities 1 and 2 must stay silent. */
  readonly rules: readonly MeterRuleId[];
  /** The meter itself says so, in a report that leaves at once. */
  readonly isFlagged: boolean;
  /** It belongs on a work list and rings for nobody (clause 6.2.4). */
  readonly isListed: boolean;
  /** What the rules presuppose holds: 99 of 100 are to be found where the flow is above the rules' declared floor. */
  readonly isAboveFloor: boolean;
  readonly eyes: Eyes;
  /** Whether the house heats with gas; null: as it comes. */
  readonly heats: boolean | null;
  /** How long it lasts; null: to the end. */
  readonly lastsMs: number | null;
  /** It is to be found after so long: what is usual at the site must be known. */
  readonly learnsMs: number;
  /** What a perfect observer of the rule needs before it can tell. */
  readonly needsMs: number;
  /** The same for whoever is lucky: from here on a delay is counted. */
  readonly soonestMs: number;
  /** Reports that it needs after that; 0: the calendar or our own clock tells. */
  readonly needsReports: number;
  readonly device: MeterKind;
  /** Where it can happen. */
  readonly siteClass: SiteClass;
  /** How often in a year among a million meters, in a usual city: our assumption. */
  readonly yearly: number;
  readonly does: Effect;
}

export type Effect =
  /** Gas besides the usual. `qmax`: as a multiple of Qmax; else litres an hour, at most `qmaxMax`. */
  | {
      readonly do: "flow";
      readonly litresPerHour?: number;
      readonly qmax?: number;
      readonly qmaxMax?: number;
    }
  | { readonly do: "status"; readonly status: StatusName }
  | { readonly do: "pressure"; readonly kpa: number }
  | { readonly do: "battery"; readonly pct: number }
  /** The valve is reported closed, and gas flows. */
  | { readonly do: "passing"; readonly litresPerHour: number }
  /** The register goes back by so many litres and counts on from there. */
  | { readonly do: "registerBack"; readonly litres: number }
  | { readonly do: "silence"; readonly selfClosesAfterDays?: number }
  /** A date of the registry comes so near. */
  | {
      readonly do: "due";
      readonly what: "verificationDueOn" | "retirementDueOn";
      readonly inDays: number;
    }
  /** The clock is ahead by so much; null: it says 2099. */
  | { readonly do: "clock"; readonly aheadMs: number | null }
  /** One report whose register has a digit too many. */
  | { readonly do: "damage" }
  /** The usual, but so many times as much. */
  | { readonly do: "more"; readonly factor: number }
  /** A heating boiler where there was none. */
  | { readonly do: "newBoiler" }
  | { readonly do: "nobodyHome" }
  /** A fitter puts up another meter, and enters both registers. */
  | { readonly do: "exchange" }
  /** The meter starts again, and its clock with it. */
  | { readonly do: "restart" }
  /** Ovens through the night, where none were. */
  | { readonly do: "bakery" }
  /** An old heater with a pilot light, which the fitter has registered. */
  | { readonly do: "pilot"; readonly litresPerHour: number };

type Told = Partial<Happening> & Pick<Happening, "kind" | "strength" | "rules" | "does">;

function happening(told: Told): Happening {
  return {
    ...{ isFlagged: false, isListed: false, soonestMs: told.needsMs ?? 0 },
    device: "meter",
    isAboveFloor: true,
    eyes: "any",
    heats: null,
    lastsMs: null,
    learnsMs: 0,
    needsMs: 0,
    needsReports: 1,
    siteClass: "household",
    yearly: 500,
    ...told,
  };
}

function flagged(
  kind: string,
  rule: MeterRuleId,
  status: StatusName,
  strength: string,
  lastsMs: number,
  yearly: number,
): Happening {
  const does = { do: "status", status } as const;
  return happening({ kind, strength, rules: [rule], isFlagged: true, lastsMs, yearly, does });
}

function lookAlike(
  kind: string,
  strength: string,
  does: Effect,
  lastsMs: number | null,
): Happening {
  return happening({ kind, strength, rules: [], does, lastsMs, yearly: 5_000 });
}

/** Of restaurants and shops. */
const detectors = { device: "detector", siteClass: "commercial", eyes: "hourly" } as const;

const seen: readonly Happening[] = [
  flagged("leak, detector", "R1", "leak", "6 h", 6 * hourMs, 1_000),
  flagged("leak, detector", "R1", "external_alarm", "20 min", 20 * minuteMs, 2_000),
  {
    ...flagged("gas, commercial detector", "R1", "leak", "2 h", 2 * hourMs, 200),
    ...detectors,
  },
  flagged("overload, bit", "R2", "over_flow", "1 h", hourMs, 200),
  flagged("large flow, bit", "R3", "large_flow", "1 h", hourMs, 200),
  flagged("continuous use, bit", "R5", "continuous_flow", "6 h", 6 * hourMs, 500),
  flagged("micro-flow, bit", "R6", "micro_flow", "2 d", 2 * dayMs, 1_000),
  flagged("reverse flow, bit", "R8", "reverse_flow", "1 h", hourMs, 100),
  flagged("passing valve, bit", "R9", "valve_passing", "1 d", dayMs, 100),
  flagged("battery, bit", "R10", "battery_critical", "3 d", 3 * dayMs, 1_000),
  flagged("tampering, bit", "R11", "magnet", "10 min", 10 * minuteMs, 500),
  flagged("tampering, bit", "R11", "tilt", "3 d", 3 * dayMs, 500),
  flagged("pressure, bit", "R13", "low_pressure", "2 h", 2 * hourMs, 200),
  flagged("clock, bit", "R16", "clock_fault", "1 d", dayMs, 500),
];

const byValue: readonly Happening[] = [
  ...[1.3, 2, 3].map((qmax) =>
    happening({
      kind: "torn hose",
      yearly: 50,
      strength: `${qmax} Qmax, 3 h`,
      rules: ["R2"],
      eyes: "hourly",
      lastsMs: 3 * hourMs,
      needsMs: 2 * minuteMs,
      does: { do: "flow", qmax },
    }),
  ),
  ...[
    { litresPerHour: 300, hours: 48, needsMs: 6 * hourMs, heats: false },
    { litresPerHour: 1_500, hours: 48, needsMs: 12 * hourMs, heats: false },
    { litresPerHour: 3_500, hours: 48, needsMs: 2 * hourMs, heats: false },
    // R5 declares 39 hours where others use gas in a third of them.
    { litresPerHour: 300, hours: 30, needsMs: 6 * hourMs, heats: false },
    // The boiler on top leaves few hours in which the tap alone is seen; R5 sees that the least hour has risen.
    { litresPerHour: 1_500, hours: 48, needsMs: 18 * hourMs, heats: true },
  ].map(({ litresPerHour, hours, needsMs, heats }) =>
    happening({
      kind: "forgotten tap",
      yearly: 200,
      strength: `${litresPerHour} l/h, ${hours} h${heats ? ", heated house" : ""}`,
      heats,
      // A day without an open end, and the week after it in which R5 learns the least hour.
      learnsMs: heats ? 9 * dayMs : 0,
      rules: ["R5", "R3", "R2"],
      eyes: "hourly",
      lastsMs: hours * hourMs,
      needsMs,
      does: { do: "flow", litresPerHour },
    }),
  ),
  ...[
    { litresPerHour: 3, soonestMs: 7 * dayMs, heats: false },
    { litresPerHour: 10, soonestMs: 7 * dayMs, heats: false },
    // Above 1.5 Qmin of a small meter it is R5's as well.
    { litresPerHour: 30, soonestMs: 18 * hourMs, heats: false },
    // The rules state their floor for a house without other use at night.
    { litresPerHour: 30, soonestMs: 10 * dayMs, heats: true },
    { litresPerHour: 0.5, soonestMs: 10 * dayMs, heats: false },
  ].map(({ litresPerHour, soonestMs, heats }) =>
    happening({
      kind: "small leak",
      yearly: 600,
      strength: `${litresPerHour} l/h${heats ? ", heated house" : ""}`,
      heats,
      isAboveFloor: !heats,
      rules: ["R6", "R7", "R5"],
      eyes: "hourly",
      needsMs: 10 * dayMs,
      soonestMs,
      does: { do: "flow", litresPerHour },
    }),
  ),
  ...[20, 200].map((litresPerHour) =>
    happening({
      kind: "passing valve",
      yearly: 100,
      strength: `${litresPerHour} l/h`,
      rules: ["R9"],
      needsReports: 2,
      does: { do: "passing", litresPerHour },
    }),
  ),
  ...[0.6, 0.2, 6].map((kpa) =>
    happening({
      kind: "pressure",
      yearly: 100,
      strength: `${kpa} kPa, 8 h`,
      rules: ["R13"],
      eyes: "pressure",
      needsReports: 2,
      lastsMs: 8 * hourMs,
      does: { do: "pressure", kpa },
    }),
  ),
  ...[0.9, 1.1].map((qmax) =>
    happening({
      kind: "a pipe breaks",
      strength: `${qmax} Qmax more, 2 h`,
      // Before it has learned for 30 days what is usual, R4 knows the meter's size only.
      isAboveFloor: qmax > 1,
      rules: ["R4", "R3", "R2"],
      eyes: "often",
      heats: false,
      lastsMs: 2 * hourMs,
      needsMs: 15 * minuteMs,
      needsReports: 2,
      yearly: 50,
      does: { do: "flow", qmax },
    }),
  ),
  happening({
    kind: "torn hose",
    strength: "1.5 Qmax, 3 h, restaurant",
    siteClass: "commercial",
    rules: ["R2"],
    eyes: "hourly",
    lastsMs: 3 * hourMs,
    needsMs: 2 * minuteMs,
    yearly: 50,
    does: { do: "flow", qmax: 1.5 },
  }),
  ...[8, 3].map((pct) =>
    happening({
      kind: "battery",
      yearly: 1_000,
      strength: `${pct} %`,
      rules: ["R10"],
      needsReports: 2,
      does: { do: "battery", pct },
    }),
  ),
  happening({
    kind: "register back",
    yearly: 50,
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
    yearly: 50,
    strength: "50 m³",
    rules: ["R8"],
    does: { do: "registerBack", litres: 50_000 },
  }),
  happening({
    kind: "silence",
    yearly: 5_000,
    strength: "dead",
    rules: ["R12"],
    needsReports: 2,
    does: { do: "silence" },
  }),
  ...[null, 3 * hourMs].map((aheadMs) =>
    happening({
      kind: "clock",
      yearly: 500,
      strength: aheadMs === null ? "2099, 3 d" : "3 h ahead, 3 d",
      rules: ["R16"],
      needsReports: 2,
      lastsMs: 3 * dayMs,
      does: { do: "clock", aheadMs },
    }),
  ),
];

/** What nobody reports: the calendar and our own clock tell it, and what has no hurry stands on a work list. */
const byTheClock: readonly Happening[] = [
  happening({
    kind: "no use",
    strength: "to the end",
    rules: ["R14"],
    isListed: true,
    needsMs: 31 * dayMs,
    soonestMs: 30 * dayMs,
    yearly: 5_000,
    does: { do: "nobodyHome" },
  }),
  ...(
    [
      { what: "verificationDueOn", inDays: 30, yearly: 100_000 },
      { what: "retirementDueOn", inDays: 0, yearly: 20_000 },
    ] as const
  ).map(({ what, inDays, yearly }) =>
    happening({
      kind: "date due",
      strength: `${what === "verificationDueOn" ? "verification" : "end of service"}, ${inDays} d`,
      rules: ["R17"],
      isListed: true,
      needsReports: 0,
      lastsMs: 2 * dayMs,
      yearly,
      does: { do: "due", what, inDays },
    }),
  ),
  happening({
    kind: "self-closure",
    strength: "dead, shuts after 7 d",
    rules: ["R21"],
    needsMs: 5 * dayMs,
    needsReports: 0,
    yearly: 100,
    does: { do: "silence", selfClosesAfterDays: 7 },
  }),
  happening({
    kind: "detector silent",
    strength: "dead",
    ...detectors,
    rules: ["R18"],
    needsMs: 2 * hourMs,
    needsReports: 0,
    yearly: 50,
    does: { do: "silence" },
  }),
];

const silentForThree: Effect = { do: "silence", selfClosesAfterDays: 7 };

const lookAlikes: readonly Happening[] = [
  ...[
    { litresPerHour: 1_600, minutes: 45 },
    { litresPerHour: 3_000, minutes: 90 },
  ].map(({ litresPerHour, minutes }) => {
    // Up to the largest water heater, 32 kW; on a small meter never more than it is made for.
    const does = { do: "flow", litresPerHour, qmaxMax: 0.8 } as const;
    return lookAlike("long bath", `${litresPerHour} l/h, ${minutes} min`, does, minutes * minuteMs);
  }),
  ...[12, 25].map((litresPerHour) =>
    lookAlike("pilot light", `${litresPerHour} l/h`, { do: "pilot", litresPerHour }, null),
  ),
  ...[2, 3].map((factor) =>
    lookAlike("party", `${factor} times the usual`, { do: "more", factor }, 8 * hourMs),
  ),
  lookAlike("new boiler", "from then on", { do: "newBoiler" }, null),
  ...[6, 21].map((days) =>
    lookAlike("nobody home", `${days} d`, { do: "nobodyHome" }, days * dayMs),
  ),
  lookAlike("damaged frame", "one", { do: "damage" }, null),
  lookAlike("meter change", "both registers entered", { do: "exchange" }, null),
  ...[1, 2].map((days) =>
    lookAlike("back-fill", `after ${days} d without radio`, { do: "silence" }, days * dayMs),
  ),
  {
    ...lookAlike("detector silent", "for one heartbeat", { do: "silence" }, hourMs),
    yearly: 500,
    ...detectors,
  },
  {
    // A daily meter is heard a day later still, and two days before the end it rings rightly.
    ...lookAlike("self-closure", "silent for 3 of 7 d", silentForThree, 3 * dayMs),
    // Few meters shut themselves.
    yearly: 200,
  },
  { ...lookAlike("restart", "one report from 2000", { do: "restart" }, hourMs), eyes: "hourly" },
  {
    ...lookAlike("bakery at night", "from then on", { do: "bakery" }, null),
    siteClass: "commercial",
  },
];

/** Everything that can happen; the truth names a row by kind and strength. */
export const catalogue: readonly Happening[] = [...seen, ...byValue, ...byTheClock, ...lookAlikes];
