/** The queue before the engine, with the engine's end and the turns of the event loop in the test's hands. */
import { timestampMs } from "#domain/units.ts";
import type { EngineBatch } from "#engine/messages.ts";
import { EngineQueue } from "#engine/uplinkQueue.ts";
import { protocolByName } from "#protocols/registry.ts";

export const nothing = () => undefined;

/** A queue whose engine is not ready yet; `turn` runs what was put off to the end of the turn. */
export function queueRig() {
  const batches: EngineBatch[] = [];
  const deferred: (() => void)[] = [];
  const queue = new EngineQueue({
    port: { post: (batch) => void batches.push(batch) },
    clock: { nowMs: () => timestampMs(0), monotonicMs: () => 0 },
    observer: { note: nothing },
    metrics: {
      batchCommitted: nothing,
      uplinkRefused: nothing,
      connections: nothing,
      activeAlarms: nothing,
      alarmToLive: nothing,
      engineLag: nothing,
      sinkLag: nothing,
      delivery: nothing,
      alarmRang: nothing,
      alarmFigures: nothing,
      held: nothing,
    },
    protocols: protocolByName,
    defer: (run) => void deferred.push(run),
    onCommit: nothing,
    onStoreFailure: nothing,
    onStoreRecovered: nothing,
  });
  const turn = () => {
    for (const run of deferred.splice(0)) run();
  };
  return { queue, batches, turn };
}
