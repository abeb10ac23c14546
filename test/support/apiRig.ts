/**
 * The API on a real port over a real engine and ledger, in one process; a test may put a fault
 * between them.
 */
import { alarmFigures } from "#alarms/alarmFigures.ts";
import { proposals } from "#alarms/proposals.ts";
import { alarmMessage } from "#alarms/messages.ts";
import { ApiKeys, makeApiKey } from "#api/apiKeys.ts";
import { apiLimits, type ApiLimits } from "#api/limits.ts";
import { GasDays } from "#billing/gasDays.ts";
import { LiveHub } from "#api/live/liveHub.ts";
import { startApi } from "#api/server.ts";
import type { ClosePolicy } from "#domain/closePolicy.ts";
import { invariant } from "#domain/invariant.ts";
import { roles, type Role } from "#domain/role.ts";
import { timestampMs } from "#domain/units.ts";
import { policyIn } from "#engine/dispatch.ts";
import { startEngine } from "#engine/engine.ts";
import type { BatchReport, EngineBatch, UplinkBatch } from "#engine/messages.ts";
import { billingRows } from "#ledger/billingTable.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import type { BillingQueries } from "#ports/billingQueries.ts";
import { urlFault } from "#notify/addresses.ts";
import { webhookSecret } from "#notify/signing.ts";
import type { KeyVault } from "#ports/keyVault.ts";
import type { Downlink } from "#ports/intake.ts";
import type { Observer } from "#ports/observer.ts";
import type { DeliveryDesk } from "#ports/deliveries.ts";
import type { Queries } from "#ports/queries.ts";
import type { AskEnvelope, Desk } from "#ports/requests.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import { billingAnswers } from "../../src/billingAnswers.ts";
import { ruleBook } from "../../src/ruleBook.ts";
import { systemClock } from "../../src/systemClock.ts";
import { systemRng } from "../../src/systemRng.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inTransaction } from "./ledgerRows.ts";
import { testFiles, testProfiles, testVault } from "./vault.ts";

export interface RigOptions {
  /** With data in it already. */
  readonly directory?: string;
  readonly limits?: Partial<ApiLimits>;
  readonly queries?: (real: Queries) => Queries;
  readonly desk?: (real: Desk) => Desk;
  readonly pushes?: DeliveryDesk;
  readonly closePolicy?: ClosePolicy;
  /** null: no master key is configured. */
  readonly vault?: KeyVault | null;
  readonly onCommit?: (report: Extract<BatchReport, { readonly kind: "committed" }>) => void;
  readonly readiness?: () => { readonly ready: boolean; readonly reasons: readonly string[] };
}

/** The key of this rig's data directory. */
export const testPepper = new Uint8Array(32).fill(7);

export interface CallOptions {
  readonly role?: Role | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whatever a test takes it for: the expectations check what it is. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Json = any;

export type ApiRig = Awaited<ReturnType<typeof startApiRig>>;

/** Everything that the async port answers, answered at once by a connection of its own. */
export function queriesOn(directory: string): Queries & { close(): void } {
  const db = openForReading(directory);
  return { ...asPromises<Queries>(answersFrom(db)), close: () => db.close() };
}

/** The same for billing, with gas days that begin at midnight in Shanghai. */
function billingOn(directory: string): BillingQueries & { close(): void } {
  const db = openForReading(directory);
  const gasDays = new GasDays({ zone: "Asia/Shanghai", startMinute: 0, areas: {} });
  return {
    ...asPromises<BillingQueries>(billingAnswers(answersFrom(db), billingRows(db), gasDays)),
    close: () => db.close(),
  };
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the port
function asPromises<Port>(answers: object): Port {
  const methods = Object.entries(answers).map(([name, answer]) => [
    name,
    async (...args: readonly unknown[]) =>
      (answer as (...values: readonly unknown[]) => unknown)(...args),
  ]);
  return Object.fromEntries(methods) as Port;
}

/** Nobody may push. */
const noPushes: DeliveryDesk = {
  admit: async () => ({ ok: false, refusal: "unauthorised" }),
  take: async () => ({ ok: false, refusal: "unauthorised" }),
  mayAnswer: async () => false,
};

function uplinkBatch(meterNo: number, bytes: Uint8Array<ArrayBuffer>, mark = 0): UplinkBatch {
  return {
    bytes,
    ends: Uint32Array.of(bytes.length),
    meterNos: Int32Array.of(meterNo),
    receivedAtMs: Float64Array.of(Date.now()),
    protocols: Uint8Array.of(0),
    marks: Uint8Array.of(mark),
    gateways: [""],
  };
}

function bytesOf(json: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(JSON.stringify(json)));
}

/** Starts it; the test calls `close`. */
export async function startApiRig(options: RigOptions = {}) {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "mercaptan-api-"));
  const clock = systemClock({ factor: 1, baseMs: 0 });
  const limits: ApiLimits = { ...apiLimits, ...options.limits };
  const ledger = openLedger(directory);
  let engineAheadMs = 0;
  const engine = startEngine({
    ledger,
    clock: {
      nowMs: () => timestampMs(clock.nowMs() + engineAheadMs),
      monotonicMs: () => clock.monotonicMs() + engineAheadMs,
    },
    rng: systemRng,
    protocols: protocolByName,
    carriers: carrierByName,
    files: testFiles,
    isStoreFailure: (error) => error instanceof LedgerError,
    closePolicy: options.closePolicy ?? null,
  });
  const realQueries = queriesOn(directory);
  const billing = billingOn(directory);
  const queries = options.queries?.(realQueries) ?? realQueries;
  const keys = new Map(roles.map((role) => [role, makeApiKey(systemRng, role, `${role} one`)]));
  const apiKeys = new ApiKeys([...keys.values()].map(({ row }) => row));
  inTransaction(ledger, () => {
    for (const { row } of keys.values()) ledger.putApiKey(row);
  });
  const noted: string[] = [];
  const downlinks: Downlink[] = [];
  const observer: Observer = { note: (event) => noted.push(event) };
  const live = new LiveHub({ queries, apiKeys, clock, observer, limits });

  const run = (batch: Partial<EngineBatch>) => {
    const full = { kind: "batch", uplinks: null, notices: [], asks: [], isLast: false } as const;
    const report = engine.process({ ...full, ...batch });
    invariant(report.kind === "committed", "the ledger of a test does not fail");
    for (const row of report.directory?.apiKeys ?? []) apiKeys.put(row);
    for (const id of report.directory?.revokedApiKeys ?? []) apiKeys.drop(id);
    live.publish(report.events);
    options.onCommit?.(report);
    downlinks.push(...report.downlinks);
    return report;
  };
  const asked: AskEnvelope[] = [];
  const realDesk: Desk = {
    ask: async (envelope) => {
      asked.push(envelope);
      const [answer] = run({ asks: [{ askNo: 1, envelope }] }).answers;
      invariant(answer !== undefined, "an ask has an answer");
      return answer.result;
    },
  };
  const api = await startApi({
    host: "127.0.0.1",
    port: 0,
    desk: options.desk?.(realDesk) ?? realDesk,
    queries,
    billing,
    pushes: options.pushes ?? noPushes,
    live,
    apiKeys,
    issueSecret: (username, kind) => ({ secret: `${kind}-${username}`, secretHash: "00" }),
    profiles: testProfiles,
    ruleBook: ruleBook({
      meters: () => ledger.meters(),
      directory,
      fileKeys: null,
      clock,
    }),
    vault: options.vault === undefined ? testVault : options.vault,
    webhooks: {
      secretOf: (id, secretNo) => webhookSecret(testPepper, id, secretNo),
      urlFault: (url) => urlFault(url, ["127.0.0.1"]),
    },
    dispatchPolicyOf: policyIn,
    describeAlarm: alarmMessage,
    figuresOf: alarmFigures,
    proposalsOf: proposals,
    metrics: { contentType: "text/plain; version=0.0.4", text: async () => "up 1\n" },
    readiness: options.readiness ?? (() => ({ ready: true, reasons: [] })),
    observer,
    clock,
    rng: systemRng,
    limits,
    allowedOrigins: ["https://control.example"],
  });
  const close = async () => {
    await api.close();
    realQueries.close();
    billing.close();
    ledger.close();
    rmSync(directory, { recursive: true, force: true });
  };

  const origin = `http://127.0.0.1:${api.port}`;
  const keyOf = (role: Role) => keys.get(role)?.key ?? "";
  const call = async (method: string, path: string, given: CallOptions = {}) => {
    const { role = "admin", body, headers = {} } = given;
    const isText = typeof body === "string";
    return fetch(origin + path, {
      method,
      headers: {
        ...(role === null ? {} : { authorization: `Bearer ${keyOf(role)}` }),
        ...(body === undefined || isText ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
  };
  let frameId = 0;
  return {
    port: api.port,
    close,
    clock,
    directory,
    /** One batch of the engine. */
    run,
    origin,
    live,
    queries: realQueries,
    noted,
    /** What left for meters. */
    downlinks,
    asked,
    keyOf,
    call,
    /** The body of a successful call. */
    json: async (method: string, path: string, given: CallOptions = {}): Promise<Json> => {
      const response = await call(method, path, given);
      const text = await response.text();
      invariant(response.ok, `${method} ${path}: ${response.status} ${text}`);
      return JSON.parse(text);
    },
    /** A meter reports. */
    uplink: (meterNo: number, json: Readonly<Record<string, unknown>>) =>
      run({ uplinks: uplinkBatch(meterNo, bytesOf({ v: 1, frameId: ++frameId, ...json })) }),
    /** Nothing arrives, and the watch looks. */
    tick: () => {
      engineAheadMs += 2_000;
      return run({});
    },
    /** The engine's clock goes on by so much. */
    pass: (ms: number) => {
      engineAheadMs += ms;
    },
    /** Any bytes, from a meter that listens. */
    frame: (meterNo: number, bytes: Uint8Array<ArrayBuffer>) =>
      run({ uplinks: uplinkBatch(meterNo, bytes, 1) }),
    /** Makes as many events as asked for, each in a commit of its own. */
    makeEvents: async (count: number) => {
      for (let made = 0; made < count; made++) {
        const kind = made % 2 === 0 ? "automation.stop" : "automation.resume";
        await realDesk.ask({
          actor: { label: "test", role: "dispatcher" },
          ask: { kind, reason: "an event for the feed" },
          idempotency: null,
          source: "test",
        });
      }
    },
  };
}
