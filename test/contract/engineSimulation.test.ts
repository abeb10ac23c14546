/**
 * A town lived through by chance, on a real ledger: restarts, full disks and all. After every batch the ledger must
 * be right; an engine that knows nothing but the ledger must go on exactly as the one that lived through it.
 */
import { commandActions } from "#domain/command.ts";
import { describe, expect, test } from "vitest";
import { uplinkOutcomes } from "#domain/quarantine.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Downlink } from "#ports/intake.ts";
import { decodeCjt188Request } from "#protocols/cjt188/requests.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { decodeProtobufCommand } from "#protocols/protobuf/command.ts";
import { EngineUnderTest, envelopeOf, packed } from "../support/engine.ts";
import { World, type Turn } from "../support/engineWorld.ts";
import { checkLedger, sizesOf } from "../support/ledgerInvariants.ts";
import { chanceOf, type Chance } from "../support/random.ts";

const turns = 100;
const seeds = Array.from({ length: 10 }, (_, place) => place + 1);

function run(engine: EngineUnderTest, turn: Turn): BatchReport {
  const asks = turn.asks.map((ask, askNo) => ({ askNo, envelope: envelopeOf(ask) }));
  const uplinks = turn.uplinks.length === 0 ? null : packed(turn.uplinks, engine.nowMs);
  return engine.process({ uplinks, notices: turn.notices, asks });
}

/** A report without what may differ between an engine and its twin: the time it took, and event numbers. */
function comparable(report: BatchReport): unknown {
  if (report.kind === "notCommitted") return report;
  const { commitSeconds: _commit, batchSeconds: _batch, ...counts } = report.counts;
  const events = report.events.map(({ json }) => {
    const { seq: _seq, ...event } = JSON.parse(json) as Readonly<Record<string, unknown>>;
    return event;
  });
  return { ...report, counts, events };
}

/** Whatever leaves for a meter is an order that there is, whole, and not yet expired; none opens. */
function checkDownlinks(downlinks: readonly Downlink[], nowMs: number): void {
  for (const { protocol, bytes, expiresAtMs } of downlinks) {
    expect(expiresAtMs).toBeGreaterThan(nowMs);
    if (protocol === "cjt188") {
      const read = decodeCjt188Request(bytes);
      const request = read.ok ? read.value : null;
      const what = request?.kind === "valve" ? request.operation : request?.kind;
      expect(["close", "clock"]).toContain(what);
    } else {
      const decode = protocol === "json" ? decodeJsonCommand : decodeProtobufCommand;
      const read = decode(bytes);
      expect(commandActions).toContain(read.ok ? read.value.action : "damaged");
    }
  }
}

/** The disk fills up at some write of the batch: nothing of it exists, and the next try is as the first. */
function failFirst(engine: EngineUnderTest, turn: Turn, chance: Chance): BatchReport {
  const before = sizesOf(engine);
  engine.failAfter(chance.whole(0, 25));
  const report = run(engine, turn);
  engine.failAfter(null);
  expect(report.kind).toBe("notCommitted");
  expect(sizesOf(engine)).toEqual(before);
  // It says that it was blind, once; from here on its memory must be what the ledger holds.
  const sighted = engine.process({});
  engine.nowMs += 1_000;
  return sighted;
}

const isBeingSent = (engine: EngineUnderTest) =>
  engine.ledger.openCommands().some(({ state }) => state === "sent");

function live(seed: number) {
  const chance = chanceOf(seed);
  const engine = new EngineUnderTest();
  const tally = new Map<string, number>();
  const count = (word: string) => tally.set(word, (tally.get(word) ?? 0) + 1);
  const countEvents = (report: BatchReport) => {
    const events = report.kind === "committed" ? report.events : [];
    for (const { json } of events) count((JSON.parse(json) as { kind: string }).kind);
  };
  try {
    const world = new World(engine, chance);
    for (let n = 0; n < turns; n += 1) {
      const turn = world.turn();
      engine.nowMs += turn.advanceMs;
      if (chance.once(12)) countEvents(failFirst(engine, turn, chance));
      // A restart forgets when silence began and what was being sent, and looks at the clock at once: see other tests.
      const isCalm = turn.advanceMs >= 1_000 && turn.advanceMs < 60_000 && !isBeingSent(engine);
      const twin = isCalm && chance.once(2) ? engine.twin() : null;
      const report = run(engine, turn);
      if (report.kind !== "committed") throw new TypeError(report.message);
      if (twin !== null) {
        count("twin");
        expect(comparable(run(twin, turn))).toEqual(comparable(report));
        twin.close();
      }
      const outcomes = report.counts.outcomes.reduce((sum, one) => sum + one.count, 0);
      expect(outcomes).toBe(turn.uplinks.length);
      checkDownlinks(report.downlinks, engine.nowMs);
      world.deliver(report.downlinks);
      countEvents(report);
      for (const { outcome } of report.counts.outcomes) count(outcome);
      if (chance.once(15)) engine.restart();
      checkLedger(engine);
    }
    return tally;
  } finally {
    engine.close();
  }
}

describe("a town by chance", () => {
  const seen = new Map<string, number>();

  test.each(seeds)("keeps its ledger right, seed %i", (seed) => {
    for (const [word, times] of live(seed)) seen.set(word, (seen.get(word) ?? 0) + times);
  });

  test("has seen what it is about", () => {
    expect([...seen.keys()]).toEqual(expect.arrayContaining([...uplinkOutcomes.slice(0, 4)]));
    const words = ["twin", "system.blind", "alarm.historical", "alarm.reraised", "alarm.cleared"];
    const steps = ["refused", "held", "sent", "unknown", "failed", "verified"];
    const wanted = [...words, ...steps.map((step) => `command.${step}`)];
    expect(wanted.filter((word) => !seen.has(word))).toEqual([]);
  });
});
