/** The worker's side of a client of queries: one call after the other. */
import type { MessagePort } from "node:worker_threads";
import { QueryError } from "./queryError.ts";
import type { QueryCall, QueryReply } from "./queryMessages.ts";

/** Answers every call that comes in by the method of its name. */
export function answerCalls(port: MessagePort, answers: object): void {
  // The client has the types of the port; they are lost on the way between threads.
  const byName = answers as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
  port.on("message", ({ id, method, args }: QueryCall) => {
    port.postMessage(replyTo(id, () => byName[method]?.(...args)));
  });
}

function replyTo(id: number, answer: () => unknown): QueryReply {
  try {
    return { id, ok: true, result: answer() };
  } catch (cause) {
    const code = cause instanceof QueryError ? cause.code : "QUERY_FAILED";
    const message = cause instanceof Error ? cause.message : String(cause);
    return { id, ok: false, code, message: message.replace(`${code}: `, "") };
  }
}
