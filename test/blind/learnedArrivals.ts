/** A ledger in which the real engine has learned what is usual around this time of day: three days in seconds. */
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { protocolByName } from "#protocols/registry.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

const slotMs = 10 * minuteMs;
const meters = 20;
/** An engine that has just started does not learn. */
const restMs = 2 * hourMs;

/** What is usual from forty minutes before to seventy behind this instant, on each of the last three days. */
export function learnArrivals(directory: string, nowMs: number, perSecond: number): void {
  // Slots begin at five past.
  const beginMs = Math.floor((nowMs - 3 * dayMs - restMs - hourMs) / slotMs) * slotMs - slotMs / 2;
  const inherited = { directory, nowMs: beginMs, idsUsed: 0 };
  const engine = new EngineUnderTest(protocolByName, inherited);
  for (let meter = 1; meter <= meters; meter += 1) engine.register(`LEARNED-${meter}`);
  const each = Math.round((perSecond * slotMs) / 1_000 / meters);
  for (; engine.nowMs <= nowMs - hourMs; engine.nowMs += slotMs) {
    const apartMs = (engine.nowMs - nowMs + 10 * dayMs) % dayMs;
    const isNear = apartMs < 7 * slotMs || apartMs > dayMs - 4 * slotMs;
    if (isNear && engine.nowMs < nowMs - 12 * hourMs) engine.uplinks(slotOf(engine.nowMs, each));
    else engine.process({});
  }
  engine.ledger.close();
}

function slotOf(nowMs: number, each: number) {
  return Array.from({ length: meters * each }, (_, place) => ({
    meterNo: 1 + (place % meters),
    bytes: jsonBytes({ measuredAt: nowMs - slotMs + place * 100, volumeM3: "1.000" }),
  }));
}
