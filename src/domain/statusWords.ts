/** The status words of a meter for people, in the two languages that are spoken at the desk. */
import type { StatusName } from "./status.ts";

/** A status as people say it. */
export interface StatusWord {
  readonly en: string;
  readonly zh: string;
}

export const statusWords: Readonly<Record<StatusName, StatusWord>> = {
  leak: { en: "leak", zh: "燃气泄漏" },
  external_alarm: { en: "external alarm", zh: "外接报警" },
  over_flow: { en: "over flow", zh: "流量过载" },
  large_flow: { en: "large flow", zh: "异常大流量" },
  micro_flow: { en: "micro flow", zh: "微小流量" },
  continuous_flow: { en: "continuous flow", zh: "持续用气超时" },
  low_pressure: { en: "low pressure", zh: "压力过低" },
  high_pressure: { en: "high pressure", zh: "压力过高" },
  reverse_flow: { en: "reverse flow", zh: "反向流量" },
  battery_low: { en: "battery low", zh: "电量低" },
  battery_critical: { en: "battery critical", zh: "电量严重不足" },
  magnet: { en: "magnet", zh: "磁干扰" },
  tilt: { en: "tilt", zh: "倾斜" },
  cover_open: { en: "cover open", zh: "表盖打开" },
  valve_fault: { en: "valve fault", zh: "阀门故障" },
  valve_passing: { en: "valve passing", zh: "阀门直通" },
  meter_fault: { en: "meter fault", zh: "计量故障" },
  clock_fault: { en: "clock fault", zh: "时钟故障" },
};
