/** Stages of a campaign: how large, when the next begins, and when nothing more is ordered. */
import { expect, test } from "vitest";
import type { Campaign } from "#domain/campaign.ts";
import type { Command, CommandState } from "#domain/command.ts";
import { commandId } from "#domain/ids.ts";
import { nextMove } from "#valves/campaign.ts";
import { aCommand, at } from "./kit.ts";

function campaignOf(meters: number, stages: readonly number[]): Campaign {
  return {
    id: "k-1",
    meterNos: Array.from({ length: meters }, (_, n) => n + 1),
    reason: "river over its banks",
    requestedBy: "anna",
    requestedAtMs: at(0),
    commandExpiresInMs: 3_600_000,
    approvals: [],
    state: "running",
    stages: stages.map((size) => ({
      commandIds: Array.from({ length: size }, (_, n) => commandId(`c-${n}`)),
      failures: null,
    })),
  };
}

function commandsOf(...groups: readonly (readonly [number, CommandState, string?])[]): Command[] {
  return groups.flatMap(([count, state, detail]) =>
    Array.from({ length: count }, () => aCommand(state, { detail: detail ?? null })),
  );
}

test("10, 50, 250, 1,250, and then what is left", () => {
  const stages: number[] = [];
  for (;;) {
    const done = commandsOf([stages.at(-1) ?? 0, "verified"]);
    const move = nextMove(campaignOf(1_600, stages), done);
    if (move.kind !== "order") {
      expect(move.kind).toBe("finish");
      break;
    }
    stages.push(move.to - move.from);
  }
  expect(stages).toEqual([10, 50, 250, 1_250, 40]);
});

test.each<[string, readonly number[], Command[], string]>([
  ["nothing ordered yet", [], [], "order"],
  ["still on its way", [10], commandsOf([9, "verified"], [1, "queued"]), "wait"],
  ["all shut", [10], commandsOf([10, "verified"]), "order"],
  ["one in ten failed", [10], commandsOf([9, "verified"], [1, "failed"]), "halt"],
  [
    "one in ten was shut already",
    [10],
    commandsOf([9, "verified"], [1, "refused", "already-closed"]),
    "order",
  ],
  ["one in ten refused", [10], commandsOf([9, "verified"], [1, "refused", "battery-weak"]), "halt"],
  ["2 of 50 failed", [10, 50], commandsOf([48, "verified"], [2, "expired"]), "order"],
  ["3 of 50 failed", [10, 50], commandsOf([47, "verified"], [3, "passing"]), "halt"],
  [
    "3 of 50 failed and the rest is on its way",
    [10, 50],
    commandsOf([47, "sent"], [3, "failed"]),
    "halt",
  ],
])("%s", (_, stages, commands, expected) => {
  expect(nextMove(campaignOf(1_000, stages), commands).kind).toBe(expected);
});
