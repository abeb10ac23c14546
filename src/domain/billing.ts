/** What bills are made from: registers at instants, and what persons decided about them. */
import type { MeterSize } from "./meter.ts";
import type { Quality, Reading } from "./reading.ts";

/** As much of a reading as a bill looks at. */
export type RegisterReading = Pick<
  Reading,
  "measuredAtMs" | "receivedAtMs" | "indexMl" | "quality" | "flags"
>;

/** What a register of a meter can show and pass; of the meter that hangs there or of one before it. */
export interface RegisterKind {
  readonly size: MeterSize;
  readonly quantumMl: number;
  readonly registerRangeMl: number;
}

/** Another meter took the place of one: a new segment begins. */
export interface MeterExchange {
  readonly atMs: number;
  /** What the former register showed when it was taken down. */
  readonly closingMl: number;
  /** What the new register showed when it was put up. */
  readonly openingMl: number;
  readonly formerSerial: string | null;
  readonly serial: string | null;
  /** Of the former meter. */
  readonly former: RegisterKind;
  readonly reason: string;
  readonly by: string;
  readonly enteredAtMs: number;
}

/** A person's word on a register at an instant: one of its versions is right, or another value is. */
export interface RegisterDecision {
  readonly measuredAtMs: number;
  readonly indexMl: number;
  readonly kind: "validated" | "edited";
  readonly reason: string;
  readonly by: string;
  readonly enteredAtMs: number;
}

export const registerMethods = ["exact", "last-before", "interpolated", "estimated"] as const;
export type RegisterMethod = (typeof registerMethods)[number];

/**
 * `unmoved`: nothing flowed, so the register is known. `held`: the meter showed one or two quanta less, which is no
 * consumption.
 */
export const estimateMethods = ["unmoved", "held", "line", "same-weekday", "long-line"] as const;
export type EstimateMethod = (typeof estimateMethods)[number];

/** Between which registers an instant lies, and how the value between them was found. */
export interface EstimateInputs {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fromIndexMl: number;
  readonly toIndexMl: number;
  readonly passedMl: number;
  readonly by: EstimateMethod;
  /** Weeks of the meter's own history that gave the shape. */
  readonly weeks: number;
}

/** A register at an instant, and how it was obtained. */
export interface InstantRegister {
  readonly atMs: number;
  readonly indexMl: number;
  /** When the register behind it was read; of an estimate, the one before the gap. */
  readonly measuredAtMs: number;
  readonly quality: Quality;
  readonly method: RegisterMethod;
  /** Only where the instant lies between two registers. */
  readonly inputs: EstimateInputs | null;
}

/** What stands beside a volume: why it is not plain, by a stable word. */
export const billingFlags = [
  "no-register",
  "no-opening",
  "closing-not-reached",
  "awaiting-meter",
  "opening-estimated",
  "closing-estimated",
  "opening-conflict",
  "closing-conflict",
  "conflict",
  "capacity",
  "register-back",
  "register-zero",
  "restarted",
  "jump",
  "resync",
  "negative",
  "rollover",
  "rollover-unseen",
  "exchange",
  "exchange-mismatch",
  "edited",
  "edited-below",
  "other-meter",
  "base-estimated",
  "base-incomplete",
  "clock",
  "gap",
  "spike",
  "high-use",
  "low-use",
  "zero-use",
] as const;
export type BillingFlag = (typeof billingFlags)[number];

/** An instant, or the gas day that begins on a local date (days since 1970-01-01). */
export type BillingInstant = { readonly atMs: number } | { readonly day: number };

/** A stretch of a period on one register of one meter. */
export interface VolumeSegment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly openingMl: number;
  readonly closingMl: number;
  readonly volumeMl: number;
  /** How often the register went round. */
  readonly rollovers: number;
  readonly serial: string | null;
}

/** What a volume is converted to base conditions by. Pressures are absolute. */
export interface Conversion {
  readonly gasPressurePa: number;
  readonly gasTemperatureCentiK: number;
  readonly basePressurePa: number;
  readonly baseTemperatureCentiK: number;
  /** Z_b/Z_m, the ratio of the compressibility factors, in millionths. */
  readonly compressibilityMillionths: number;
  /** How the ratio was found: a standard's name, or "fixed". */
  readonly method: string;
}

/** The conversion of a meter from an instant on. */
export interface MeterConversion extends Conversion {
  readonly fromMs: number;
  readonly reason: string;
  readonly by: string;
  readonly enteredAtMs: number;
}

/** A stretch with one conversion; both volumes, and what made the one of the other. */
export interface BasePart {
  readonly fromMs: number;
  readonly toMs: number;
  readonly rawMl: number;
  readonly volumeMl: number;
  readonly factorMillionths: number;
  readonly conversion: Conversion;
}

/** The volume of a period at base conditions, beside the raw one. */
export interface BaseVolume {
  /** null: for a part of the period there is no conversion. */
  readonly volumeMl: number | null;
  readonly parts: readonly BasePart[];
  /** Where one conversion follows another the register was not read. */
  readonly isEstimated: boolean;
}

/** What passed a metering point in a period, with everything that a bill must be able to prove. */
export interface Consumption {
  readonly meterId: string;
  readonly area: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly opening: InstantRegister | null;
  readonly closing: InstantRegister | null;
  /** null: it cannot be said. */
  readonly volumeMl: number | null;
  readonly segments: readonly VolumeSegment[];
  /** null: this meter's volume is not converted. */
  readonly base: BaseVolume | null;
  readonly quality: Quality;
  /** Share of the period whose volume was estimated, in millionths. */
  readonly estimatedMillionths: number;
  /** Instants with different registers that no person has settled. */
  readonly openConflicts: number;
  readonly flags: readonly BillingFlag[];
  /** `review`: a person should look before it is billed. */
  readonly standing: "ready" | "review";
}

/** A determinant with the hash that proves what billing was given. */
export interface Determinant extends Consumption {
  /** SHA-256 of its canonical text, hexadecimal. */
  readonly hash: string;
}

/** A determinant that a bill was made with; it never changes. */
export interface FrozenDeterminant {
  readonly id: number;
  readonly bill: string;
  readonly determinant: Determinant;
  readonly by: string;
  readonly frozenAtMs: number;
  readonly adjustments: readonly Adjustment[];
}

/** What better data changes a bill by. */
export interface Adjustment {
  readonly id: number;
  readonly volumeMl: number;
  /** Of the volume at base conditions, from nothing where there was none; null: there is none now. */
  readonly baseVolumeMl: number | null;
  /** Of the determinant as it is known now. */
  readonly hash: string;
  readonly reason: string;
  readonly by: string;
  readonly madeAtMs: number;
}

export const freezeOutcomes = [
  "frozen",
  "already-frozen",
  "review",
  "no-volume",
  "other-period",
  "overlaps",
] as const;

/** What became of one meter's row when a bill was made. */
export interface FreezeOutcome {
  readonly meterId: string;
  readonly outcome: (typeof freezeOutcomes)[number];
  readonly flags: readonly BillingFlag[];
  /** The bill that has this stretch already, where it is another one. */
  readonly otherBill: string | null;
}

/** What became of one meter's row when a bill was compared with what is known now. */
export interface AdjustOutcome {
  readonly meterId: string;
  readonly outcome: "unchanged" | "adjusted" | "review" | "not-frozen";
  /** The difference; 0 where there is none. */
  readonly volumeMl: number;
  /** The same at base conditions; null: not converted. */
  readonly baseVolumeMl: number | null;
}

export const gapStates = ["requested", "filled", "unanswered"] as const;

/** A register that nobody read at its instant: `unanswered`: the meter's memory did not give it, so it is estimated. */
export interface RegisterGap {
  readonly atMs: number;
  readonly state: (typeof gapStates)[number];
  /** Orders so far. */
  readonly attempts: number;
  readonly commandId: string | null;
  /** How the last order ended; a stable word. */
  readonly detail: string | null;
  readonly openedAtMs: number;
  readonly settledAtMs: number | null;
}
