/**
 * The store of readings as its users see it: every version of every reading, its registers at an instant, and what a
 * day came to.
 */
import type { Quality, StoredReading } from "#domain/reading.ts";
import type { TimestampMs } from "#domain/units.ts";

/** What a stored value is worth; `billed`: a bill was made with it. */
export type StoredQuality = Quality | "billed";

/** One version of a reading. */
export interface ReadingVersion extends Omit<StoredReading, "quality" | "seq" | "uplinkSeq"> {
  readonly quality: StoredQuality;
  /** Number of the reason why this version was made; null: it is what the meter said. */
  readonly reasonNo: number | null;
  readonly seq: number | null;
  readonly uplinkSeq: number | null;
  /** The same reading (its `seq`) judged again or completed: the highest is in force. null: as it came. */
  readonly revision: number | null;
  readonly revisedAtMs: TimestampMs | null;
}

/** All versions of one meter's reading at one time. */
export interface VersionedReading {
  /** The one that counts, by rank: billed, edited, validated, raw, estimated, suspect. Never one revised since. */
  readonly counts: ReadingVersion;
  readonly others: readonly ReadingVersion[];
  /** Versions with different registers that no person has settled. */
  readonly conflict: boolean;
}

export type ReadingColumn = keyof ReadingVersion;

/** Readings as columns of numbers (words by their code, NaN: missing). Columns may be left out, but the first two. */
export interface ReadingColumns {
  readonly count: number;
  readonly columns: Readonly<Partial<Record<ReadingColumn, Float64Array>>>;
}

/** Each meter's register at one instant, by meter number. */
export interface Registers {
  readonly meterNo: Float64Array;
  /** When the register was read: the last time that is not after the instant. */
  readonly measuredAtMs: Float64Array;
  readonly indexMl: Float64Array;
  /** Codes of `storedQualities`. */
  readonly quality: Float64Array;
  readonly conflict: Float64Array;
  /** Damaged places that may hold newer registers of some meters. */
  readonly damage: readonly DamagedPlace[];
}

/** Readings of one meter, and the damaged places that may hold more of them. */
export interface MeterReadings {
  readonly readings: readonly VersionedReading[];
  readonly damage: readonly DamagedPlace[];
}

/** One meter's gas day. */
export interface DayUse {
  readonly day: number;
  readonly meterNo: number;
  /** null: a register is missing at one end. */
  readonly volumeMl: number | null;
  readonly peakFlowMlPerHour: number | null;
  readonly readings: number;
}

/** Gas days, and the damaged places that may hold more of them. */
export interface DayUses {
  readonly uses: readonly DayUse[];
  readonly damage: readonly DamagedPlace[];
}

/** What the roll-up of a gas day holds of one meter; a meter that said nothing has its last register in it. */
export interface DayRollUp {
  readonly meterNo: number;
  readonly openingIndexMl: number | null;
  readonly closingIndexMl: number | null;
  readonly closingQuality: StoredQuality | null;
  readonly hasConflict: boolean;
  readonly volumeMl: number | null;
  readonly peakFlowMlPerHour: number | null;
  readonly nightFlowMlPerHour: number | null;
  readonly readings: number;
  readonly batteryMv: number | null;
  readonly temperatureCentiC: number | null;
}

/**
 * A part of a roll-up, and how many roll-ups wait with it; a day that is made again gets a new, higher number. `fileNo`
 * null: there is none.
 */
export type RollUpPart<Row = DayRollUp> =
  | { readonly fileNo: null; readonly waiting: 0 }
  | {
      readonly fileNo: number;
      readonly waiting: number;
      readonly day: number;
      readonly fromMs: number;
      readonly rows: readonly Row[];
      readonly isLast: boolean;
    };

/** A meter's highest flow, and when it was reported. */
export interface FlowPeak {
  readonly meterNo: number;
  readonly measuredAtMs: number;
  readonly peakFlowMlPerHour: number;
}

/** Highest flows, and the damaged places that may hold higher ones. */
export interface FlowPeaks {
  readonly peaks: readonly FlowPeak[];
  readonly damage: readonly DamagedPlace[];
}

export type ReadingFault = {
  readonly kind:
    | "truncated"
    | "trailingBytes"
    | "unexpectedValue"
    | "outOfRange"
    | "checksumMismatch"
    | "overLimit"
    | "missing";
  readonly what: string;
};

/** One place of one file that cannot be believed; everything else of the file is still served. */
export interface DamagedPlace {
  readonly file: string;
  /** Number of the chunk; null when it is the file, its header or its footer. */
  readonly chunk: number | null;
  readonly fault: ReadingFault;
}

export interface ReadingStore {
  /**
   * Within the caller's open transaction; nothing is served of it before `committed`, and until then the columns
   * stay as they are.
   */
  append(batch: ReadingColumns): void;
  committed(): void;
  rolledBack(): void;

  /** A meter's newest reading by measured time, or none. */
  last(meterNo: number): MeterReadings;
  /** In time order; from exclusive, to inclusive. */
  range(meterNo: number, fromMs: number, toMs: number): MeterReadings;
  /** Every meter's register at the instant. */
  registersAt(atMs: number): Registers;
  /** Gas days of the meters, from the roll-ups; both days inclusive. */
  dayUse(meterNos: readonly number[], fromDay: number, toDay: number): DayUses;
  /** The meters with the highest flow of a gas day, the highest first. */
  peakFlows(day: number, count: number): DayUses;
  /** The same in any span, from exclusive, to inclusive: only flows that meters reported themselves. */
  peakFlowsWithin(fromMs: number, toMs: number, count: number): FlowPeaks;
  /** What reads have found damaged since the store was opened. */
  damage(): readonly DamagedPlace[];
}
