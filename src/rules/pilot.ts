/**
 * Pilot lights burn day and night and look like a leak of their size. A fitter registers them (as the pilot
 * registration of Japanese meters does, gas-domain 2.2), and R6 and R7 take them off what flowed. One that is not
 * registered is told as the leak that it may be.
 */
import { hourMs } from "#domain/units.ts";
import type { Interval, RuleSettings } from "./rule.ts";

/** A fitter reads a data plate, not the flow: so much more is still the pilot. */
const registeredWithin = 0.1;

/**
 * What flowed besides the registered pilot lights; below zero where the step of the register fell into another
 * interval, so that a sum over several is right.
 */
export function besidesPilot(
  { pilotMlPerHour }: RuleSettings,
  interval: Interval,
  untilMs: number,
): Interval {
  if (pilotMlPerHour === 0 && interval.consumedMl >= 0) return interval;
  const consumedMl = Math.max(0, interval.consumedMl);
  const pilotMl = ((1 + registeredWithin) * pilotMlPerHour * (untilMs - interval.fromMs)) / hourMs;
  return { ...interval, consumedMl: Math.round(consumedMl - pilotMl) };
}

/** A leak that a registered pilot light may hide. */
export function hiddenByPilotMlPerHour({ pilotMlPerHour }: RuleSettings): number {
  return 2 * registeredWithin * pilotMlPerHour;
}
