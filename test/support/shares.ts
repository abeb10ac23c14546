/** One long task in several threads of the same program, each with a share of it. */
import { availableParallelism } from "node:os";
import { parentPort, Worker, workerData } from "node:worker_threads";

export const sharesDefault = String(availableParallelism());

const port = parentPort;

/** In a thread: does its share and tells what came of it. False: this is the program itself. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the program knows what it gave its threads
export async function didShare<Share>(run: (share: Share) => unknown): Promise<boolean> {
  if (port === null) return false;
  port.postMessage(await run(workerData as Share));
  return true;
}

/** Starts the program at this address once for each share, and waits for all. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what its threads tell
export function runShares<Report>(program: string, shares: readonly unknown[]): Promise<Report[]> {
  return Promise.all(
    shares.map((share) => {
      const worker = new Worker(new URL(program), { workerData: share });
      return new Promise<Report>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    }),
  );
}
