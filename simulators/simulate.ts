/** `mercaptan simulate`: a district against an engine that runs already, somewhere. */
import { hourMs } from "#domain/units.ts";
import type { ApiAccess } from "./api.ts";
import { registerDistrict, runDistrict } from "./district.ts";
import { realTime } from "./clock.ts";
import { planDistrict } from "./plan.ts";
import type { TimeLapse } from "./clock.ts";
import type { Broker } from "./session.ts";
import { fileTruth, noTruth } from "./truth.ts";

export interface SimulateOptions {
  readonly api: ApiAccess;
  readonly broker: Broker;
  readonly meters: number;
  readonly seed: number;
  /** District time to live through. */
  readonly hours: number;
  /** Where the district's own record goes; null: nowhere. */
  readonly truthFile: string | null;
  /** The engine's own, when it runs in time-lapse. */
  readonly lapse?: TimeLapse;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

export interface SimulateOutcome {
  readonly meters: number;
  readonly acknowledged: number;
  /** Uploads that were not acknowledged at the end. */
  readonly pending: number;
}

/** Registers the district, lets it live for so many hours, and stops it. */
export async function runSimulate(options: SimulateOptions): Promise<SimulateOutcome> {
  const { api, broker, meters, seed, hours, truthFile, lapse = realTime, say } = options;
  const plans = planDistrict({ meters, seed });
  const registrations = await registerDistrict(api, plans);
  say?.(`${registrations.size} meters registered`);
  const truth = truthFile === null ? noTruth : fileTruth(truthFile);
  const fleet = runDistrict(plans, registrations, { broker, lapse, truth });
  await fleet.clock.sleepUntil(fleet.clock.nowMs() + hours * hourMs, options.signal);
  await fleet.settle();
  fleet.stop();
  truth.close();
  const { acknowledged, pending } = fleet;
  say?.(`${acknowledged} uploads acknowledged, ${pending} not yet`);
  return { meters, acknowledged, pending };
}
