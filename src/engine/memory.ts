/** What the engine holds in memory, all of it derived from the ledger; a batch that fails is undone. */
import { nextDue } from "#alarms/alarmTimes.ts";
import type { Alarm, SystemRuleId } from "#domain/alarm.ts";
import type { CommandId } from "#domain/ids.ts";
import type { Meter } from "#domain/meter.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { Clock } from "#ports/clock.ts";
import type { Ledger, Sequences } from "#ports/ledger.ts";
import { dayMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import type { AutomationState } from "#valves/judge.ts";
import { noAlarms, recount, type AlarmCounts } from "./activeAlarms.ts";
import type { Groups } from "./groups.ts";
import { initialContext, reviveAlarms, reviveContext, type MeterContext } from "./context.ts";

/** By rule; the outages, of which there can be several, by `outageKey`. */
export type SystemAlarmKey = Exclude<SystemRuleId, "OUTAGE"> | `OUTAGE ${string}`;
export type SystemAlarms = Partial<Readonly<Record<SystemAlarmKey, Alarm>>>;

/** The key of a group's outage. */
export function outageKey(group: string): SystemAlarmKey {
  return `OUTAGE ${group}`;
}

/** Names of the settings that the engine keeps in the ledger. */
export const settingNames = Object.freeze({
  automationStopped: "automation.stopped",
  systemAlarms: "alarms.system",
  rules: "rules.history",
});

export interface Memory {
  readonly meters: Map<number, Meter>;
  readonly meterNoById: Map<string, number>;
  readonly meterNoByAddress: Map<string, number>;
  readonly meterNoByCarrierAddress: Map<string, number>;
  readonly gateways: Map<string, ReadonlySet<string>>;
  readonly contexts: Map<number, MeterContext>;
  /** Keys of ciphered meters; only the vault opens them. */
  readonly sealedKeys: Map<number, readonly SealedKey[]>;
  /** Meters whose valve has an outstanding command. */
  readonly waiting: Set<number>;
  readonly held: Set<CommandId>;
  /** Meters whose alarms time alone will change, and when the first of them is due. */
  readonly due: Map<number, number>;
  /** Silent meters by group: found by the watch, and found again after a restart. */
  readonly silent: Map<string, Set<number>>;
  /** Counts changes of meters and gateways. */
  registryVersion: number;
  /** Derived from both; null: not made yet. */
  groups: { readonly version: number; readonly groups: Groups } | null;
  /** When this engine began to listen: before it, silence was ours. */
  readonly startedAtMs: TimestampMs;
  /** Standing alarms of meters by priority. */
  meterAlarms: AlarmCounts;
  system: SystemAlarms;
  automation: AutomationState;
  sequences: { -readonly [Name in keyof Sequences]: number };
}

/** Reads everything that the engine must know before its first batch. */
export function loadMemory(ledger: Ledger, clock: Clock): Memory {
  const nowMs = clock.nowMs();
  const directory = ledger.directory();
  const memory: Memory = {
    meters: new Map(),
    meterNoById: new Map(),
    meterNoByAddress: new Map(),
    meterNoByCarrierAddress: new Map(),
    gateways: new Map(directory.gateways.map(({ id, meterIds }) => [id, new Set(meterIds)])),
    contexts: new Map(),
    sealedKeys: new Map(),
    waiting: new Set(),
    held: new Set(),
    due: new Map(),
    silent: new Map(),
    registryVersion: 0,
    groups: null,
    meterAlarms: { ...noAlarms },
    startedAtMs: timestampMs(nowMs),
    system: reviveAlarms(
      JSON.parse(ledger.setting(settingNames.systemAlarms) ?? "{}") as SystemAlarms,
    ),
    automation: {
      stopped: ledger.setting(settingNames.automationStopped) === "yes",
      recentClosesMs: ledger.automaticClosesSince(nowMs - dayMs),
      fleetSize: directory.meters.length,
    },
    sequences: { ...ledger.sequences() },
  };
  for (const meter of directory.meters) rememberMeter(memory, meter);
  for (const { meterNo, ...key } of ledger.meterKeys()) {
    memory.sealedKeys.set(meterNo, [...(memory.sealedKeys.get(meterNo) ?? []), key]);
  }
  for (const { meterNo, json } of ledger.contexts()) {
    const context = reviveContext(json);
    memory.contexts.set(meterNo, context);
    memory.meterAlarms = recount(memory.meterAlarms, {}, context.live);
    noteContext(memory, meterNo, context);
  }
  for (const command of ledger.openCommands()) {
    if (command.state === "held") memory.held.add(command.id);
  }
  return memory;
}

/** Enters a meter, new or changed, in the look-up tables. */
export function rememberMeter(memory: Memory, meter: Meter): void {
  const before = memory.meters.get(meter.no);
  if (before !== undefined) forgetAddresses(memory, before);
  memory.registryVersion += 1;
  memory.meters.set(meter.no, meter);
  memory.meterNoById.set(meter.id, meter.no);
  if (meter.frameAddress !== null) memory.meterNoByAddress.set(meter.frameAddress, meter.no);
  if (meter.carrierAddress !== null) {
    memory.meterNoByCarrierAddress.set(meter.carrierAddress, meter.no);
  }
}

/** Takes out a meter that was never to be: its batch could not be kept. */
export function forgetMeter(memory: Memory, meter: Meter): void {
  memory.meters.delete(meter.no);
  memory.meterNoById.delete(meter.id);
  forgetAddresses(memory, meter);
}

function forgetAddresses(memory: Memory, { frameAddress, carrierAddress }: Meter): void {
  if (frameAddress !== null) memory.meterNoByAddress.delete(frameAddress);
  if (carrierAddress !== null) memory.meterNoByCarrierAddress.delete(carrierAddress);
}

/** Keeps the lists of meters that the watch must look at. */
export function noteContext(
  memory: Memory,
  meterNo: number,
  context: MeterContext | undefined,
): void {
  if ((context?.valve.outstanding ?? null) === null) memory.waiting.delete(meterNo);
  else memory.waiting.add(meterNo);
  const dueMs = firstDueMs(Object.values(context?.live ?? {}));
  if (dueMs === Infinity) memory.due.delete(meterNo);
  else memory.due.set(meterNo, dueMs);
}

function firstDueMs(alarms: readonly Alarm[]): number {
  return alarms.reduce(
    (dueMs, alarm) => Math.min(dueMs, nextDue(alarm)?.atMs ?? Infinity),
    Infinity,
  );
}

export function contextOf(memory: Memory, meterNo: number): MeterContext {
  return memory.contexts.get(meterNo) ?? initialContext;
}
