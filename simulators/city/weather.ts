/** The weather of a city on the Yangtze plain, hour by hour: a year's swing, days that hang together, cold nights. */
import { dayMs, hourMs } from "#domain/units.ts";
import { seededRng } from "../rng.ts";

const meanC = 17;
const yearSwingC = 12.5;
const daySwingC = 4;
/** The coldest day of the year, counted from the first of January. */
const coldestDay = 20;
/** What is left of a day's oddness on the next one. */
const memory = 0.7;
const oddnessC = 2.5;
const memoryDays = 10;

/** Outdoor temperature; the same for every site of a city. */
export function outdoorC(seed: number, localMs: number): number {
  const day = Math.floor(localMs / dayMs);
  const dayOfYear = (day + 10) % 365.25;
  const season = -Math.cos((2 * Math.PI * (dayOfYear - coldestDay)) / 365.25);
  const hour = (localMs % dayMs) / hourMs;
  const swing = -Math.cos((2 * Math.PI * (hour - 3)) / 24);
  let odd = 0;
  for (let back = memoryDays; back >= 0; back -= 1) {
    odd = memory * odd + seededRng(seed, 77, day - back).between(-oddnessC, oddnessC);
  }
  return meanC + yearSwingC * season + daySwingC * swing + odd;
}
