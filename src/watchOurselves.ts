/** The watch over the process itself, the disk's reserve, and the backups: joined to the engine and the settings. */
import type { Config } from "#config/schema.ts";
import type { Secrets } from "#config/secrets.ts";
import type { EngineQueue } from "#engine/uplinkQueue.ts";
import { QueryError } from "#ledger/queryError.ts";
import type { Observability } from "#observability/createObservability.ts";
import type { Queries } from "#ports/queries.ts";
import { DiskReserve } from "#selfwatch/diskReserve.ts";
import { freeSpaceOf } from "#selfwatch/freeSpace.ts";
import { reserveFileIn } from "#selfwatch/reserveFile.ts";
import { SelfWatch } from "#selfwatch/selfWatch.ts";
import type { Aftermath } from "./aftermath.ts";
import { startBackups } from "./backupSchedule.ts";
import { startFileWalk } from "./fileWalk.ts";
import type { SystemClock } from "./systemClock.ts";

interface Base {
  readonly config: Pick<Config, "disk" | "heartbeat" | "backup">;
  readonly secrets: Pick<Secrets, "fileKeys">;
  readonly directory: string;
  readonly queue: EngineQueue;
  readonly clock: SystemClock;
  readonly observability: Observability;
  readonly aftermath: Aftermath;
}

const mebibyte = 1024 * 1024;
const damageEveryMs = 10_000;

/** Only behind it does the engine learn what is wrong with the process around it. */
export function watchOurselves(
  base: Base,
  readers: readonly Pick<Queries, "readingDamage">[],
): { stop(): Promise<void> } {
  const { config, secrets, directory, queue, clock, observability, aftermath } = base;
  const { file, url, everySeconds } = config.heartbeat;
  const reserve = new DiskReserve({
    file: reserveFileIn(directory),
    reserveBytes: config.disk.reserveMib * mebibyte,
    clock,
    restrict: (isOn) => queue.restrict(isOn),
  });
  const selfWatch = new SelfWatch({
    queue,
    clock,
    freeSpace: freeSpaceOf(directory),
    reserve,
    outward: {
      stuckReceivers: (longerThanMs) =>
        (aftermath.notifier?.stuck(longerThanMs) ?? 0) +
        (aftermath.teller?.stuck(longerThanMs) ?? 0),
      undrainedMs: () => aftermath.hub?.undrainedMs() ?? 0,
    },
    heartbeat: { file, url, everySeconds },
    observer: observability.observer,
    isWell: () => aftermath.readiness().ready,
  });
  aftermath.reserve = reserve;
  aftermath.selfWatch = selfWatch;
  selfWatch.start();
  aftermath.tellDamage();
  const damageTimer = setInterval(() => {
    for (const reader of readers) void lookForDamage(reader, base.aftermath);
  }, damageEveryMs);
  const walk = startFileWalk({
    worker: { directory, fileKeys: secrets.fileKeys },
    observer: observability.observer,
    onDamage: (places) => aftermath.noteDamage(places),
  });
  const backups = startSchedule(base, selfWatch);
  return {
    async stop() {
      selfWatch.stop();
      clearInterval(damageTimer);
      await walk.stop();
      await backups?.stop();
    },
  };
}

/** What readers of the API, of billing and of the copy have met; the engine's own comes with its reports. */
async function lookForDamage(
  reader: Pick<Queries, "readingDamage">,
  aftermath: Aftermath,
): Promise<void> {
  try {
    aftermath.noteDamage(await reader.readingDamage());
  } catch (cause) {
    // The worker is starting anew or has too much to do: the next look asks again.
    if (!(cause instanceof QueryError)) throw cause;
  }
}

function startSchedule(base: Base, selfWatch: SelfWatch): { stop(): Promise<void> } | null {
  const { config, secrets, directory, observability } = base;
  const { folder, everyHours, keep, determinants } = config.backup;
  if (folder === undefined) return null;
  const worker = { dataDir: directory, folder, keep, determinants, fileKeys: secrets.fileKeys };
  const { observer } = observability;
  return startBackups({ worker, everyHours, observer, selfWatch, nowMs: Date.now });
}
