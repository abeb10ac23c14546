/**
 * Reads for billing, answered by a worker of their own: a run over a million meters keeps nobody else waiting.
 * Names are messages, arguments and results plain data.
 */
import type { BillingInstant, Consumption, InstantRegister } from "#domain/billing.ts";
import type { Page } from "./queries.ts";

/** One meter's register at an instant. */
export interface MeterRegister {
  readonly meterId: string;
  readonly register: InstantRegister;
}

/** A determinant with the hash that proves what billing was given. */
export interface Determinant extends Consumption {
  /** SHA-256 of its canonical text, hexadecimal. */
  readonly hash: string;
}

export interface BillingQueries {
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
}
