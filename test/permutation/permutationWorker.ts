/** A thread of `npm run permutation-test`: one share after the other. */
import { parentPort } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import { runShare, type Share } from "./permutationRun.ts";

invariant(parentPort !== null, "permutationWorker.ts runs as a worker thread only");
const port = parentPort;
port.on("message", (share: Share) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  port.postMessage(runShare(share));
});
