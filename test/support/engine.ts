/** An engine on a real ledger in a folder of its own, with time and randomness in the test's hands. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { protocolNames, type MeterDraft, type ProtocolName } from "#domain/meter.ts";
import type { Alarm, RuleId } from "#domain/alarm.ts";
import { alarmId, parseMeterId, type MeterId } from "#domain/ids.ts";
import { timestampMs } from "#domain/units.ts";
import { startEngine, type Engine } from "#engine/engine.ts";
import type { BatchReport, EngineBatch, Notice, UplinkBatch } from "#engine/messages.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { ledgerFileName, openLedger } from "#ledger/openLedger.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { Actor, Ask, AskResult } from "#ports/requests.ts";
import type { Rng } from "#ports/rng.ts";
import type { Protocol } from "#protocols/contract.ts";
import { protocolByName } from "#protocols/registry.ts";

export const startMs = Date.UTC(2026, 10, 22, 0, 0, 0);
const someone: Actor = { label: "tester", role: "admin" };

export type LedgerRow = Readonly<Record<string, SQLOutputValue>>;

export interface TestUplink {
  readonly meterNo: number;
  readonly bytes: Uint8Array;
  readonly protocol?: ProtocolName;
  readonly receivedAtMs?: number;
  readonly gateway?: string;
  readonly reachable?: boolean;
}

export function testMeterId(text: string): MeterId {
  const id = parseMeterId(text);
  if (id === undefined) throw new TypeError(`not a meter id: ${text}`);
  return id;
}

export function meterDraft(id: string, change: Partial<MeterDraft> = {}): MeterDraft {
  return {
    id: testMeterId(id),
    size: "G4",
    protocol: "json",
    quantumMl: 1_000,
    registerRangeMl: 100_000_000_000,
    area: "binhai-3",
    siteClass: "household",
    position: null,
    address: null,
    critical: false,
    frameAddress: null,
    reportEveryMs: 3_600_000,
    lifecycle: "active",
    ...change,
  };
}

/** Ids that are the same in every run. */
export function countingRng(): Rng {
  let count = 0;
  return {
    bytes: (length) => new Uint8Array(length).fill((count += 1)),
    uuidV7: (nowMs) => {
      count += 1;
      const time = Math.floor(nowMs).toString(16).padStart(12, "0");
      const tail = count.toString(16).padStart(12, "0");
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
    },
  };
}

export class EngineUnderTest {
  readonly directory: string;
  nowMs = startMs;
  ledger: Ledger;
  #engine: Engine;
  readonly #protocols: Readonly<Record<ProtocolName, Protocol>>;
  readonly #rng = countingRng();
  #askNo = 0;

  constructor(protocols: Readonly<Record<ProtocolName, Protocol>> = protocolByName) {
    this.directory = mkdtempSync(join(tmpdir(), "mercaptan-engine-"));
    this.#protocols = protocols;
    this.ledger = openLedger(this.directory);
    this.#engine = this.#start();
  }

  #start(): Engine {
    return startEngine({
      ledger: this.ledger,
      clock: { nowMs: () => timestampMs(this.nowMs), monotonicMs: () => this.nowMs },
      rng: this.#rng,
      protocols: this.#protocols,
      isStoreFailure: (error) => error instanceof LedgerError,
    });
  }

  /** As after a restart of the process: everything comes from the ledger again. */
  restart(): void {
    this.ledger.close();
    this.ledger = openLedger(this.directory);
    this.#engine = this.#start();
  }

  close(): void {
    this.ledger.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  process(batch: Partial<EngineBatch>): BatchReport {
    const whole = { kind: "batch", uplinks: null, notices: [], asks: [], isLast: false } as const;
    return this.#engine.process({ ...whole, ...batch });
  }

  uplinks(uplinks: readonly TestUplink[]): BatchReport {
    return this.process({ uplinks: pack(uplinks, this.nowMs) });
  }

  notices(...notices: Notice[]): BatchReport {
    return this.process({ notices });
  }

  ask(ask: Ask, actor: Actor = someone): AskResult {
    const askNo = (this.#askNo += 1);
    const envelope = { actor, ask, idempotency: null, source: "test" };
    const report = this.process({ asks: [{ askNo, envelope }] });
    const answer = report.kind === "committed" ? report.answers[0] : undefined;
    if (answer === undefined) throw new TypeError("the ask was not answered");
    return answer.result;
  }

  /** What the ledger's file says, read past the engine and past the ledger. */
  rows(sql: string, ...values: readonly (string | number)[]): readonly LedgerRow[] {
    const db = new DatabaseSync(join(this.directory, ledgerFileName), { readOnly: true });
    try {
      return db.prepare(sql).all(...values);
    } finally {
      db.close();
    }
  }

  /** Every alarm there ever was by this rule, the oldest first. */
  alarms(rule: RuleId): readonly Alarm[] {
    const rows = this.rows("SELECT id FROM alarm WHERE rule = ? ORDER BY id", rule);
    return rows.flatMap(({ id }) => this.ledger.alarm(alarmId(String(id))) ?? []);
  }

  /** Registers a meter and returns its number. */
  register(id: string, change: Partial<MeterDraft> = {}): number {
    const result = this.ask({ kind: "meter.register", meter: meterDraft(id, change) });
    if (!result.ok || result.answer.kind !== "meter") throw new TypeError("not registered");
    return result.answer.meter.no;
  }
}

function pack(uplinks: readonly TestUplink[], nowMs: number): UplinkBatch {
  const bytes = Uint8Array.from(uplinks.flatMap((uplink) => [...uplink.bytes]));
  let end = 0;
  return {
    bytes,
    ends: Uint32Array.from(uplinks, (uplink) => (end += uplink.bytes.length)),
    meterNos: Int32Array.from(uplinks, (uplink) => uplink.meterNo),
    receivedAtMs: Float64Array.from(uplinks, (uplink) => uplink.receivedAtMs ?? nowMs),
    protocols: Uint8Array.from(uplinks, ({ protocol }) =>
      protocolNames.indexOf(protocol ?? "json"),
    ),
    marks: Uint8Array.from(uplinks, ({ reachable }) => (reachable === true ? 1 : 0)),
    gateways: uplinks.map(({ gateway }) => gateway ?? ""),
  };
}

/** A JSON uplink from its members. */
export function jsonBytes(members: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ v: 1, ...members }));
}
