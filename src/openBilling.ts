/** The near side of the billing worker, with the configured gas days as the calendars take them. */
import { Worker } from "node:worker_threads";
import type { GasDaySettings } from "#billing/gasDays.ts";
import type { Config } from "#config/schema.ts";
import { openBillingQueries, type BillingReads } from "#ledger/queryClient.ts";
import type { BillingWorkerData } from "./billingWorker.ts";
import type { FileKeys } from "./fileDisk.ts";

/** The worker starts with the first question. */
export function openBilling(
  directory: string,
  gasDay: Config["gasDay"],
  fileKeys: FileKeys,
): BillingReads {
  const url = new URL("./billingWorker.ts", import.meta.url);
  const workerData: BillingWorkerData = { directory, gasDays: gasDaysOf(gasDay), fileKeys };
  return openBillingQueries(() => new Worker(url, { workerData }));
}

/** The configured gas days as the calendars take them. */
export function gasDaysOf({ zone, start, areas }: Config["gasDay"]): GasDaySettings {
  const own = areas.map(({ area, zone, start }) => [area, { zone, startMinute: minuteOf(start) }]);
  return { zone, startMinute: minuteOf(start), areas: Object.fromEntries(own) };
}

/** Minutes since midnight of a local time such as 06:00. */
export function minuteOf(time: string): number {
  const [hour = "0", minute = "0"] = time.split(":");
  return Number(hour) * 60 + Number(minute);
}
