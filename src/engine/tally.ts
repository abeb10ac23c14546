/** Counts of one batch, for the metrics. */
import type { QuarantineReason, UplinkOutcome } from "#domain/quarantine.ts";

/** Counts by two words. */
class PairCount {
  readonly #counts = new Map<string, Map<string, number>>();

  add(one: string, other: string): void {
    let inner = this.#counts.get(one);
    if (inner === undefined) this.#counts.set(one, (inner = new Map()));
    inner.set(other, (inner.get(other) ?? 0) + 1);
  }

  list<Row>(row: (one: string, other: string, count: number) => Row): readonly Row[] {
    const rows: Row[] = [];
    for (const [one, inner] of this.#counts) {
      for (const [other, count] of inner) rows.push(row(one, other, count));
    }
    return rows;
  }
}

/** What a batch did, counted as it goes. */
export class Tally {
  readings = 0;
  readonly #outcomes = new PairCount();
  readonly #quarantined = new PairCount();
  readonly #commands = new PairCount();

  outcome(protocol: string, outcome: UplinkOutcome): void {
    this.#outcomes.add(protocol, outcome);
  }

  quarantined(protocol: string, reason: QuarantineReason): void {
    this.#quarantined.add(protocol, reason);
  }

  command(action: string, outcome: string): void {
    this.#commands.add(action, outcome);
  }

  report() {
    return {
      outcomes: this.#outcomes.list((protocol, outcome, count) => ({ protocol, outcome, count })),
      quarantined: this.#quarantined.list((protocol, reason, count) => ({
        protocol,
        reason,
        count,
      })),
      commands: this.#commands.list((action, outcome, count) => ({ action, outcome, count })),
      readings: this.readings,
    };
  }
}
