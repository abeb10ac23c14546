/** Randomness as an argument. */
export interface Rng {
  bytes(length: number): Uint8Array;
  /** A version 7 UUID: unique, and sorted by the instant given. */
  uuidV7(nowMs: number): string;
}
