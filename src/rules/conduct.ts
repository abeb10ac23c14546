/**
 * How a rule behaves around its condition, apart from its thresholds: how urgent it is, how long it waits before it
 * rings and before it rests, and whether it wants the valve shut. These are the factory's; a rule document may set
 * others, as far as the table below lets it.
 */
import { meterRuleIds, type MeterRuleId, type Priority } from "#domain/alarm.ts";
import { ruleTable } from "./ruleTable.ts";

export interface Conduct {
  /** Of level 1 and of level 2. */
  readonly priority: Priority;
  readonly gravePriority: Priority;
  /** The condition must have held so long, by the meter's clock, before it is an alarm. */
  readonly onDelayMinutes: number;
  /** It must have been over so long before the alarm returns. */
  readonly offDelayMinutes: number;
  /** It may ask for a close: R1 orders one, as far as the policy lets it; the others propose it to persons. */
  readonly asksForClose: boolean;
}

export type Conducts = Readonly<Record<MeterRuleId, Conduct>>;

const asking: readonly MeterRuleId[] = ["R1"];

/** Nothing waits; a leak alone asks for its valve. */
export const factoryConduct = Object.freeze(
  Object.fromEntries(
    meterRuleIds.map((rule) => {
      const { priority } = ruleTable[rule];
      const delays = { onDelayMinutes: 0, offDelayMinutes: 0 };
      const conduct = { priority: priority[1], gravePriority: priority[2], ...delays };
      return [rule, { ...conduct, asksForClose: asking.includes(rule) }];
    }),
  ) as Conducts,
);

type ConductName = keyof Conduct;
const delays: readonly ConductName[] = ["onDelayMinutes", "offDelayMinutes"];

/** Rules that readings drive and that may wait; what may not: a leak, and gas behind a shut valve. */
const patient: readonly MeterRuleId[] = [
  ...(["R2", "R3", "R4", "R5", "R6", "R7", "R8", "R10"] as const),
  ...(["R11", "R13", "R14", "R16"] as const),
];
const mayAsk: readonly MeterRuleId[] = ["R1", "R2", "R3", "R5"];

/**
 * What a document may set of a rule. Nobody lowers what the factory rings at the highest priority, and nothing delays
 * a leak.
 */
export function settableConduct(rule: MeterRuleId): Partial<Conduct> {
  const { priority, gravePriority } = factoryConduct[rule];
  const names: readonly ConductName[] = [
    ...(priority === 1 ? [] : (["priority"] as const)),
    ...(gravePriority === 1 ? [] : (["gravePriority"] as const)),
    ...(patient.includes(rule) ? delays : []),
    ...(mayAsk.includes(rule) ? (["asksForClose"] as const) : []),
  ];
  const factory: Conduct = factoryConduct[rule];
  return Object.fromEntries(names.map((name) => [name, factory[name]]));
}
