/** What happened and what was told, as lines of two files that know nothing of each other. */

/** One incident, or one thing that only looked like one (`rules` is empty). */
export interface TruthLine {
  readonly meterId: string;
  readonly area: string;
  readonly kind: string;
  readonly strength: string;
  readonly rules: readonly string[];
  readonly isFlagged: boolean;
  /** Told by the work list, not by a bell (clause 6.2.4). */
  readonly isListed: boolean;
  readonly isAboveFloor: boolean;
  /** False: no report that came in time shows it, because it was lost or the network had failed. */
  readonly isHeard: boolean;
  /** How often in a year among a million meters, by the catalogue. */
  readonly yearly: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** When a perfect observer of what the meter reports could know. */
  readonly earliestMs: number;
}

/** A network that failed: nobody in the area was heard meanwhile. */
export interface OutageLine {
  readonly area: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** One alarm as it stands in the ledger at the end. */
export interface AlarmLine {
  readonly meterId: string | null;
  /** The area, of an outage. */
  readonly subject: string | null;
  readonly rule: string;
  readonly priority: number;
  readonly level: number;
  /** False: made from late data, suppressed under another one, or only listed. */
  readonly rang: boolean;
  readonly listed: boolean;
  readonly raisedAtMs: number;
  readonly knownAtMs: number;
  /** Each time that an operator heard it. */
  readonly rangAtMs: readonly number[];
  /** Its condition holds at the end, and has since it last rang. */
  readonly stands: boolean;
}
