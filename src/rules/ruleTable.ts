/** Every rule with what people and machines must know of it; the rules themselves hold their thresholds. */
import {
  ownRuleIds,
  type ConditionLevel,
  type Priority,
  type RuleId,
  type OwnRuleId,
} from "#domain/alarm.ts";

export interface RuleEntry {
  /** Counts changes of the rule's meaning; stored with every alarm. */
  readonly version: number;
  /** The alarm stays until a person resets it. */
  readonly latching: boolean;
  readonly priority: { readonly 1: Priority; readonly 2: Priority };
  /** Levels that are no operator's business: they go to a work list (clause 6.2.4). */
  readonly listed?: readonly ConditionLevel[];
  readonly source: string;
}

/**
 * Per rule: version, latching, priority per level, and source or clause (of DB3306/T 049-2022).
 * R9 does not latch: its condition ends when the valve is reported open, which only a person at the meter can
 * bring about, so somebody has been there already.
 */
const builtIn: Readonly<Record<Exclude<RuleId, OwnRuleId>, RuleEntry>> = {
  R1: {
    version: 1,
    latching: true,
    priority: { 1: 1, 2: 1 },
    source: "6.1.3 leak; meter's leak bit or external alarm contact, at once",
  },
  R2: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "6.1.3 abnormal flow; EN 1359 overload flow rate, 1.2 Qmax",
  },
  R3: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "6.1.3 abnormal flow; 1.5 times the largest flow of the last 45 to 90 days",
  },
  R4: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source:
      "6.1.3 abnormal flow; a step above 1.5 times the largest appliance seen, as Japanese meters do",
  },
  R5: {
    version: 3,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source:
      "6.1.3 abnormal flow; steady use, 6, 12 or 2 hours by band of flow; a least hour that has risen",
  },
  R6: {
    version: 2,
    latching: false,
    priority: { 1: 3, 2: 2 },
    source: "6.1.3 leak; no quiet window for 10 and 30 days, as Japanese meters do",
  },
  R7: {
    version: 2,
    latching: false,
    priority: { 1: 3, 2: 3 },
    source: "6.1.3 leak; an even flow through seven nights",
  },
  R8: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "6.2.1 abnormal data; a register that went back without an explanation",
  },
  R9: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "6.1.3 close valve; two quanta behind a valve reported closed",
  },
  R10: {
    version: 2,
    latching: false,
    priority: { 1: 3, 2: 2 },
    listed: [1],
    source: "6.1.3 under-voltage; two levels with hysteresis",
  },
  R11: {
    version: 1,
    latching: true,
    priority: { 1: 2, 2: 2 },
    source: "6.2.1 abnormal data; magnet, tilt or cover bit, until the site visit",
  },
  R12: {
    version: 2,
    latching: false,
    priority: { 1: 4, 2: 3 },
    listed: [1],
    source: "6.2.1 automatic reading; two reports missed, three days of silence",
  },
  R13: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 1 },
    source: "6.1.3 abnormal flow; pressure below or above what appliances are made for",
  },
  R14: {
    version: 1,
    latching: false,
    priority: { 1: 4, 2: 4 },
    listed: [1, 2],
    source: "6.2.4 reminders; no use for 30 and 90 days",
  },
  R15: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "6.1.3 close valve; a close command that was not carried out",
  },
  R16: {
    version: 1,
    latching: false,
    priority: { 1: 4, 2: 4 },
    source: "7.1.6 accuracy; the meter's clock is ahead or without a date",
  },
  R17: {
    version: 1,
    latching: false,
    priority: { 1: 4, 2: 4 },
    listed: [1, 2],
    source: "6.2.4 reminders; verification or end of service in 30 days, in 7, and today",
  },
  R18: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "6.2.4 live watch of commercial alarm devices; no heartbeat for two periods",
  },
  R19: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "uncontrolled flow after a permitted opening, as GBCS and Zigbee meters watch for",
  },
  R20: {
    version: 1,
    latching: false,
    priority: { 1: 4, 2: 4 },
    listed: [1, 2],
    source: "6.2.4 reminders; a valve that has moved 90 % and 100 % of the times it is rated for",
  },
  R21: {
    version: 1,
    latching: false,
    priority: { 1: 4, 2: 2 },
    listed: [1],
    source: "6.1.3 close valve; days left before a meter that is not heard shuts itself",
  },
  BLIND: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "7.1.6 completeness; readings cannot be made durable",
  },
  PARKED: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "7.1.6 completeness; a meter's readings are kept but not judged",
  },
  OUTAGE: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "6.2.1 automatic reading; many meters of one gateway or area are silent at once",
  },
  SELF_CLOSURE: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 1 },
    source: "7.1.5 fault plan; many meters that nobody hears are about to shut themselves",
  },
  WORK: {
    version: 1,
    latching: false,
    priority: { 1: 3, 2: 3 },
    source: "6.2.2 trace of every operation; planned work is past its end and nobody has ended it",
  },
  COMMAND_MISMATCH: {
    version: 1,
    latching: true,
    priority: { 1: 3, 2: 2 },
    source: "faults 42; an answer to an order of another meter, or never given, or ended",
  },
  BREAKER: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "6.1.3 close valve; automatic closes held for a person",
  },
  ARRIVALS: {
    version: 2,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source:
      "7.1.6 completeness; ten minutes with less than 70 % of the usual uplinks, or seconds with hardly any",
  },
  LAG: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "7.1.6 completeness; the engine is more than 5 s behind",
  },
  CLOCK: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "7.1.6 accuracy; the machine's clock was moved by more than 5 s",
  },
  DISK: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 1 },
    source: "7.1.5 fault plan; less than 20 % and 10 % of the disk are free",
  },
  INTAKE: {
    version: 1,
    latching: false,
    priority: { 1: 1, 2: 1 },
    source: "7.1.5 fault plan; the disk's reserve is in use and ordinary readings are refused",
  },
  BACKUP: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "7.3.3 scheduled backup; the last one failed or is twice as old as it should be",
  },
  DAMAGE: {
    version: 1,
    latching: true,
    priority: { 1: 2, 2: 2 },
    source: "7.3.3 integrity of data; a checksum of what is stored does not fit",
  },
  HEARTBEAT: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "7.1.5 fault plan; the watchdog outside cannot be told that we live",
  },
  NOTIFIER: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "5.4.2 interfaces; somebody outside cannot be told what happened",
  },
  FANOUT: {
    version: 1,
    latching: false,
    priority: { 1: 2, 2: 2 },
    source: "6.1.3 real-time alarm; nobody reads the live feed any more",
  },
};

/** Their words and urgency are the document's; this is what is left of them when it is gone. */
const own: RuleEntry = {
  version: 1,
  latching: false,
  priority: { 1: 3, 2: 3 },
  source: "a rule of the utility's own, in its rule document",
};

/** Every rule with what people and machines must know of it. */
export const ruleTable: Readonly<Record<RuleId, RuleEntry>> = Object.freeze({
  ...builtIn,
  ...(Object.fromEntries(ownRuleIds.map((id) => [id, own])) as Record<OwnRuleId, RuleEntry>),
});

/** Whether this level of the rule goes to a work list instead of to the operators. */
export function isListed(rule: RuleId, level: ConditionLevel): boolean {
  return ruleTable[rule].listed?.includes(level) === true;
}
