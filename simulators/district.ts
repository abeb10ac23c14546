/** A district's entry in the engine's registry, and its life on the wire. */
import { secondMs } from "#domain/units.ts";
import { ApiError, callApi, stringIn } from "./api.ts";
import type { ApiAccess } from "./api.ts";
import type { TimeLapse } from "./clock.ts";
import { Fleet } from "./fleet.ts";
import { SimMeter } from "./meter.ts";
import type { MeterPlan } from "./meter.ts";
import { defaultRadioSettings } from "./radio.ts";
import type { RadioNotice, RadioSettings } from "./radio.ts";
import type { Broker } from "./session.ts";
import type { Truth } from "./truth.ts";

/** What a meter needs to log in, and where its index stands when the engine knew it before. */
export interface Registration {
  readonly secret: string;
  readonly knownIndexMl: number | null;
}

const requestsAtATime = 48;
const alreadyExistsStatus = 409;
const mlPerM3 = 1_000_000;

/** Enters every meter in the registry and has a secret issued for each. */
export async function registerDistrict(
  api: ApiAccess,
  plans: readonly MeterPlan[],
  onProgress: (done: number) => void = () => undefined,
): Promise<ReadonlyMap<string, Registration>> {
  const registrations = new Map<string, Registration>();
  const left = plans.values();
  const work = async (): Promise<void> => {
    for (const plan of left) {
      registrations.set(plan.id, await registerMeter(api, plan));
      onProgress(registrations.size);
    }
  };
  await Promise.all(Array.from({ length: requestsAtATime }, work));
  return registrations;
}

async function registerMeter(api: ApiAccess, plan: MeterPlan): Promise<Registration> {
  let knownIndexMl: number | null = null;
  try {
    await callApi(api, "POST", "/v1/meters", registryEntry(plan));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== alreadyExistsStatus) throw error;
    knownIndexMl = await latestIndexMl(api, plan.id);
  }
  const issued = await callApi(api, "POST", `/v1/meters/${plan.id}/credentials`);
  const secret = stringIn(issued, "secret");
  if (secret === undefined) throw new ApiError(0, `no secret for ${plan.id}`);
  return { secret, knownIndexMl };
}

async function latestIndexMl(api: ApiAccess, meterId: string): Promise<number | null> {
  const latest = await callApi(api, "GET", `/v1/meters/${meterId}/readings/latest`).catch(
    (error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    },
  );
  const volumeM3 = stringIn(latest, "volumeM3");
  return volumeM3 === undefined ? null : Math.round(Number(volumeM3) * mlPerM3);
}

function registryEntry(plan: MeterPlan) {
  return {
    id: plan.id,
    size: plan.size,
    protocol: plan.protocol,
    quantumMl: plan.quantumMl,
    registerRangeMl: plan.registerRangeMl,
    area: plan.area,
    siteClass: plan.siteClass,
    position: { longitude: plan.longitude, latitude: plan.latitude, crs: "WGS84" },
    critical: plan.critical,
    frameAddress: plan.frameAddress,
    profile: plan.protocol === "cjt188" ? "simulated-cjt188" : null,
    reportEverySeconds: Math.max(1, Math.round(plan.reportEveryMs / secondMs)),
  };
}

export interface DistrictRun {
  readonly broker: Broker;
  readonly lapse: TimeLapse;
  readonly truth: Truth;
  readonly radio?: Partial<Omit<RadioSettings, "broker">>;
  readonly onNotice?: (notice: RadioNotice) => void;
}

/** Brings the registered meters to life. The caller stops the fleet. */
export function runDistrict(
  plans: readonly MeterPlan[],
  registrations: ReadonlyMap<string, Registration>,
  run: DistrictRun,
): Fleet {
  const { broker, radio, ...rest } = run;
  const fleet = new Fleet({ ...rest, radio: { ...defaultRadioSettings, ...radio, broker } });
  const startMs = fleet.clock.nowMs();
  for (const plan of plans) {
    const registration = registrations.get(plan.id);
    if (registration === undefined) continue;
    const startIndexMl = registration.knownIndexMl ?? plan.startIndexMl;
    fleet.add(new SimMeter({ ...plan, startIndexMl }, startMs), registration.secret);
  }
  fleet.start();
  return fleet;
}
