/**
 * Reads for billing, answered by a worker of their own: a run over a million meters keeps nobody else waiting.
 * Names are messages, arguments and results plain data.
 */
import type {
  BillingFlag,
  BillingInstant,
  Determinant,
  FrozenDeterminant,
  InstantRegister,
  MeterConversion,
  MeterExchange,
  RegisterDecision,
  RegisterGap,
} from "#domain/billing.ts";
import type { StoredReading } from "#domain/reading.ts";
import type { Page } from "./queries.ts";
import type { DamagedPlace } from "./readingStore.ts";

/** One meter's register at an instant. */
export interface MeterRegister {
  readonly meterId: string;
  readonly register: InstantRegister;
}

/** What a meter's registers are put together with, beside its readings. */
export interface RegisterRecord {
  readonly exchanges: readonly MeterExchange[];
  /** In the order in which they were made. */
  readonly decisions: readonly RegisterDecision[];
  /** In the order of their beginnings, the newest of one instant last. */
  readonly conversions: readonly MeterConversion[];
  /** Registers that bills were made with, by instant: [time, millilitres]. */
  readonly billed: readonly (readonly [number, number])[];
}

/** An instant with different registers that no person has settled. */
export interface OpenConflict {
  readonly meterId: string;
  readonly area: string;
  readonly measuredAtMs: number;
  readonly foundAtMs: number;
}

/** The same with all that was said of it. */
export interface ShownConflict extends OpenConflict {
  readonly versions: readonly StoredReading[];
}

/** A register at a boundary that nobody read, or that has come since it was asked for. */
export interface MissingRegister {
  readonly meterId: string;
  readonly atMs: number;
  readonly isFilled: boolean;
}

/** One finding of a named check, and the instant that it is about. */
export interface CheckFinding {
  readonly check: BillingFlag;
  readonly atMs: number;
}

export interface BillingQueries {
  /** What this worker's reads have met that cannot be read. */
  readingDamage(): Promise<readonly DamagedPlace[]>;
  /** null: no such meter, or nothing is known at or before the instant. */
  billingRegister(meterId: string, when: BillingInstant): Promise<MeterRegister | null>;
  /** Cut-off for all meters, a page at a time in id order; meters without a register are left out. */
  billingRegisters(
    when: BillingInstant,
    area: string | null,
    after: string | null,
    limit: number,
  ): Promise<Page<MeterRegister>>;
  /** What passed each meter, in id order; every meter has its row. */
  consumption(
    from: BillingInstant,
    to: BillingInstant,
    area: string | null,
    after: string | null,
    limit: number,
  ): Promise<Page<Determinant>>;
  /** null: no such meter. */
  meterConsumption(
    meterId: string,
    from: BillingInstant,
    to: BillingInstant,
  ): Promise<Determinant | null>;
  /** Every finding of the checks in a period; null: no such meter. */
  checks(
    meterId: string,
    from: BillingInstant,
    to: BillingInstant,
  ): Promise<readonly CheckFinding[] | null>;
  /** null: no such meter. */
  registerRecord(meterId: string): Promise<RegisterRecord | null>;
  /** What a bill was made with, in the order in which it was frozen. */
  frozen(bill: string, cursor: string | null, limit: number): Promise<Page<FrozenDeterminant>>;
  /** The same periods as they are known now, in the same order. */
  refreshed(bill: string, cursor: string | null, limit: number): Promise<Page<Determinant>>;
  /** Steps that are due for registers at the last gas-day boundaries, a page of meters at a time. */
  missingRegisters(
    nowMs: number,
    cursor: string | null,
    limit: number,
  ): Promise<Page<MissingRegister>>;
  /** What was asked of a meter's memory; null: no such meter. */
  gaps(meterId: string): Promise<readonly RegisterGap[] | null>;
  /** The oldest instant first. */
  conflicts(
    area: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<Page<ShownConflict>>;
}
