/**
 * Room that is taken from the disk in good times and given back in bad ones. Without it nothing could be stored
 * on a full disk: no alarm, no command, not even the alarm that the disk is full.
 */
import type { Clock } from "#ports/clock.ts";
import type { ReserveFile } from "#ports/trouble.ts";

export interface DiskReserveParts {
  readonly file: ReserveFile;
  /** 0: there is none, and nothing is ever refused for it. */
  readonly reserveBytes: number;
  readonly clock: Clock;
  /** Whether ordinary readings may enter; told before the reserve is released, and after it is whole again. */
  restrict(isOn: boolean): void;
}

/** Readings stop while half as much as the reserve is free beside it, so that what is on its way still fits. */
const floorShare = 0.5;
/** A disk at its edge opens the intake at most so often. */
const heldMsMin = 5_000;

export class DiskReserve {
  /** Bytes that are free while the intake is restricted; null: all is well. */
  restrictedFreeBytes: number | null = null;
  readonly #parts: DiskReserveParts;
  #sinceMs = 0;
  #looking: Promise<void> | null = null;

  constructor(parts: DiskReserveParts) {
    this.#parts = parts;
  }

  /** Looks at the disk and does what is due; a look that is under way is the look. */
  look(): Promise<void> {
    if (this.#parts.reserveBytes === 0) return Promise.resolve();
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { file, reserveBytes, clock } = this.#parts;
    const floorBytes = reserveBytes * floorShare;
    const disk = await file.measure();
    // A disk that cannot be asked says nothing about its room.
    if (disk === null) return;
    const roomBytes = disk.freeBytes + disk.heldBytes;
    const isRestricted = this.restrictedFreeBytes !== null;
    if (roomBytes < reserveBytes + floorBytes) {
      if (!isRestricted) this.#sinceMs = clock.monotonicMs();
      this.#restrict(roomBytes);
      await file.release();
      return;
    }
    if (isRestricted) {
      const isEnough = roomBytes >= reserveBytes + 2 * floorBytes;
      const isLongEnough = clock.monotonicMs() - this.#sinceMs >= heldMsMin;
      this.#restrict(roomBytes);
      if (!isEnough || !isLongEnough) return;
    }
    const isWhole = disk.heldBytes === reserveBytes || (await file.make(reserveBytes));
    if (isWhole && isRestricted) this.#open();
  }

  #restrict(freeBytes: number): void {
    this.restrictedFreeBytes = freeBytes;
    this.#parts.restrict(true);
  }

  #open(): void {
    this.restrictedFreeBytes = null;
    this.#parts.restrict(false);
  }
}
