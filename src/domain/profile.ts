/** A meter model as data: what its frames and its clock are like, and what it can be told to do. */
import type { ProtocolName } from "./meter.ts";
import type { Dialect } from "./meterFile.ts";

/** What a model can be told to do; nothing that a profile does not list is sent to its meters. */
export const meterFunctions = ["valve", "clock", "history", "parameters"] as const;
export type MeterFunction = (typeof meterFunctions)[number];

export interface Profile {
  readonly id: string;
  /** Counts the changes of its file. */
  readonly version: number;
  readonly title: string;
  readonly protocol: ProtocolName;
  /**
   * Somebody has held its status map against the maker's document. Only then may a status bit close a valve by
   * itself; an alarm rings all the same.
   */
  readonly isConfirmed: boolean;
  /** The smallest volume its register shows, for meters that are registered without one. */
  readonly quantumMl: number | null;
  readonly functions: readonly MeterFunction[];
  /** Movements that its valve is made for; null: the maker does not say. */
  readonly actuationsRated: number | null;
  /** Its meters shut themselves after so many days without a successful upload; null: they do not, or nobody knows. */
  readonly selfClosesAfterDays: number | null;
  readonly dialect: Dialect;
}

/** The profiles in force, by id. */
export type Profiles = Readonly<Record<string, Profile>>;
