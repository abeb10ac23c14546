/** Closing many valves by hand, in stages: each stage must succeed before the next one begins. */
import type { Approval } from "./command.ts";
import type { CommandId } from "./ids.ts";
import type { TimestampMs } from "./units.ts";

export const campaignStates = [
  /** Waits for the second person. */
  "requested",
  "running",
  /** Too many of a stage failed: nothing more is ordered. */
  "halted",
  /** A person ended it. */
  "stopped",
  /** Nobody approved it in time. */
  "expired",
  "done",
] as const;
export type CampaignState = (typeof campaignStates)[number];

export interface CampaignStage {
  readonly commandIds: readonly CommandId[];
  /** Known once every command of the stage has ended, or too many have failed. */
  readonly failures: number | null;
}

export interface Campaign {
  readonly id: string;
  readonly meterNos: readonly number[];
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAtMs: TimestampMs;
  /** How long each command may wait for its meter. */
  readonly commandExpiresInMs: number;
  readonly approvals: readonly Approval[];
  readonly state: CampaignState;
  readonly stages: readonly CampaignStage[];
}

/** For readers; the meters are named by their commands. */
export function publicCampaign(campaign: Campaign) {
  const { id, state, reason, requestedBy, requestedAtMs, meterNos, stages, approvals } = campaign;
  return {
    id,
    state,
    reason,
    requestedBy,
    requestedAt: new Date(requestedAtMs).toISOString(),
    approvals: approvals.map(({ by, role, atMs }) => ({
      by,
      role: role as string,
      at: new Date(atMs).toISOString(),
    })),
    meters: meterNos.length,
    ordered: stages.reduce((sum, { commandIds }) => sum + commandIds.length, 0),
    stages: stages.map(({ commandIds, failures }) => ({
      commands: commandIds.map((commandId) => commandId as string),
      failures,
    })),
  };
}
