/** The main thread's side of the query worker. */
import type { Worker } from "node:worker_threads";
import type { BillingQueries } from "#ports/billingQueries.ts";
import type { Queries } from "#ports/queries.ts";
import { QueryError } from "./queryError.ts";
import type { QueryCall, QueryReply } from "./queryMessages.ts";

/** More questions at once are refused, so that a flood of reads cannot grow the process. */
export const queriesOutstandingMax = 256;

/** Every method once; the compiler misses none. */
const queryMethods: Readonly<Record<keyof Queries, true>> = {
  meters: true,
  meter: true,
  meterKeys: true,
  gateways: true,
  readings: true,
  readingsOfAll: true,
  requireReadings: true,
  latestReading: true,
  registerAt: true,
  registersAt: true,
  registerColumns: true,
  alarms: true,
  alarm: true,
  alarmReadings: true,
  occurrencesOf: true,
  alarmEvents: true,
  alarmStanding: true,
  commands: true,
  command: true,
  campaigns: true,
  campaign: true,
  ruleRecords: true,
  rulesNamed: true,
  rulesAt: true,
  workOrders: true,
  workOrder: true,
  alarmFamily: true,
  plannedWorks: true,
  plannedWork: true,
  recipients: true,
  recipient: true,
  notifications: true,
  waitingNotifications: true,
  eventSeqBefore: true,
  webhooks: true,
  webhook: true,
  deliveries: true,
  events: true,
  eventRange: true,
  quarantine: true,
  uplinks: true,
  readingsAfterSeq: true,
  newestReadingSeq: true,
  rollUpPart: true,
  readingDamage: true,
  audit: true,
  auditHead: true,
  verifyAudit: true,
  areas: true,
  activeAlarmCounts: true,
  settings: true,
};

const billingMethods: Readonly<Record<keyof BillingQueries, true>> = {
  readingDamage: true,
  billingRegister: true,
  billingRegisters: true,
  consumption: true,
  meterConsumption: true,
  registerRecord: true,
  checks: true,
  conflicts: true,
  missingRegisters: true,
  gaps: true,
  frozen: true,
  refreshed: true,
};

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: QueryError) => void;
}

export type QueryClient = Queries & { close(): Promise<void> };
export type BillingReads = BillingQueries & { close(): Promise<void> };

/** `startWorker` starts `queryWorker.ts` on the directory; again when a worker has died. */
export function openQueries(
  directory: string,
  startWorker: (directory: string) => Worker,
): QueryClient {
  return clientOf<Queries>(queryMethods, () => startWorker(directory));
}

/** The same for `billingWorker.ts`. */
export function openBillingQueries(startWorker: () => Worker): BillingReads {
  return clientOf<BillingQueries>(billingMethods, startWorker);
}

function clientOf<Port extends object>(
  methods: Readonly<Record<keyof Port, true>>,
  start: () => Worker,
): Port & { close(): Promise<void> } {
  const link = new QueryLink(start);
  const calls = Object.keys(methods).map((method) => [
    method,
    (...args: readonly unknown[]) => link.call(method, args),
  ]);
  return { ...(Object.fromEntries(calls) as Port), close: () => link.close() };
}

/** One worker's life after another, with the questions that wait for an answer. */
class QueryLink {
  readonly #start: () => Worker;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor(start: () => Worker) {
    this.#start = start;
  }

  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed) {
      return Promise.reject(new QueryError("QUERIES_CLOSED", "the program is stopping"));
    }
    if (this.#waiting.size >= queriesOutstandingMax) {
      const message = `${queriesOutstandingMax} queries are waiting already; try again later`;
      return Promise.reject(new QueryError("QUERIES_OVERLOADED", message));
    }
    this.#worker ??= this.#started();
    const id = ++this.#lastId;
    const call: QueryCall = { id, method, args };
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    this.#worker.postMessage(call);
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#rejectAll(new QueryError("QUERIES_CLOSED", "the program is stopping"));
    await this.#worker?.terminate();
  }

  /** Started by the first question after a death, so a worker that cannot live does not spin. */
  #started(): Worker {
    const worker = this.#start();
    let reason: unknown;
    worker.on("message", (reply: QueryReply) => this.#settle(reply));
    worker.on("error", (error) => {
      reason = error;
    });
    worker.on("exit", () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const message = "the query worker ended; the next query starts it again";
      this.#rejectAll(new QueryError("QUERY_WORKER_DIED", message, { cause: reason }));
    });
    return worker;
  }

  #settle(reply: QueryReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting?.resolve(reply.result);
    else waiting?.reject(new QueryError(reply.code, reply.message));
  }

  #rejectAll(error: QueryError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
