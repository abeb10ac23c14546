/** A district on paper: which meters, where, on what protocol. The same settings give the same district. */
import type { MeterSize, SiteClass } from "#domain/meter.ts";
import { hourMs, secondMs } from "#domain/units.ts";
import { simulatedProtocols } from "./codec.ts";
import type { MeterPlan } from "./meter.ts";
import { seededRng } from "./rng.ts";
import type { SeededRng } from "./rng.ts";

export interface DistrictSettings {
  readonly meters: number;
  readonly seed: number;
  readonly reportEveryMs?: number;
  readonly idPrefix?: string;
}

/** Shaoxing: the areas of the plan, by their centre. */
const centre = { longitude: 120.58, latitude: 30.01 };
const areas = ["binhai-1", "binhai-2", "binhai-3", "yuecheng-1", "yuecheng-2", "keqiao-1"] as const;
const areaSpacingDegrees = 0.03;
const areaRadiusDegrees = 0.012;

/** Of a hundred sites, so many; what their meters are. */
const mix: readonly {
  readonly siteClass: SiteClass;
  readonly perHundred: number;
  readonly sizes: readonly [MeterSize, ...MeterSize[]];
}[] = [
  { siteClass: "household", perHundred: 93, sizes: ["G1.6", "G2.5", "G4"] },
  { siteClass: "commercial", perHundred: 5, sizes: ["G6", "G10"] },
  { siteClass: "public", perHundred: 1, sizes: ["G10"] },
  { siteClass: "industry", perHundred: 1, sizes: ["G16", "G25"] },
];

/** Mechanical index with a 10 L pulse, or an electronic one that shows litres. */
const quanta = [10_000, 10_000, 1_000] as const;
const registerRangeMl = 1e11;
const startIndexMlMax = 4e9;
const motorSeconds = [3, 8] as const;
/** A valve with something under its seat: plain to see within minutes on a 10 L index. */
const passingMlPerHour = 300_000;

/** The meters on paper; the same settings give the same district. A third speaks each protocol. */
export function planDistrict(settings: DistrictSettings): readonly MeterPlan[] {
  const { meters, seed, reportEveryMs = hourMs, idPrefix = "M" } = settings;
  const digits = Math.max(4, String(meters).length);
  return Array.from({ length: meters }, (_, index) => {
    const rng = seededRng(seed, index);
    const { siteClass, sizes } = siteAt(rng.next() * 100);
    const protocol = simulatedProtocols[index % simulatedProtocols.length] ?? "json";
    const areaNo = index % areas.length;
    return {
      id: idPrefix + String(index + 1).padStart(digits, "0"),
      protocol,
      size: rng.pick(sizes),
      quantumMl: rng.pick(quanta),
      registerRangeMl,
      startIndexMl: rng.whole(0, startIndexMlMax),
      area: areas[areaNo] ?? areas[0],
      siteClass,
      ...positionIn(areaNo, rng),
      // Hospitals, schools, boiler houses and industry: nobody closes them without thinking.
      critical: siteClass === "public" || siteClass === "industry",
      frameAddress: protocol === "cjt188" ? frameAddressOf(seed, index) : null,
      reportEveryMs,
      valve: { kind: "obeys", motorMs: rng.whole(...motorSeconds) * secondMs, passingMlPerHour },
      seed: rng.whole(1, 0x7fff_ffff),
    };
  });
}

function siteAt(percent: number) {
  let left = percent;
  for (const site of mix) {
    left -= site.perHundred;
    if (left < 0) return site;
  }
  return mix[0] ?? { siteClass: "household" as const, sizes: ["G4"] as const };
}

function positionIn(areaNo: number, rng: SeededRng) {
  const column = (areaNo % 3) - 1;
  const row = Math.floor(areaNo / 3);
  const near = (degrees: number): number => {
    const exact = degrees + rng.between(-areaRadiusDegrees, areaRadiusDegrees);
    return Math.round(exact * 1e6) / 1e6;
  };
  return {
    longitude: near(centre.longitude + column * areaSpacingDegrees),
    latitude: near(centre.latitude + row * areaSpacingDegrees),
  };
}

/** 14 digits: four of a manufacturer, ten of a serial number. */
function frameAddressOf(seed: number, index: number): string {
  return `3306${String((seed % 10_000) * 1_000_000 + index + 1).padStart(10, "0")}`;
}
