/** The query worker: answers the reads of the API beside the writer, one after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { QueryError } from "#ledger/queryError.ts";
import type { QueryCall, QueryReply } from "#ledger/queryMessages.ts";

invariant(parentPort !== null, "queryWorker.ts runs as a worker thread only");
const port = parentPort;
const { directory } = workerData as { readonly directory: string };
const answers = answersFrom(openForReading(directory));

port.on("message", ({ id, method, args }: QueryCall) => {
  port.postMessage(replyTo(id, method, args));
});

function replyTo(id: number, method: QueryCall["method"], args: QueryCall["args"]): QueryReply {
  try {
    // The client's proxy has the types of `Queries`; they are lost on the way between threads.
    const answer = answers[method] as (...values: readonly unknown[]) => unknown;
    return { id, ok: true, result: answer(...args) };
  } catch (cause) {
    const code = cause instanceof QueryError ? cause.code : "QUERY_FAILED";
    const message = cause instanceof Error ? cause.message : String(cause);
    return { id, ok: false, code, message: message.replace(`${code}: `, "") };
  }
}
