/**
 * Every threshold of every rule, with its unit in its name and its reason beside it. These are the factory's; a
 * rule document may set others by size, site class, area or meter, and the names there are the names here.
 */
import type { SiteClass } from "#domain/meter.ts";

export interface Tuning {
  readonly R2: {
    readonly flowFactor: number;
    readonly meanFlowFactor: number;
    readonly deadBandShare: number;
  };
  readonly R3: {
    readonly qmaxFactor: number;
    readonly learnedFactor: number;
    readonly floorQmaxFactor: number;
    readonly floorM3h: number;
    readonly armAfterDays: number;
    readonly bucketDays: number;
    readonly deadBandShare: number;
  };
  readonly R4: {
    readonly qmaxFactor: number;
    readonly learnedFactor: number;
    readonly floorQmaxFactor: number;
    readonly floorM3h: number;
    readonly armAfterDays: number;
    readonly bucketDays: number;
    readonly apartMinutesMax: number;
    readonly holdShare: number;
  };
  readonly R5: {
    readonly siteClasses: readonly SiteClass[];
    readonly pilotQminFactor: number;
    readonly smallM3hMax: number;
    readonly middleM3hMax: number;
    readonly smallHoursMax: number;
    readonly middleHoursMax: number;
    readonly largeHoursMax: number;
    readonly learnedFactor: number;
    readonly learnedHoursMax: number;
    readonly bucketDays: number;
    readonly steadyShare: number;
    readonly smallIntervalsMin: number;
    readonly middleIntervalsMin: number;
    readonly largeIntervalsMin: number;
    readonly dayIntervalsMin: number;
    readonly risenM3h: number;
    readonly risenFactor: number;
    readonly risenHours: number;
    readonly risenArmAfterDays: number;
    readonly quantaMin: number;
    readonly intervalMinutesMin: number;
    readonly intervalMinutesMax: number;
  };
  readonly R6: {
    readonly leakFloorLitresPerHour: number;
    readonly windowHoursMin: number;
    readonly windowHoursMax: number;
    readonly warnAfterDays: number;
    readonly alarmAfterDays: number;
    readonly fineIntervalMinutesMin: number;
    readonly fineWindowShare: number;
    readonly unseenShareMax: number;
    readonly microQminFactor: number;
  };
  readonly R7: {
    readonly siteClasses: readonly SiteClass[];
    readonly fromHour: number;
    readonly toHour: number;
    readonly utcOffsetHours: number;
    readonly nights: number;
    readonly unseenNightsMax: number;
    readonly seenHoursMin: number;
    readonly flatShare: number;
    readonly intervalMinutesMax: number;
  };
  readonly R8: { readonly agreeing: number };
  readonly R9: { readonly passedQuanta: number };
  readonly R10: {
    readonly lowPct: number;
    readonly criticalPct: number;
    readonly hysteresisPct: number;
    readonly lowMv: number;
    readonly criticalMv: number;
    readonly hysteresisMv: number;
  };
  readonly R12: {
    readonly graceShare: number;
    readonly graceMinutesMax: number;
    readonly missedForLevel1: number;
    readonly missedForLevel2: number;
    readonly silentDaysForLevel2: number;
  };
  readonly R13: {
    readonly siteClasses: readonly SiteClass[];
    readonly lowKpa: number;
    readonly veryLowKpa: number;
    readonly highKpa: number;
    readonly veryHighKpa: number;
    readonly hysteresisKpa: number;
    readonly gaugeKpaMax: number;
  };
  readonly R14: { readonly firstDays: number; readonly secondDays: number };
  readonly R17: {
    readonly firstDays: number;
    readonly secondDays: number;
    readonly utcOffsetHours: number;
  };
  readonly R18: { readonly periodsMax: number };
  readonly R21: {
    readonly daysLeftForLevel1: number;
    readonly daysLeftForLevel2: number;
    readonly shareLeftForLevel2: number;
  };
  readonly R16: { readonly agreeing: number; readonly rightAfterHours: number };
}

export const factoryTuning: Tuning = {
  R2: {
    /** EN 1359 overload flow rate; the factor is general knowledge (gas-domain 2.1). */
    flowFactor: 1.2,
    /** No household burns at Qmax for a whole interval, so a mean needs no margin. */
    meanFlowFactor: 1,
    /** Of the limit, below which the flow must fall before the overload is over. */
    deadBandShare: 0,
  },
  R3: {
    /** Never above this, learned or not. */
    qmaxFactor: 1,
    /** Of the largest flow in the memory. */
    learnedFactor: 1.5,
    /** Never below this: means hide peaks, so a memory of means says little about boiler and hob together. */
    floorQmaxFactor: 0.6,
    /** Nor below the largest water heater (32 kW): of a small meter 0.6 Qmax is less than one appliance. */
    floorM3h: 3,
    /** History that must exist before the learned part counts. */
    armAfterDays: 30,
    /** The memory is two buckets: it reaches back 45 to 90 days. */
    bucketDays: 45,
    /** As with R2. */
    deadBandShare: 0,
  },
  R4: {
    /** Never above this: then it is R2's matter. */
    qmaxFactor: 1,
    /** Of the largest step in the memory, which is the site's largest appliance. */
    learnedFactor: 1.5,
    /** Never below these, of which the second is the largest water heater (32 kW). */
    floorQmaxFactor: 0.6,
    floorM3h: 3,
    armAfterDays: 30,
    bucketDays: 45,
    /** Two flows that lie further apart show two appliances, not one step. */
    apartMinutesMax: 15,
    /** The step is over when less than this share of it is left. */
    holdShare: 0.5,
  },
  R5: {
    /** What burns in a workshop or a hospital may burn for days. */
    siteClasses: ["household", "commercial"],
    /** A pilot light may burn for ever; what leaks below it is R6's matter. */
    pilotQminFactor: 1.5,
    /** Hob, heater or boiler, more than both: gas-domain 2.5. */
    smallM3hMax: 0.8,
    middleM3hMax: 3,
    smallHoursMax: 6,
    /** 720 minutes, as Japanese meters do. */
    middleHoursMax: 12,
    largeHoursMax: 2,
    /** Longest steady use of this site in the memory, with a margin. */
    learnedFactor: 1.25,
    /** Nothing steadier than a day is ever usual. */
    learnedHoursMax: 24,
    bucketDays: 45,
    /** An open tap is as steady as the pressure; a boiler that cycles is not, hour by hour. */
    steadyShare: 0.03,
    /** So many hours of a cycling boiler are hardly ever alike; more than 3 m³/h no boiler of a flat draws. */
    smallIntervalsMin: 18,
    middleIntervalsMin: 12,
    largeIntervalsMin: 3,
    /** Of the hours of a day in which none passed less; the rest is cooking, showers, and reports that were lost. */
    dayIntervalsMin: 14,
    /** The least hour of a house that heats: more than no flat and no usual house burns without a pause. */
    risenM3h: 1.2,
    /** Of the largest least hour of the memory; a cold wave after mild weeks makes up to three. */
    risenFactor: 4,
    /** Longer than a house that was cold takes to be warm again. */
    risenHours: 18,
    risenArmAfterDays: 7,
    /** Steps of the register in an interval: with fewer of them everything looks steady. */
    quantaMin: 20,
    /** Shorter intervals are put together: within one burn of a boiler everything is steady. */
    intervalMinutesMin: 50,
    /** In a longer interval a pause can hide. */
    intervalMinutesMax: 75,
  },
  R6: {
    /** The slowest leak to be found, as far as the quantum allows. */
    leakFloorLitresPerHour: 1,
    /** 60 minutes without a pulse prove a tight house (Japan). */
    windowHoursMin: 1,
    /**
     * A tight house that cooks from morning to evening has a night of hours to show, not more: with a longer
     * window every 10 l pulse meter would alarm. The detection floor rises instead, and is stated.
     */
    windowHoursMax: 6,
    /** 10 days = the 240 h of the Chinese cut-off block (gas-domain 2.3); 30 days as in Japan. */
    warnAfterDays: 10,
    alarmAfterDays: 30,
    /** Hourly values with the jitter of a real clock are fine; else a quarter of the window is. */
    fineIntervalMinutesMin: 75,
    fineWindowShare: 0.25,
    /** Time that proves nothing, as a share of the whole. */
    unseenShareMax: 0.2,
    /** More than this in an interval is use, behind which a pause can hide: a heated house in winter has none. */
    microQminFactor: 2,
  },
  R7: {
    /** A bakery works at night. */
    siteClasses: ["household"],
    /** 01:00 to 05:00 by the wall clock; China has one time and no summer time. */
    fromHour: 1,
    toHour: 5,
    utcOffsetHours: 8,
    nights: 7,
    /** Nights in a row that nobody saw. */
    unseenNightsMax: 3,
    seenHoursMin: 3,
    /** A leak is flat through the night and from night to night; heating follows the weather. */
    flatShare: 0.1,
    intervalMinutesMax: 75,
  },
  /** One lower value may be a damaged frame whose checksum happens to fit. */
  R8: { agreeing: 2 },
  /** One quantum may have been nearly full when the valve closed. gas-domain 2.5. */
  R9: { passedQuanta: 2 },
  /** Our proposal for a 3.6 V lithium cell (gas-domain 2.5); packs differ by type. */
  R10: {
    lowPct: 20,
    criticalPct: 10,
    hysteresisPct: 5,
    lowMv: 3_300,
    criticalMv: 3_100,
    hysteresisMv: 100,
  },
  R12: {
    /** A report is missed when it is later than this share of the period, at most an hour. */
    graceShare: 0.1,
    graceMinutesMax: 60,
    /** One missed report is nobody's alarm (gas-domain 2.5, trap 24). */
    missedForLevel1: 2,
    missedForLevel2: 3,
    silentDaysForLevel2: 3,
  },
  R13: {
    /** Others have pressures of their own, which a rule document must name. */
    siteClasses: ["household", "commercial"],
    /** A network of 2 kPa: appliances work down to about 0.8 and up to 3.5 [GK]; at 0.3 Japanese meters close. */
    lowKpa: 0.8,
    veryLowKpa: 0.3,
    highKpa: 3.5,
    veryHighKpa: 5,
    hysteresisKpa: 0.1,
    /** Above this the value is absolute, or of another network. */
    gaugeKpaMax: 50,
  },
  R14: { firstDays: 30, secondDays: 90 },
  /** By the wall clock of the place: China has one time. */
  R17: { firstDays: 30, secondDays: 7, utcOffsetHours: 8 },
  /** One heartbeat may be lost. */
  R18: { periodsMax: 2 },
  /** Two days are time to go there (gas-domain 2.5, R12); of a short setting no more than half is warning. */
  R21: { daysLeftForLevel1: 3, daysLeftForLevel2: 2, shareLeftForLevel2: 0.5 },
  /** One wrong time may be a restart that the next uplink has already mended. */
  R16: { agreeing: 2, rightAfterHours: 50 },
};
