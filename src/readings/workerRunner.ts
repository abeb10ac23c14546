/** Jobs done by another thread, one after the other. */
import type { MessagePort, Worker } from "node:worker_threads";
import type { Work, WorkResult, WorkRunner } from "./work.ts";
import { ReadingStoreError } from "./readingStoreError.ts";

/** What the thread answers. */
export type WorkReply<Result = WorkResult> =
  { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly message: string };

/** The near side. The thread's death fails what it was at, and whatever it is asked later. */
export function workerRunner(worker: Worker): WorkRunner {
  let hasEnded = false;
  worker.on("exit", () => {
    hasEnded = true;
  });
  // A failure between two jobs is told by the next one.
  worker.on("error", () => undefined);
  return {
    run: (work) =>
      new Promise((resolve, reject) => {
        if (hasEnded) {
          reject(new ReadingStoreError("READINGS_WRITE_FAILED", "the store's worker has ended"));
          return;
        }
        const end = (): void => {
          worker.off("message", answered);
          worker.off("error", failed);
          worker.off("exit", exited);
        };
        const fail = (message: string, cause?: unknown): void => {
          end();
          reject(new ReadingStoreError("READINGS_WRITE_FAILED", message, { cause }));
        };
        const failed = (cause: unknown): void => fail("the store's worker failed", cause);
        const exited = (code: number): void => fail(`the store's worker ended with ${code}`);
        const answered = (reply: WorkReply): void => {
          if (!reply.ok) return fail(reply.message);
          end();
          return resolve(reply.result);
        };
        worker.on("message", answered);
        worker.on("error", failed);
        worker.on("exit", exited);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
        worker.postMessage(work);
      }),
  };
}

/** The far side: answers all work that comes. */
export function answerWork(port: MessagePort, run: (work: Work) => WorkResult): void {
  port.on("message", (work: Work) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
    port.postMessage(replyTo(work, run));
  });
}

function replyTo(work: Work, run: (work: Work) => WorkResult): WorkReply {
  try {
    return { ok: true, result: run(work) };
  } catch (cause) {
    return { ok: false, message: cause instanceof Error ? cause.message : String(cause) };
  }
}
