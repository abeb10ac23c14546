/** A utility's own thresholds as plain data: checked when the file was read, applied in this order, key by key. */

/** Thresholds of some rules; what is not named stays as it is. */
export type RuleThresholds = Readonly<
  Record<string, Readonly<Record<string, number | readonly string[] | undefined>> | undefined>
>;

type ByName = Readonly<Record<string, RuleThresholds | undefined>>;

export interface RuleDocument {
  /** Whoever wrote it counts its versions; every occurrence carries the one that was in force. */
  readonly version: string;
  readonly all: RuleThresholds;
  readonly sizes: ByName;
  readonly siteClasses: ByName;
  readonly areas: ByName;
  /** By meter id. */
  readonly meters: ByName;
}
