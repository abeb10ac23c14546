/**
 * R18: a gas detector of a restaurant or shop that has missed its heartbeats: nobody there would be warned (clause
 * 6.2.4). By our clock alone, and sooner than a meter's silence: a detector is there to be heard.
 */
import type { Tuning } from "./tuning.ts";
import type { Silence } from "./noContact.ts";

/** Both instants are by our clock; `reportEveryMs` is the period of its heartbeat. */
export function detectorSilent(
  tuning: Tuning["R18"],
  reportEveryMs: number,
  lastReceivedAtMs: number,
  nowMs: number,
): Silence {
  const silentMs = Math.max(0, nowMs - lastReceivedAtMs);
  const limitMs = tuning.periodsMax * reportEveryMs;
  return {
    level: silentMs > limitMs ? 1 : 0,
    beganMs: lastReceivedAtMs + limitMs,
    proof: { silentMs, reportEveryMs },
  };
}
