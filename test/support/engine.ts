/** An engine on a real ledger in a folder of its own, with time and randomness in the test's hands. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { MeterDraft, ProtocolName } from "#domain/meter.ts";
import { uplinkNames, type UplinkName } from "#domain/platform.ts";
import type { Alarm, RuleId } from "#domain/alarm.ts";
import { alarmId, parseMeterId, type MeterId } from "#domain/ids.ts";
import type { ClosePolicy } from "#domain/closePolicy.ts";
import type { Retention } from "#domain/retention.ts";
import type { StoredReading } from "#domain/reading.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { timestampMs } from "#domain/units.ts";
import { startEngine, type Engine } from "#engine/engine.ts";
import type { BatchReport, EngineBatch, Notice, UplinkBatch } from "#engine/messages.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { ledgerFileName, openLedger, type OpenLedger } from "#ledger/openLedger.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { MeterFiles } from "#ports/meterFiles.ts";
import type { Actor, Ask, AskEnvelope, AskResult } from "#ports/requests.ts";
import type { Rng } from "#ports/rng.ts";
import type { Protocol } from "#protocols/contract.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import { storedReadings } from "./storedReadings.ts";
import { testFiles } from "./vault.ts";

export const startMs = Date.UTC(2026, 10, 22, 0, 0, 0);
const someone: Actor = { label: "tester", role: "admin" };

export type LedgerRow = Readonly<Record<string, SQLOutputValue>>;

export interface TestUplink {
  readonly meterNo: number;
  readonly bytes: Uint8Array;
  readonly protocol?: UplinkName;
  readonly receivedAtMs?: number;
  readonly gateway?: string;
  readonly reachable?: boolean;
}

function testMeterId(text: string): MeterId {
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
    pilotMlPerHour: 0,
    frameAddress: null,
    carrierAddress: null,
    kind: "meter",
    selfClosesAfterDays: null,
    verificationDueOn: null,
    retirementDueOn: null,
    profile: change.protocol === "cjt188" ? "simulated-cjt188" : null,
    reportEveryMs: 3_600_000,
    lifecycle: "active",
    ...change,
  };
}

/** Ids that are the same in every run. */
export function countingRng(from = 0): Rng & { readonly count: number } {
  let count = from;
  return {
    get count() {
      return count;
    },
    bytes: (length) => new Uint8Array(length).fill((count += 1)),
    uuidV7: (nowMs) => {
      count += 1;
      const time = Math.floor(nowMs).toString(16).padStart(12, "0");
      const tail = count.toString(16).padStart(12, "0");
      return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${tail}`;
    },
  };
}

type Protocols = Readonly<Record<ProtocolName, Protocol>>;

/** Where an engine takes up the work of another one. */
interface Inheritance {
  readonly directory: string;
  readonly nowMs: number;
  readonly idsUsed: number;
}

/** What a start may be given besides its ledger. */
interface Given {
  readonly ruleDocument?: RuleDocument | null;
  readonly closePolicy?: ClosePolicy | null;
  /** Movements that every model's valve is made for. */
  readonly actuationsRated?: number;
  /** Which profiles are confirmed. */
  readonly confirmed?: () => Readonly<Record<string, string>>;
}

export class EngineUnderTest {
  readonly directory: string;
  nowMs = startMs;
  /** In force from the next restart on. */
  retention: Retention = {};
  ledger: OpenLedger;
  #engine: Engine;
  readonly #protocols: Protocols;
  readonly #rng: ReturnType<typeof countingRng>;
  #askNo = 0;
  /** Writes that still succeed; null: all of them do. */
  #writesLeft: number | null = null;

  constructor(protocols: Protocols = protocolByName, inherited: Inheritance | null = null) {
    this.directory = inherited?.directory ?? newDirectory();
    this.nowMs = inherited?.nowMs ?? startMs;
    this.#rng = countingRng(inherited?.idsUsed);
    this.#protocols = protocols;
    this.ledger = openLedger(this.directory);
    this.#engine = this.#start();
  }

  #start({ confirmed, actuationsRated, ...given }: Given = {}): Engine {
    const files: MeterFiles = {
      ...testFiles,
      ...(confirmed === undefined ? {} : { confirmed }),
      of: (meter, keys) => ({ ...testFiles.of(meter, keys), actuationsRated }),
    };
    return startEngine({
      ledger: failing(this.ledger, (name) => this.#mayWrite(name)),
      clock: { nowMs: () => timestampMs(this.nowMs), monotonicMs: () => this.nowMs },
      rng: this.#rng,
      protocols: this.#protocols,
      carriers: carrierByName,
      isStoreFailure: (error) => error instanceof LedgerError,
      retention: this.retention,
      // Whoever may rest does so after every batch, as in a fleet too large for memory.
      awakeMax: 0,
      ...given,
      files: actuationsRated === undefined && confirmed === undefined ? testFiles : files,
    });
  }

  #mayWrite(name: string): boolean {
    if (this.#writesLeft === null) return true;
    this.#writesLeft -= 1;
    return this.#writesLeft >= 0 && name !== "commit";
  }

  /** The disk fills up after so many more writes, with the commit at the latest; with null it has room again. */
  failAfter(writes: number | null): void {
    this.#writesLeft = writes;
  }

  /** An engine that knows nothing but what this one's ledger holds at this moment. */
  twin(): EngineUnderTest {
    const directory = newDirectory();
    const db = new DatabaseSync(join(this.directory, ledgerFileName), { readOnly: true });
    db.prepare("VACUUM INTO ?").run(join(directory, ledgerFileName));
    db.close();
    const { nowMs } = this;
    return new EngineUnderTest(this.#protocols, { directory, nowMs, idsUsed: this.#rng.count });
  }

  /** As after a restart of the process: everything comes from the ledger again. */
  restart(ruleDocument: RuleDocument | null = null, given: Given = {}): void {
    this.ledger.close();
    this.ledger = openLedger(this.directory);
    this.#engine = this.#start({ ruleDocument, ...given });
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
    return this.process({ uplinks: packed(uplinks, this.nowMs) });
  }

  notices(...notices: Notice[]): BatchReport {
    return this.process({ notices });
  }

  ask(ask: Ask, actor: Actor = someone): AskResult {
    const askNo = (this.#askNo += 1);
    const envelope = envelopeOf(ask, actor);
    const report = this.process({ asks: [{ askNo, envelope }] });
    const answer = report.kind === "committed" ? report.answers[0] : undefined;
    if (answer === undefined) throw new TypeError("the ask was not answered");
    return answer.result;
  }

  /** All readings in force, as somebody beside the writer sees them. */
  readings(): readonly StoredReading[] {
    return storedReadings(this.directory);
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

  /** Changes the ledger's file past the ledger, as an older program or a fault might have left it. */
  writeBeside(sql: string, ...values: readonly (string | number | Uint8Array)[]): void {
    const db = new DatabaseSync(join(this.directory, ledgerFileName));
    db.prepare(sql).run(...values);
    db.close();
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

/** An ask as it comes from the API. */
export function envelopeOf(ask: Ask, actor: Actor = someone): AskEnvelope {
  return { actor, ask, idempotency: null, source: "test" };
}

function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), "mercaptan-engine-"));
}

/** The ledger, but for the writes that fail; as with a full disk, nothing of the batch survives. */
function failing(ledger: Ledger, mayWrite: (name: string) => boolean): Ledger {
  const entries = Object.entries(ledger).map(([name, method]: [string, unknown]) => {
    if (typeof method !== "function" || !/^(put|revise|retract|drop|settle|commit)/.test(name)) {
      return [name, method] as const;
    }
    const guarded = (...args: readonly unknown[]): unknown => {
      if (!mayWrite(name)) throw new LedgerError("LEDGER_WRITE_FAILED", `no room for ${name}`);
      return Reflect.apply(method, ledger, args) as unknown;
    };
    return [name, guarded] as const;
  });
  return Object.fromEntries(entries) as unknown as Ledger;
}

/** Uplinks in the form in which they reach the engine. */
export function packed(uplinks: readonly TestUplink[], nowMs: number): UplinkBatch {
  const bytes = new Uint8Array(Buffer.concat(uplinks.map((uplink) => uplink.bytes)));
  let end = 0;
  return {
    bytes,
    ends: Uint32Array.from(uplinks, (uplink) => (end += uplink.bytes.length)),
    meterNos: Int32Array.from(uplinks, (uplink) => uplink.meterNo),
    receivedAtMs: Float64Array.from(uplinks, (uplink) => uplink.receivedAtMs ?? nowMs),
    protocols: Uint8Array.from(uplinks, ({ protocol }) => uplinkNames.indexOf(protocol ?? "json")),
    marks: Uint8Array.from(uplinks, ({ reachable }) => (reachable === true ? 1 : 0)),
    gateways: uplinks.map(({ gateway }) => gateway ?? ""),
  };
}

/** A JSON uplink from its members. */
export function jsonBytes(members: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ v: 1, ...members }));
}
