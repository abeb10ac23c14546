/** The metering point's device as the registry knows it. */
import type { MeterId } from "./ids.ts";

export const protocolNames = [
  "json",
  "protobuf",
  "cjt188",
  "cat1",
  "mbus",
  "wmbus",
  "dsmr",
  "dlms",
  "lwm2m",
  "sparkplug",
] as const;
export type ProtocolName = (typeof protocolNames)[number];

export function isProtocolName(text: string): text is ProtocolName {
  return (protocolNames as readonly string[]).includes(text);
}

interface SizeLimits {
  readonly qmaxMlPerHour: number;
  readonly qminMlPerHour: number;
}

/** EN 1359 sizes (the GB/T 6968 series is the same): largest and smallest flow. gas-domain 2.1. */
export const meterSizes = {
  "G1.6": { qmaxMlPerHour: 2_500_000, qminMlPerHour: 16_000 },
  "G2.5": { qmaxMlPerHour: 4_000_000, qminMlPerHour: 25_000 },
  G4: { qmaxMlPerHour: 6_000_000, qminMlPerHour: 40_000 },
  G6: { qmaxMlPerHour: 10_000_000, qminMlPerHour: 60_000 },
  G10: { qmaxMlPerHour: 16_000_000, qminMlPerHour: 100_000 },
  G16: { qmaxMlPerHour: 25_000_000, qminMlPerHour: 160_000 },
  G25: { qmaxMlPerHour: 40_000_000, qminMlPerHour: 250_000 },
} as const satisfies Record<string, SizeLimits>;

export type MeterSize = keyof typeof meterSizes;
export const meterSizeNames = Object.keys(meterSizes) as readonly MeterSize[];

export const siteClasses = ["household", "commercial", "industry", "public"] as const;
export type SiteClass = (typeof siteClasses)[number];

/** Only an `active` meter raises alarms; `pending` is not installed yet. Clause 6.1.1. */
export const lifecycleStates = ["pending", "active", "maintenance", "closed"] as const;
export type LifecycleState = (typeof lifecycleStates)[number];

/** Longitude and latitude in degrees, in the coordinate system they were given in. */
export interface Position {
  readonly longitude: number;
  readonly latitude: number;
  readonly crs: "WGS84" | "GCJ02" | "BD09";
}

/** A `detector` of gas at a restaurant or shop is watched like a meter, by its heartbeat. Clause 6.2.4. */
export const meterKinds = ["meter", "detector"] as const;
export type MeterKind = (typeof meterKinds)[number];

export interface Meter {
  /** Row number in the ledger; short, stable, never shown. */
  readonly no: number;
  readonly id: MeterId;
  readonly size: MeterSize;
  readonly protocol: ProtocolName;
  /** The smallest volume the register can show. */
  readonly quantumMl: number;
  /** The register starts again at zero here: 100,000 m³ unless the registry says otherwise. */
  readonly registerRangeMl: number;
  readonly area: string;
  readonly siteClass: SiteClass;
  readonly position: Position | null;
  /** Postal address: personal data, never in a log, a metric or a topic. */
  readonly address: string | null;
  /** Burns here day and night by a fitter's word: a pilot light, millilitres an hour; 0: none. */
  readonly pilotMlPerHour: number;
  /** Hospital, boiler house, industry: never closed automatically. */
  readonly critical: boolean;
  /** The address inside the meter's frames, where the protocol has one (CJ/T 188: 14 digits). */
  readonly frameAddress: string | null;
  /** The name under which a platform or radio network carries the meter: IMEI, devEUI; lower case. */
  readonly carrierAddress: string | null;
  /** The model's profile: dialect, status map, clock; null: the standard as it is. */
  readonly profile: string | null;
  readonly kind: MeterKind;
  /** It shuts its valve by itself after so many days in which no uplink was taken; null: not that anybody said. */
  readonly selfClosesAfterDays: number | null;
  /** Days of the calendar, `2027-02-28`: when it must be verified, and when it must be replaced. */
  readonly verificationDueOn: string | null;
  readonly retirementDueOn: string | null;
  /** How often the meter is expected to report. */
  readonly reportEveryMs: number;
  readonly lifecycle: LifecycleState;
  /** Counts changes; the ETag. */
  readonly version: number;
}

/** A new meter as the registry takes it; the rest has defaults. */
export type MeterDraft = Omit<Meter, "no" | "version">;

export function sizeLimits(size: MeterSize): SizeLimits {
  return meterSizes[size];
}

const numberedAddress = /^\d{14}$/;

/**
 * CJ/T 188 and CAT-1 address a meter by 14 digits; behind an edge node it has the name in the node's topics, which is
 * its carrier address or its id; the others by a text of their own shape.
 */
export function isFrameAddress(protocol: ProtocolName, address: string): boolean {
  if (protocol === "sparkplug") return false;
  const isNumbered = protocol === "cjt188" || protocol === "cat1";
  return !isNumbered || numberedAddress.test(address);
}
