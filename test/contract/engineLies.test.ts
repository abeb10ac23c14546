/**
 * Every valve that there is in the simulator, behind a real engine: what was never shut is never called verified,
 * the motor runs once, and a valve that did not do as it was told is an alarm within two reports.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { statusBits } from "#domain/status.ts";
import { emptyReading, type CommandReply, type DecodedReading } from "#domain/telegram.ts";
import { minuteMs, secondMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Downlink } from "#ports/intake.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { encodeJsonUplink } from "#protocols/json/protocol.ts";
import { Valve, type ValveKind } from "#simulators/valve.ts";
import { EngineUnderTest } from "../support/engine.ts";

const intervalMs = 30 * minuteMs;
const flowMlPerHour = 2_000_000;

let engine: EngineUnderTest;
beforeEach(() => {
  engine = new EngineUnderTest();
});
afterEach(() => engine.close());

/** A meter with one valve that wakes every half hour, reports its leak, and does what its valve does. */
class Site {
  readonly valve: Valve;
  readonly meterNo: number;
  /** Minutes after the leak at which each alarm rule rang first. */
  readonly rang = new Map<string, number>();
  /** When the ledger said verified; null: never. */
  verifiedAtMs: number | null = null;
  readonly #leakAtMs = engine.nowMs;
  #indexMl = 5_000_000_000;
  #lastMs = engine.nowMs;

  constructor(kind: ValveKind) {
    this.valve = new Valve({
      kind,
      motorMs: 5 * secondMs,
      passingMlPerHour: 300_000,
      delayMs: 1.5 * intervalMs,
    });
    this.meterNo = engine.register("M1", { reportEveryMs: intervalMs });
    engine.register("NEIGHBOUR");
  }

  /** One wake: the report, the order if one comes, the answer, and a report when the motor has stopped. */
  wake(): void {
    this.#note(engine.process({}));
    if (this.valve.isDead) return;
    const sent = this.#say(this.#reading(), []);
    for (const downlink of sent) this.#obey(downlink);
  }

  #obey({ bytes, commandId: id }: Downlink): void {
    const order = decodeJsonCommand(bytes);
    if (!order.ok || order.value.action !== "close") throw new TypeError("not an order to close");
    this.#note(engine.notices({ kind: "downlink", commandId: id, outcome: "delivered" }));
    engine.nowMs += secondMs;
    const answer = this.valve.close(order.value.commandId, engine.nowMs);
    if (answer === null) return;
    const named = answer.isForeign ? commandId("0192-of-the-neighbour") : id;
    const { result, reason, position: valve } = answer;
    for (let copies = answer.copies; copies > 0; copies -= 1) {
      this.#say(null, [{ commandId: named, sequence: null, result, reason, valve }]);
    }
    engine.nowMs += 10 * secondMs;
    if (answer.isNew) this.#say(this.#reading(), []);
  }

  #reading(): DecodedReading {
    const { nowMs } = engine;
    const hours = (nowMs - this.#lastMs) / (60 * minuteMs);
    const limit = this.valve.limitMlPerHour(nowMs) ?? flowMlPerHour;
    this.#indexMl += Math.round((hours * limit) / 1_000) * 1_000;
    this.#lastMs = nowMs;
    return {
      ...emptyReading,
      measuredAtMs: timestampMs(nowMs),
      volume: { ml: volumeMl(this.#indexMl), count: this.#indexMl / 1_000, exponent: -3 },
      valve: this.valve.positionAt(nowMs),
      status: statusBits.leak,
    };
  }

  #say(reading: DecodedReading | null, replies: readonly CommandReply[]): readonly Downlink[] {
    const readings = reading === null ? [] : [reading];
    const bytes = encodeJsonUplink({ address: null, frameId: null, readings, replies });
    const report = engine.uplinks([{ meterNo: this.meterNo, bytes, reachable: true }]);
    this.#note(report);
    return report.kind === "committed" ? report.downlinks : [];
  }

  #note(report: BatchReport): void {
    if (report.kind !== "committed") throw new TypeError("not committed");
    for (const { json } of report.events) {
      const { kind, alarm } = JSON.parse(json) as { kind: string; alarm?: { rule: string } };
      const minutes = (engine.nowMs - this.#leakAtMs) / minuteMs;
      if (kind === "command.verified") this.verifiedAtMs ??= engine.nowMs;
      if (kind !== "alarm.raised" || alarm === undefined) continue;
      if (!this.rang.has(alarm.rule)) this.rang.set(alarm.rule, minutes);
    }
  }
}

const twoReports = 2 * 30 + 1;

/** kind, what rings within two reports besides the leak itself, whether it is verified, motor runs */
test.each<[ValveKind, readonly string[], boolean, number]>([
  ["obeys", [], true, 1],
  ["twice", [], true, 1],
  ["mute", [], true, 1],
  ["late", [], true, 1],
  ["liar", ["R15"], false, 0],
  ["silent", ["R15"], false, 0],
  ["neighbour", ["COMMAND_MISMATCH", "R15"], false, 0],
  ["jams", ["R15"], false, 1],
  ["passing", ["R15", "R9"], false, 1],
  ["reopened", ["R15"], false, 1],
  ["flat", ["R15"], false, 1],
])("%s", (kind, rings, isVerified, movements) => {
  const site = new Site(kind);
  for (let wakes = 0; wakes < 8; wakes += 1) {
    site.wake();
    engine.nowMs += intervalMs - (engine.nowMs % intervalMs);
  }
  const early = [...site.rang].filter(([, minutes]) => minutes <= twoReports);
  const rules = early.map(([rule]) => rule).filter((rule) => rule !== "R1" && rule !== "R2");
  expect(rules.toSorted()).toEqual(rings);
  expect(site.verifiedAtMs !== null).toBe(isVerified);
  if (site.verifiedAtMs !== null) expect(site.valve.limitMlPerHour(site.verifiedAtMs)).toBe(0);
  expect(site.valve.movements).toBe(movements);
});
