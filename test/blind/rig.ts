/** The real program with something wrong, and how long it takes until its alarm can be read. */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { callApi, type Service } from "../bench/service.ts";

/** Far beyond what is promised: a late alarm is measured, not cut off. */
const longestMs = 120_000;
const askEveryMs = 50;

export interface Sight {
  /** What says it: an alarm's rule, or a route. */
  readonly sign: string;
  readonly afterMs: number;
}

type Asked = Pick<Service, "api" | "key">;

async function until(isSo: () => Promise<boolean>, sign: string): Promise<number> {
  const beganMs = performance.now();
  while (!(await isSo())) {
    if (performance.now() - beganMs > longestMs) throw new TypeError(`never came: ${sign}`);
    await delay(askEveryMs);
  }
  return performance.now();
}

/** Whether such an alarm rings and has not been seen. */
async function rings(service: Asked, rule: string, level: number): Promise<boolean> {
  const { items } = (await callApi(service, "GET", "/v1/alarms")) as {
    readonly items: readonly { readonly rule: string; readonly state: string; level: number }[];
  };
  return items.some((alarm) => alarm.rule === rule && alarm.level >= level);
}

/** From the fault to the alarm; before the fault it must not have been there. */
export async function alarmAfter(
  service: Asked,
  rule: string,
  provoke: () => unknown,
  level = 1,
): Promise<Sight> {
  if (await rings(service, rule, level)) throw new TypeError(`${rule} rang before its fault`);
  const beganMs = performance.now();
  await provoke();
  const endMs = await until(() => rings(service, rule, level), rule);
  return { sign: rule, afterMs: Math.round(endMs - beganMs) };
}

/** Until `/readyz` says that no meter should come. */
export async function unreadyAfter(service: Asked, beganMs: number): Promise<Sight> {
  const isUnready = async () => (await fetch(`${service.api}/readyz`)).status === 503;
  const endMs = await until(isUnready, "/readyz 503");
  return { sign: "/readyz 503", afterMs: Math.round(endMs - beganMs) };
}
