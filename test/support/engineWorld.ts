/**
 * A small town that does everything a town can do wrong: meters that report late, twice, out of order, with broken
 * clocks and contradictions, valves that lie, operators that click anything. Told by chance, so it can be repeated.
 */
import { commandId } from "#domain/ids.ts";
import { lifecycleStates, type ProtocolName } from "#domain/meter.ts";
import { statusBits } from "#domain/status.ts";
import {
  emptyReading,
  type CommandReply,
  type DecodedReading,
  type ReplyResult,
  type Telegram,
  type ValvePosition,
} from "#domain/telegram.ts";
import { dayMs, hourMs, minuteMs, secondMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { Notice } from "#engine/messages.ts";
import type { Downlink } from "#ports/intake.ts";
import type { Ask } from "#ports/requests.ts";
import { decodeCjt188Request } from "#protocols/cjt188/requests.ts";
import { encodeCjt188Uplink } from "#protocols/cjt188/uplink.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { decodeProtobufCommand } from "#protocols/protobuf/command.ts";
import { encodeJsonUplink } from "#protocols/json/protocol.ts";
import { encodeProtobufUplink } from "#protocols/protobuf/protocol.ts";
import type { EngineUnderTest, TestUplink } from "./engine.ts";
import type { Chance } from "./random.ts";

/** What happens in one batch; plain data, so that a twin can be given the same. */
export interface Turn {
  readonly advanceMs: number;
  readonly uplinks: readonly TestUplink[];
  readonly notices: readonly Notice[];
  readonly asks: readonly Ask[];
}

interface WorldMeter {
  readonly no: number;
  readonly id: string;
  readonly protocol: ProtocolName;
  readonly address: string | null;
  readonly isLiar: boolean;
  indexMl: number;
  isLeaking: boolean;
  valve: ValvePosition;
  lastMs: number;
  readonly orders: Downlink[];
  readonly sent: Uint8Array[];
}

/** Litres: what CJ/T 188 can say as well. */
const quantumMl = 1_000;
const sentKept = 6;
const outcomes = ["delivered", "delivered", "unconfirmed", "undelivered"] as const;
const textEncoder = new TextEncoder();

export class World {
  readonly meters: readonly WorldMeter[];
  readonly #chance: Chance;
  readonly #engine: EngineUnderTest;
  #outcomes: Notice[] = [];

  constructor(engine: EngineUnderTest, chance: Chance) {
    this.#engine = engine;
    this.#chance = chance;
    const protocols = ["json", "json", "json", "cjt188", "cjt188", "protobuf"] as const;
    this.meters = protocols.map((protocol, place) => {
      const id = `M000${place}`;
      const address = protocol === "cjt188" ? `5151000000004${place}` : null;
      const critical = place === 2;
      const no = engine.register(id, { protocol, frameAddress: address, critical, quantumMl });
      const valve: ValvePosition = "open";
      const meter = {
        no,
        id,
        protocol,
        address,
        isLiar: place === 1,
        valve,
        indexMl: 5_000_000_000,
      };
      return { ...meter, isLeaking: false, lastMs: engine.nowMs, orders: [], sent: [] };
    });
  }

  /** What happens next. */
  turn(): Turn {
    const chance = this.#chance;
    const advanceMs = this.#advance();
    const nowMs = this.#engine.nowMs + advanceMs;
    const uplinks = Array.from({ length: chance.whole(0, 4) }, () => this.#uplink(nowMs));
    const contacts = Array.from({ length: chance.whole(0, 1) }, (): Notice => {
      return { kind: "contact", meterNo: this.#meter().no };
    });
    const notices = [...this.#outcomes, ...contacts];
    this.#outcomes = [];
    return { advanceMs, uplinks, notices, asks: chance.once(4) ? [this.#ask()] : [] };
  }

  /** Orders reach their meters, or do not; what became of each is told with a later turn. */
  deliver(downlinks: readonly Downlink[]): void {
    for (const downlink of downlinks) {
      const meter = this.meters.find(({ no }) => no === downlink.meterNo);
      if (meter === undefined) continue;
      const outcome = this.#chance.pick(outcomes);
      const { commandId: id } = downlink;
      if (!this.#chance.once(5)) this.#outcomes.push({ kind: "downlink", commandId: id, outcome });
      if (outcome === "undelivered") continue;
      meter.orders.push(downlink);
      this.#obey(meter, downlink);
    }
  }

  /** Whoever stands at the meter may open it where that is permitted; nothing else does. */
  #obey(meter: WorldMeter, { bytes }: Downlink): void {
    if (meter.isLiar || this.#chance.once(4)) return;
    const { protocol } = meter;
    if (protocol === "cjt188") {
      const read = decodeCjt188Request(bytes);
      if (read.ok && read.value.kind === "valve") meter.valve = "closed";
      return;
    }
    const read = protocol === "json" ? decodeJsonCommand(bytes) : decodeProtobufCommand(bytes);
    const action = read.ok ? read.value.action : null;
    if (action === "close") meter.valve = "closed";
    else if (action === "permit_opening" && this.#chance.once(2)) meter.valve = "open";
  }

  #meter(): WorldMeter {
    return this.#chance.any(this.meters) ?? (this.meters[0] as WorldMeter);
  }

  #advance(): number {
    const { pick, whole, once } = this.#chance;
    if (once(60)) return whole(5, 20) * dayMs;
    if (once(15)) return whole(1, 30) * hourMs;
    return whole(0, 90) * pick([secondMs, secondMs, 1, minuteMs / 6]);
  }

  #uplink(nowMs: number): TestUplink {
    const chance = this.#chance;
    const meter = this.#meter();
    const bytes = this.#bytes(meter, nowMs);
    meter.sent.push(bytes);
    if (meter.sent.length > sentKept) meter.sent.shift();
    const common = { bytes, protocol: meter.protocol, reachable: chance.once(2) };
    return { ...common, meterNo: chance.once(60) ? -1 : meter.no, receivedAtMs: nowMs };
  }

  #bytes(meter: WorldMeter, nowMs: number): Uint8Array {
    const chance = this.#chance;
    const before = chance.any(meter.sent);
    if (before !== undefined && chance.once(7)) return before;
    if (chance.once(20)) return this.#broken(before);
    this.#live(meter, nowMs);
    const telegram = this.#telegram(meter, nowMs);
    if (meter.protocol === "json") return encodeJsonUplink(telegram);
    return meter.protocol === "protobuf"
      ? encodeProtobufUplink(telegram)
      : encodeCjt188Uplink(telegram);
  }

  #broken(before: Uint8Array | undefined): Uint8Array {
    const { whole, pick } = this.#chance;
    const bytes = before?.slice() ?? Uint8Array.of(0x68);
    const at = whole(0, bytes.length - 1);
    bytes[at] = whole(0, 255);
    const leak = textEncoder.encode('{"v":1,"volumeM3":NaN,"status":["leak"]}');
    return pick([bytes, bytes.subarray(0, at), leak, new Uint8Array()]);
  }

  /** Gas flows or does not, a leak begins or ends, somebody opens the valve by hand. */
  #live(meter: WorldMeter, nowMs: number): void {
    const { whole, once } = this.#chance;
    const hours = Math.max(0, nowMs - meter.lastMs) / hourMs;
    meter.lastMs = nowMs;
    const isShut = meter.valve === "closed" && !once(20);
    const litresMax = Math.floor(Math.min(hours, 300) * 4_000);
    if (!isShut) meter.indexMl += whole(0, litresMax) * quantumMl;
    if (once(meter.isLeaking ? 3 : 12)) meter.isLeaking = !meter.isLeaking;
    if (meter.valve === "closed" && once(12)) meter.valve = "open";
  }

  #telegram(meter: WorldMeter, nowMs: number): Telegram {
    const present = this.#reading(meter, nowMs);
    const older = this.#chance.once(5) ? this.#history(meter, nowMs) : [];
    const reply = this.#chance.once(3) ? this.#reply(meter) : undefined;
    const replies = reply === undefined ? [] : [reply];
    const { address } = meter;
    return { address, frameId: null, readings: [present, ...older], replies };
  }

  #reading(meter: WorldMeter, nowMs: number): DecodedReading {
    const { pick, once, whole } = this.#chance;
    const measuredAtMs = this.#measuredAt(nowMs);
    const isLate = measuredAtMs !== null && nowMs - measuredAtMs > minuteMs;
    const spoiled = once(25)
      ? pick([0, 90_000_000_000, meter.indexMl + 3_000_000, 4_000_000])
      : null;
    const backMl = isLate ? whole(0, 50) * quantumMl : 0;
    const ml = volumeMl(spoiled ?? Math.max(0, meter.indexMl - backMl));
    const words = pick([0, 0, statusBits.battery_low, statusBits.magnet, statusBits.over_flow]);
    const leak = meter.isLeaking ? statusBits.leak : 0;
    const isJson = meter.protocol !== "cjt188";
    return {
      ...emptyReading,
      measuredAtMs: measuredAtMs === null ? null : timestampMs(measuredAtMs),
      volume: once(12) && isJson ? null : { ml, count: ml / quantumMl, exponent: -3 },
      flowMlPerHour: isJson && once(6) ? whole(0, 9) * 1_000_000 : null,
      batteryPct: isJson && once(4) ? whole(0, 100) : null,
      valve: once(6) && isJson ? null : once(30) ? pick(["fault", "unknown"]) : meter.valve,
      status: once(6) && isJson ? null : words | leak,
    };
  }

  /** Mostly now, by a clock that keeps whole seconds. */
  #measuredAt(nowMs: number): number | null {
    const { whole, once } = this.#chance;
    const now = Math.floor(nowMs / secondMs) * secondMs;
    if (once(25)) return null;
    if (once(25)) return Date.UTC(2000, 0, 1) + whole(0, 40) * minuteMs;
    if (once(20)) return now + whole(1, 90) * minuteMs;
    if (once(40)) return now - whole(30, 500) * dayMs;
    if (once(10)) return now - whole(1, 96) * hourMs;
    return now - (once(4) ? whole(0, 12) * minuteMs : whole(0, 5) * secondMs);
  }

  #history(meter: WorldMeter, nowMs: number): readonly DecodedReading[] {
    if (meter.protocol === "cjt188") return [];
    const count = this.#chance.whole(1, 12);
    const now = Math.floor(nowMs / hourMs) * hourMs;
    return Array.from({ length: count }, (_, place) => {
      const ml = volumeMl(Math.max(0, meter.indexMl - place * 20 * quantumMl));
      const measuredAtMs = timestampMs(now - (count - place) * hourMs);
      return { ...emptyReading, measuredAtMs, volume: { ml, count: ml / 1_000, exponent: -3 } };
    });
  }

  /** To the last order, to an older one, or to one that never was. */
  #reply(meter: WorldMeter): CommandReply | undefined {
    const { any, once, pick, whole } = this.#chance;
    const results: readonly [ReplyResult, ...ReplyResult[]] = [
      "executed",
      "accepted",
      "refused",
      "failed",
    ];
    const order = once(4) ? any(meter.orders) : meter.orders.at(-1);
    const result = meter.valve === "closed" ? "executed" : pick(results);
    const common = { result, reason: null, valve: null };
    if (meter.protocol === "cjt188") {
      const sequence = order?.bytes.at(-4) ?? whole(0, 255);
      return { ...common, commandId: null, sequence };
    }
    const id = once(5) ? commandId("no-such-command") : order?.commandId;
    return id === undefined ? undefined : { ...common, commandId: id, sequence: null };
  }

  #ask(): Ask {
    const { pick, whole, once, any } = this.#chance;
    const { id: meterId } = this.#meter();
    const alarm = any(
      this.#engine.rows("SELECT id, occurrence FROM alarm WHERE state <> 'normal'"),
    );
    const command = any(this.#engine.rows("SELECT id FROM command ORDER BY rowid DESC LIMIT 4"));
    const alarmId = String(alarm?.["id"] ?? "none");
    const occurrence = Number(alarm?.["occurrence"] ?? 1) + (once(4) ? 1 : 0);
    const reason = "drill";
    const lifecycle = once(3) ? pick(lifecycleStates as [...typeof lifecycleStates]) : "active";
    const leakCheckAtMs = timestampMs(this.#engine.nowMs);
    const permit = { workOrder: "W-1", leakCheck: "L-1", leakCheckAtMs };
    const action = pick(["set_clock", "read_history"] as const);
    const asks: readonly [Ask, ...Ask[]] = [
      { kind: "valve.close", meterId, reason, expiresInMs: whole(1, 60) * minuteMs },
      { kind: "alarm.acknowledge", alarmId, occurrence, comment: once(2) ? "seen" : null },
      { kind: "alarm.acknowledge", alarmId, occurrence, comment: null },
      { kind: "alarm.reset", alarmId, reason },
      { kind: "alarm.comment", alarmId, comment: "looked at" },
      {
        kind: "alarm.shelve",
        alarmId,
        occurrence: once(2) ? occurrence : null,
        reason,
        end: { inMs: whole(1, 600) * minuteMs },
      },
      { kind: "alarm.unshelve", alarmId, reason },
      { kind: "valve.permit", meterId, reason, expiresInMs: whole(1, 60) * minuteMs, permit },
      { kind: "meter.order", meterId, action, reason, expiresInMs: whole(1, 60) * minuteMs },
      { kind: "command.approve", commandId: String(command?.["id"] ?? "none"), reason },
      { kind: "valves.policy", secondPerson: pick(["never", "critical", "always"]), reason },
      { kind: "command.cancel", commandId: String(command?.["id"] ?? "none"), reason },
      { kind: "meter.change", meterId, ifVersion: null, change: { lifecycle } },
      { kind: once(3) ? "automation.stop" : "automation.resume", reason },
    ];
    return pick(asks);
  }
}
