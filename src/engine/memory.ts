/** What the engine holds in memory, all of it derived from the ledger; a batch that fails is undone. */
import { nextDue } from "#alarms/alarmTimes.ts";
import type { Alarm, SystemRuleId } from "#domain/alarm.ts";
import type { Campaign } from "#domain/campaign.ts";
import type { Command } from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { Meter } from "#domain/meter.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { PlannedWork } from "#domain/plannedWork.ts";
import type { Recipient } from "#domain/recipient.ts";
import type { Webhook } from "#domain/webhook.ts";
import type { Clock } from "#ports/clock.ts";
import type { Ledger, Sequences } from "#ports/ledger.ts";
import { dayMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import { secondPersonPolicies, type SecondPersonPolicy } from "#valves/approval.ts";
import type { LinkState } from "#protocols/contract.ts";
import type { AutomationState } from "#valves/judge.ts";
import { noAlarms, recount, type AlarmCounts } from "./activeAlarms.ts";
import { openArrivals, type Arrivals } from "./followArrivals.ts";
import { newCalm, stir, type Calm } from "./calm.ts";
import type { Groups } from "./groups.ts";
import { dispatchSetting, openDispatch, type Dispatch } from "./dispatch.ts";
import { initialContext, reviveAlarms, reviveContext, type MeterContext } from "./context.ts";
import { Contexts } from "./contexts.ts";
import { withSharedWords, type SharedWords } from "./sharedWords.ts";

/** By rule; the outages, of which there can be several, by `outageKey`. */
export type SystemAlarmKey = Exclude<SystemRuleId, "OUTAGE"> | `OUTAGE ${string}`;
export type SystemAlarms = Partial<Readonly<Record<SystemAlarmKey, Alarm>>>;

/** The key of a group's outage. */
export function outageKey(group: string): SystemAlarmKey {
  return `OUTAGE ${group}`;
}

/** The groups that are out as far as the operators know. */
export function groupsOut(system: SystemAlarms): readonly string[] {
  return Object.values(system).flatMap((alarm) =>
    alarm?.rule === "OUTAGE" && alarm.returnedAtMs === null ? (alarm.subject ?? []) : [],
  );
}

/** Names of the settings that the engine keeps in the ledger. */
export const settingNames = Object.freeze({
  automationStopped: "automation.stopped",
  secondPerson: "valves.secondPerson",
  systemAlarms: "alarms.system",
  /** Hash of the last rule document of the settings file; "": there was none. */
  rulesFile: "rules.file",
  closing: "valves.closing",
  arrivals: "arrivals.usual",
  dispatch: dispatchSetting,
  notifiedSeq: "notify.toldSeq",
});

/** Meters near or just past their own close, and when that is; found by the watch, also after a restart. */
interface SelfClosing {
  readonly shutsAtMs: Map<number, number>;
  isCounted: boolean;
  countedAtMs: number;
}

export interface Memory {
  readonly meters: Map<number, Meter>;
  readonly words: SharedWords;
  readonly meterNoById: Map<string, number>;
  readonly meterNoByAddress: Map<string, number>;
  readonly meterNoByCarrierAddress: Map<string, number>;
  readonly gateways: Map<string, ReadonlySet<string>>;
  readonly contexts: Contexts;
  /** Keys of ciphered meters; only the vault opens them. */
  readonly sealedKeys: Map<number, readonly SealedKey[]>;
  /** Conversations with gateways, by their keys; and those that wait for something missing. */
  readonly edgeNodes: Map<string, LinkState>;
  readonly waitingNodes: Set<string>;
  /** Meters whose valve has an outstanding command. */
  readonly waiting: Set<number>;
  /** Meters whose alarms time alone will change, and when the first of them is due. */
  readonly due: Map<number, number>;
  /** Silent meters by group: found by the watch, and found again after a restart. */
  readonly silent: Map<string, Set<number>>;
  /** The group under which each of them stands there. */
  readonly silentIn: Map<number, string>;
  readonly selfClosing: SelfClosing;
  /** The watch has looked at every meter since the start: before, nobody knows who is back. */
  isSilenceKnown: boolean;
  /** Counts changes of meters and gateways. */
  registryVersion: number;
  /** Whose silence need not be looked at for a while. */
  readonly calm: Calm;
  /** Derived from both; null: not made yet. */
  groups: { readonly version: number; readonly groups: Groups } | null;
  /** What the breaker holds, with what a person needs to see what it has in common. */
  readonly held: Map<CommandId, Pick<Command, "meterNo" | "reason" | "requestedAtMs">>;
  /** Campaigns that wait or run. */
  readonly campaigns: Map<string, Campaign>;
  /** Planned works that nobody has ended, and the meters at which each hides an alarm. */
  readonly works: Map<string, PlannedWork>;
  readonly hiddenByWork: Map<string, Set<number>>;
  /** Derived from works and meters: the share of the usual uplinks that work keeps away; null: not made yet. */
  keptAway: { readonly of: string; readonly share: number } | null;
  readonly webhooks: Map<string, Webhook>;
  readonly recipients: Map<string, Recipient>;
  dispatch: Dispatch;
  /** Meters in each area. */
  readonly areaSizes: Map<string, number>;
  /** When this engine began to listen: before it, silence was ours. */
  readonly startedAtMs: TimestampMs;
  /** Standing alarms of meters by priority. */
  meterAlarms: AlarmCounts;
  system: SystemAlarms;
  arrivals: Arrivals;
  automation: AutomationState;
  /** When a person's close waits for a second person. */
  secondPerson: SecondPersonPolicy;
  sequences: { -readonly [Name in keyof Sequences]: number };
}

/** Reads everything that the engine must know before its first batch. */
export function loadMemory(ledger: Ledger, clock: Clock, awakeMax?: number): Memory {
  const nowMs = clock.nowMs();
  const access = ledger.access();
  const recentAreaCloses = ledger.automaticClosesSince(nowMs - dayMs);
  const memory: Memory = {
    meters: new Map(),
    words: new Map(),
    meterNoById: new Map(),
    meterNoByAddress: new Map(),
    meterNoByCarrierAddress: new Map(),
    gateways: new Map(access.gateways.map(({ id, meterIds }) => [id, new Set(meterIds)])),
    contexts: new Contexts(awakeMax),
    sealedKeys: new Map(),
    edgeNodes: new Map(),
    waitingNodes: new Set(),
    waiting: new Set(),
    due: new Map(),
    silent: new Map(),
    silentIn: new Map(),
    selfClosing: { shutsAtMs: new Map(), isCounted: true, countedAtMs: -Infinity },
    isSilenceKnown: false,
    registryVersion: 0,
    calm: newCalm(),
    groups: null,
    held: new Map(),
    campaigns: new Map(ledger.openCampaigns().map((campaign) => [campaign.id, campaign])),
    dispatch: openDispatch(ledger.setting(settingNames.dispatch), ledger.openWorkOrders()),
    recipients: new Map(access.recipients.map((recipient) => [recipient.id, recipient])),
    works: new Map(ledger.openPlannedWorks().map((work) => [work.id, work])),
    hiddenByWork: new Map(),
    keptAway: null,
    webhooks: new Map(ledger.webhooks().map((webhook) => [webhook.id, webhook])),
    areaSizes: new Map(),
    meterAlarms: { ...noAlarms },
    startedAtMs: timestampMs(nowMs),
    system: reviveAlarms(
      JSON.parse(ledger.setting(settingNames.systemAlarms) ?? "{}") as SystemAlarms,
    ),
    arrivals: openArrivals(ledger.setting(settingNames.arrivals)),
    automation: {
      stopped: ledger.setting(settingNames.automationStopped) === "yes",
      recentClosesMs: recentAreaCloses.map(({ atMs }) => atMs),
      recentAreaCloses,
      fleetSize: 0,
    },
    secondPerson: policyOf(ledger.setting(settingNames.secondPerson)),
    sequences: { ...ledger.sequences() },
  };
  for (const meter of ledger.meters()) rememberMeter(memory, meter);
  memory.automation = { ...memory.automation, fleetSize: memory.meters.size };
  for (const { meterNo, ...key } of ledger.meterKeys()) {
    memory.sealedKeys.set(meterNo, [...(memory.sealedKeys.get(meterNo) ?? []), key]);
  }
  for (const { id, now, births } of ledger.edgeNodes()) {
    memory.edgeNodes.set(id, { now: JSON.parse(now), births: JSON.parse(births) });
    // The first look at the clock says which of them wait.
    memory.waitingNodes.add(id);
  }
  for (const { meterNo, json } of ledger.contexts()) {
    const context = reviveContext(json);
    memory.contexts.set(meterNo, context);
    memory.contexts.rest();
    memory.meterAlarms = recount(memory.meterAlarms, {}, context.live);
    noteContext(memory, meterNo, context);
  }
  for (const command of ledger.openCommands()) {
    if (isHeldByBreaker(command)) memory.held.set(command.id, command);
  }
  return memory;
}

/** What is proposed, or left to persons by policy, has an alarm of its own. */
export function isHeldByBreaker({ state, detail }: Command): boolean {
  return state === "held" && detail === "breaker";
}

/** Unless somebody has said otherwise, a person closes alone: closing is the safe direction. */
function policyOf(stored: string | undefined): SecondPersonPolicy {
  return secondPersonPolicies.find((policy) => policy === stored) ?? "never";
}

/** Enters a meter, new or changed, in the look-up tables. */
export function rememberMeter(memory: Memory, meter: Meter): void {
  const before = memory.meters.get(meter.no);
  if (before !== undefined) forgetAddresses(memory, before);
  memory.registryVersion += 1;
  memory.meters.set(meter.no, withSharedWords(memory.words, meter));
  if (before?.area !== meter.area) {
    if (before !== undefined) countArea(memory, before.area, -1);
    countArea(memory, meter.area, 1);
  }
  memory.meterNoById.set(meter.id, meter.no);
  if (meter.frameAddress !== null) memory.meterNoByAddress.set(meter.frameAddress, meter.no);
  if (meter.carrierAddress !== null) {
    memory.meterNoByCarrierAddress.set(meter.carrierAddress, meter.no);
  }
}

/** Takes out a meter that was never to be: its batch could not be kept. */
export function forgetMeter(memory: Memory, meter: Meter): void {
  memory.registryVersion += 1;
  memory.meters.delete(meter.no);
  countArea(memory, meter.area, -1);
  memory.meterNoById.delete(meter.id);
  forgetAddresses(memory, meter);
}

/** An address that another meter has taken meanwhile stays with that one. */
function forgetAddresses(memory: Memory, { no, frameAddress, carrierAddress }: Meter): void {
  const { meterNoByAddress: frames, meterNoByCarrierAddress: carriers } = memory;
  if (frameAddress !== null && frames.get(frameAddress) === no) frames.delete(frameAddress);
  if (carrierAddress !== null && carriers.get(carrierAddress) === no) {
    carriers.delete(carrierAddress);
  }
}

/** Keeps the lists of meters that the watch must look at. */
export function noteContext(
  memory: Memory,
  meterNo: number,
  context: MeterContext | undefined,
): void {
  stir(memory.calm, meterNo);
  if ((context?.valve.outstanding ?? null) === null) memory.waiting.delete(meterNo);
  else memory.waiting.add(meterNo);
  const dueMs = firstDueMs(Object.values(context?.live ?? {}));
  if (dueMs === Infinity) memory.due.delete(meterNo);
  else memory.due.set(meterNo, dueMs);
  noteWorks(memory, meterNo, Object.values(context?.live ?? {}));
}

function noteWorks({ hiddenByWork }: Memory, meterNo: number, alarms: readonly Alarm[]): void {
  for (const [workId, meterNos] of hiddenByWork) {
    if (!alarms.some(({ hidden }) => hidden?.workId === workId)) meterNos.delete(meterNo);
    if (meterNos.size === 0) hiddenByWork.delete(workId);
  }
  for (const { hidden } of alarms) {
    if (hidden?.workId === undefined) continue;
    const meterNos = hiddenByWork.get(hidden.workId) ?? new Set();
    hiddenByWork.set(hidden.workId, meterNos.add(meterNo));
  }
}

function firstDueMs(alarms: readonly Alarm[]): number {
  return alarms.reduce(
    (dueMs, alarm) => Math.min(dueMs, nextDue(alarm)?.atMs ?? Infinity),
    Infinity,
  );
}

/** One meter more or less in the area. */
function countArea({ areaSizes }: Memory, area: string, by: 1 | -1): void {
  const meters = (areaSizes.get(area) ?? 0) + by;
  if (meters > 0) areaSizes.set(area, meters);
  else areaSizes.delete(area);
}

export function contextOf(memory: Memory, meterNo: number): MeterContext {
  return memory.contexts.get(meterNo) ?? initialContext;
}
