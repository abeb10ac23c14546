/** A meter's mechanical truth: every millilitre that passed, and what the index shows of it. */
import { volumeMl } from "#domain/units.ts";
import type { VolumeRegister } from "#domain/telegram.ts";

const msPerHour = 3_600_000;
const mlPerM3Exponent = 6;

export class Register {
  #indexMl: number;
  /** Less than one millilitre, in ml/h × ms. */
  #carry = 0;

  constructor(startMl: number) {
    this.#indexMl = startMl;
  }

  /** Never rounded, never reset: the truth. */
  get indexMl(): number {
    return this.#indexMl;
  }

  /** Lets gas pass, in ml/h × ms. */
  pass(mlPerHourMs: number): void {
    const sum = this.#carry + mlPerHourMs;
    this.#carry = sum % msPerHour;
    this.#indexMl += (sum - this.#carry) / msPerHour;
  }

  /** What the index shows: whole quanta, starting again at the end of its range. */
  shown(quantumMl: number, rangeMl: number): VolumeRegister {
    const ml = Math.floor(this.#indexMl / quantumMl) * quantumMl;
    const shownMl = ml % rangeMl;
    const decade = Math.round(Math.log10(quantumMl));
    return {
      ml: volumeMl(shownMl),
      count: shownMl / 10 ** decade,
      exponent: decade - mlPerM3Exponent,
    };
  }
}
