/** A meter as a thing on a wall: its register, valve, battery and clock, with no radio (`session.ts`). */
import type { MeterSize, SiteClass } from "#domain/meter.ts";
import { meterSizes } from "#domain/meter.ts";
import { statusBits } from "#domain/status.ts";
import type { StatusFlags } from "#domain/status.ts";
import { emptyReading } from "#domain/telegram.ts";
import type { DecodedReading } from "#domain/telegram.ts";
import { hourMs, secondMs, timestampMs } from "#domain/units.ts";
import type { SimulatedProtocol } from "./codec.ts";
import { GasUse } from "./household.ts";
import { Register } from "./register.ts";
import { Valve } from "./valve.ts";
import type { ValveSettings } from "./valve.ts";

export interface MeterPlan {
  readonly id: string;
  readonly protocol: SimulatedProtocol;
  readonly size: MeterSize;
  readonly quantumMl: number;
  readonly registerRangeMl: number;
  readonly startIndexMl: number;
  readonly area: string;
  readonly siteClass: SiteClass;
  readonly longitude: number;
  readonly latitude: number;
  readonly critical: boolean;
  /** CJ/T 188: the 14 digits in its frames. */
  readonly frameAddress: string | null;
  readonly reportEveryMs: number;
  readonly valve: ValveSettings;
  /** Fixes the habits of the site. */
  readonly seed: number;
}

/** Gas beyond the site's habits: a leak, an overload. */
export interface ExtraFlow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly mlPerHour: number;
}

export interface Battery {
  readonly fullMv: number;
  readonly fadeMvPerHour: number;
  readonly sinceMs: number;
}

const batteryFullMv = 3_650;
const batteryLowMv = 3_200;
const batteryCriticalMv = 3_000;
const batteryEmptyMv = 2_800;

export class SimMeter {
  readonly plan: MeterPlan;
  readonly valve: Valve;
  readonly register: Register;
  /** Levels that a sensor holds, without those that follow from valve and battery. */
  sensorStatus: StatusFlags = 0;
  /** What the meter's clock shows beyond the true time. */
  clockShiftMs = 0;
  battery: Battery = { fullMv: batteryFullMv, fadeMvPerHour: 0, sinceMs: 0 };
  readonly extraFlows: ExtraFlow[] = [];
  readonly #use: GasUse;
  #atMs: number;

  constructor(plan: MeterPlan, startMs: number) {
    this.plan = plan;
    this.valve = new Valve(plan.valve);
    this.register = new Register(plan.startIndexMl);
    const { qmaxMlPerHour } = meterSizes[plan.size];
    this.#use = new GasUse({ siteClass: plan.siteClass, seed: plan.seed, qmaxMlPerHour });
    this.#atMs = wholeSecond(startMs);
  }

  /** Lets time and gas pass; the past is not changed. */
  advanceTo(nowMs: number): void {
    const motorEndsAtMs = this.valve.motorEndsAtMs;
    if (motorEndsAtMs !== null && this.#atMs < motorEndsAtMs && motorEndsAtMs < nowMs) {
      this.#pass(motorEndsAtMs);
    }
    if (nowMs > this.#atMs) this.#pass(nowMs);
  }

  #pass(toMs: number): void {
    const fromMs = this.#atMs;
    const limitMlPerHour = this.valve.limitMlPerHour(fromMs);
    const limited = limitMlPerHour !== null;
    this.register.pass(limited ? limitMlPerHour * (toMs - fromMs) : this.#wanted(fromMs, toMs));
    this.#atMs = toMs;
  }

  /** What appliances and leaks would take, in ml/h × ms. */
  #wanted(fromMs: number, toMs: number): number {
    let sum = this.#use.between(fromMs, toMs);
    for (const extra of this.extraFlows) {
      const ms = Math.min(extra.toMs, toMs) - Math.max(extra.fromMs, fromMs);
      if (ms > 0) sum += extra.mlPerHour * ms;
    }
    return sum;
  }

  /** Flow through the meter at the instant. */
  flowAt(atMs: number): number {
    let flow = this.#use.flowAt(atMs);
    for (const extra of this.extraFlows) {
      if (extra.fromMs <= atMs && atMs < extra.toMs) flow += extra.mlPerHour;
    }
    return this.valve.limitMlPerHour(atMs) ?? flow;
  }

  /** What the meter would report now, by its own clock, in whole seconds. */
  reading(nowMs: number): DecodedReading {
    const atMs = wholeSecond(nowMs);
    this.advanceTo(atMs);
    const batteryMv = this.#batteryMvAt(atMs);
    return {
      ...emptyReading,
      measuredAtMs: timestampMs(wholeSecond(atMs + this.clockShiftMs)),
      volume: this.register.shown(this.plan.quantumMl, this.plan.registerRangeMl),
      flowMlPerHour: Math.floor(this.flowAt(atMs) / 1_000) * 1_000,
      temperatureCentiC: 1_800,
      batteryMv,
      batteryPct: batteryPct(batteryMv),
      signalDbm: -91,
      valve: this.valve.positionAt(atMs),
      status: this.sensorStatus | this.#derivedStatus(atMs, batteryMv),
    };
  }

  #derivedStatus(atMs: number, batteryMv: number): StatusFlags {
    let flags = 0;
    if (batteryMv < batteryLowMv) flags |= statusBits.battery_low;
    if (batteryMv < batteryCriticalMv) flags |= statusBits.battery_critical;
    if (this.flowAt(atMs) > meterSizes[this.plan.size].qmaxMlPerHour) flags |= statusBits.over_flow;
    if (this.valve.positionAt(atMs) === "fault") flags |= statusBits.valve_fault;
    return flags;
  }

  #batteryMvAt(atMs: number): number {
    const { fullMv, fadeMvPerHour, sinceMs } = this.battery;
    const hours = Math.max(0, atMs - sinceMs) / hourMs;
    return Math.max(batteryEmptyMv, Math.round(fullMv - fadeMvPerHour * hours));
  }
}

function batteryPct(mv: number): number {
  const share = (mv - batteryEmptyMv) / (batteryFullMv - batteryEmptyMv);
  return Math.round(Math.min(1, Math.max(0, share)) * 100);
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / secondMs) * secondMs;
}
