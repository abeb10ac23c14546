/** What must not have happened to the others while some did not read. */
import type { FrozenReport, Window } from "./frozenRun.ts";

/** Generous, for a machine that others use too: a stall by a frozen reader shows as seconds. */
const frozenBounds = Object.freeze({
  /** Share of the uplinks a second before. */
  rateShareMin: 0.9,
  /** A p99 may grow to this multiple, or stay under the floor, whichever is more. */
  latencyFactorMax: 5,
  latencyMsFloor: 300,
  /** Two buffers of a follower, the ring of the feed, the memory of more meters and alarms. */
  rssGrowthMbMax: 400,
});

/** One line for each thing that is not as it should be. */
export function frozenFaults(
  report: FrozenReport,
  expected: { readonly mustCutChatty: boolean },
): readonly string[] {
  const { before, meanwhile, resumed } = report;
  const faults: string[] = [];
  const demand = (isSo: boolean, fault: string): void => {
    if (!isSo) faults.push(fault);
  };
  const share = meanwhile.uplinksPerSecond / before.uplinksPerSecond;
  demand(share >= frozenBounds.rateShareMin, `uplinks fell to ${share.toFixed(2)} of before`);
  for (const name of ["pubackMs", "leakToLiveMs", "orderToMeterMs"] as const) {
    const bound = latencyBound(before, name);
    const { p99 } = meanwhile[name];
    demand(p99 <= bound, `${name}: p99 is ${p99} ms, at most ${bound} was expected`);
  }
  const { leakToLiveMs, orderToMeterMs } = meanwhile;
  demand(leakToLiveMs.missed === 0, `${leakToLiveMs.missed} leaks were not heard of`);
  demand(orderToMeterMs.missed === 0, `${orderToMeterMs.missed} orders did not arrive`);
  const growthMb = report.rssPeakMb - before.rssMb;
  demand(growthMb <= frozenBounds.rssGrowthMbMax, `memory grew by ${growthMb} MB`);
  demand(report.cutFollowers === 2, `${report.cutFollowers} of 2 frozen followers were cut`);
  demand(report.cutSilentMeterMs !== null, "the silent meter was not cut");
  if (expected.mustCutChatty) {
    demand(report.cutChattyMeterMs !== null, "the meter that talks and does not read was not cut");
  }
  demand(report.frozenOrder === "unknown", `the frozen meter's order is ${report.frozenOrder}`);
  for (const [carrier, { after, missed, repeated }] of Object.entries(resumed)) {
    demand(after > 0, `${carrier}: nothing came after the return`);
    demand(missed === 0, `${carrier}: ${missed} events missed`);
    demand(repeated === 0, `${carrier}: ${repeated} events repeated`);
  }
  demand(report.exitCode === 0, `SIGTERM ended with exit code ${report.exitCode}`);
  return faults;
}

function latencyBound(
  before: Window,
  name: "pubackMs" | "leakToLiveMs" | "orderToMeterMs",
): number {
  return Math.max(frozenBounds.latencyMsFloor, before[name].p99 * frozenBounds.latencyFactorMax);
}
