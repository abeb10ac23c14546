/** What of the intake still enters while the disk is nearly full, and where the rest waits for its refusal. */
import type { Committed, Uplink } from "#ports/intake.ts";

/** Meters to which a command left, remembered because their answers must come in whatever the disk says. */
const expectedMax = 10_000;

export interface ArrivedUplink {
  readonly uplink: Uplink;
  /** Its place in the order of arrival. */
  readonly arrival: number;
  readonly committed: Committed;
}

/**
 * A refusal ends the sender's session, and with it everything behind the refused frame. So a frame waits a moment
 * before it is refused: an alarm behind it gets through, and takes along what waits of the same meter.
 */
export class RestrictedIntake {
  isOn = false;
  readonly #expected = new Set<number>();
  #young: ArrivedUplink[] = [];
  #old: ArrivedUplink[] = [];

  /** A command left for this meter. */
  expect(meterNo: number): void {
    this.#expected.delete(meterNo);
    this.#expected.add(meterNo);
    if (this.#expected.size <= expectedMax) return;
    for (const oldest of this.#expected) {
      this.#expected.delete(oldest);
      return;
    }
  }

  /** Only what may be an alarm or the answer to a command. */
  admits(meterNo: number | null, isUrgent: boolean): boolean {
    return !this.isOn || isUrgent || (meterNo !== null && this.#expected.has(meterNo));
  }

  park(arrived: ArrivedUplink): void {
    this.#young.push(arrived);
  }

  /** What waits of a meter whose alarm came: it is let in before it, in its order. */
  release(isTheirs: (uplink: Uplink) => boolean): readonly ArrivedUplink[] {
    const waiting = [...this.#old, ...this.#young];
    const theirs = waiting.filter(({ uplink }) => isTheirs(uplink));
    if (theirs.length === 0) return [];
    const isOther = ({ uplink }: ArrivedUplink) => !isTheirs(uplink);
    this.#old = this.#old.filter(isOther);
    this.#young = this.#young.filter(isOther);
    return theirs;
  }

  /** Whoever has waited since the last call but one turn is to be refused now. */
  due(): readonly ArrivedUplink[] {
    const due = this.#old;
    this.#old = this.#young;
    this.#young = [];
    return due;
  }

  /** All that waits, when the intake is open again or ends. */
  all(): readonly ArrivedUplink[] {
    return [...this.due(), ...this.due()];
  }
}
