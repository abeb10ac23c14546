/** What a campaign does next: waits, orders the next stage, ends, or halts because too many valves did not close. */
import type { Campaign } from "#domain/campaign.ts";
import type { Command } from "#domain/command.ts";
import { isEnded } from "./commandTable.ts";

export const campaignLimits = Object.freeze({
  /** 10, 50, 250, …: what is wrong shows while it is small (faults-and-security 5). */
  firstStage: 10,
  stageFactor: 5,
  failureShareMax: 0.05,
  metersMax: 10_000,
});

export type CampaignMove =
  | { readonly kind: "wait" }
  /** Meters `from` up to, but not including, `to`. */
  | {
      readonly kind: "order";
      readonly from: number;
      readonly to: number;
      readonly failures: number;
    }
  | { readonly kind: "halt" | "finish"; readonly failures: number };

/** The commands of the newest stage, as they are now. */
export function nextMove(campaign: Campaign, commands: readonly Command[]): CampaignMove {
  const ordered = campaign.stages.reduce((sum, { commandIds }) => sum + commandIds.length, 0);
  const failures = commands.filter(hasFailed).length;
  if (failures > campaignLimits.failureShareMax * commands.length)
    return { kind: "halt", failures };
  if (commands.some(({ state }) => !isEnded(state))) return { kind: "wait" };
  if (ordered >= campaign.meterNos.length) return { kind: "finish", failures };
  const size = campaignLimits.firstStage * campaignLimits.stageFactor ** campaign.stages.length;
  const to = Math.min(campaign.meterNos.length, ordered + size);
  return { kind: "order", from: ordered, to, failures };
}

/** Ended, and the valve is not known to be shut; one that was shut already is no failure. */
function hasFailed({ state, detail }: Command): boolean {
  if (!isEnded(state) || state === "verified") return false;
  return detail !== "already-closed";
}
