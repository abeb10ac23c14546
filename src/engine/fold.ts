/**
 * A meter's readings folded in event time: screening, then rules. Whatever the order of arrival, the result
 * is the fold over the readings sorted by time, so order, delay and duplication do not matter.
 */
import type { Occurrence } from "#domain/alarm.ts";
import { readingFlags, type Quality, type SeenReading } from "#domain/reading.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { Conducts } from "#rules/conduct.ts";
import { stepOwn, type CompiledRule, type OwnStates } from "#rules/ownRules.ts";
import type { Interval, RuleReading, RuleSettings } from "#rules/rule.ts";
import { initialRuleStates, stepRules, type RuleStates } from "#rules/stepRules.ts";
import {
  judgeRegister,
  type RegisterSettings,
  type RegisterState,
  type RegisterVerdict,
} from "#screening/judgeRegister.ts";
import { judgeDecided, type DecidedRegister } from "./decided.ts";
import { throughExchange, type FoldExchange } from "./exchange.ts";
import { oneOf } from "#screening/versions.ts";
import { followConditions, type OpenOccurrences, type Waiting } from "./conditions.ts";

export interface FoldSettings extends RuleSettings, RegisterSettings {
  /** Version of the rule document in force; null: the factory's thresholds. */
  readonly rulesVersion: string | null;
  readonly conduct: Conducts;
  /** Rules that the document brings along. */
  readonly own: readonly CompiledRule[];
}

/** How a meter is judged at an instant, and what persons know of its registers. */
export interface InstantSettings {
  readonly settings: FoldSettings;
  readonly exchanges: readonly FoldExchange[] | undefined;
  readonly decided?: readonly DecidedRegister[] | undefined;
}

/** All that the past says about a meter; JSON-serialisable. */
export interface FoldState {
  /** Instants folded so far. */
  readonly count: number;
  readonly firstMs: TimestampMs | null;
  readonly lastMs: TimestampMs | null;
  readonly register: RegisterState;
  readonly rules: RuleStates;
  readonly open: OpenOccurrences;
  /** Conditions that wait out their delay; absent where none does. */
  readonly waiting?: Waiting;
  /** Absent where no rule of the utility's own holds or fails. */
  readonly own?: OwnStates;
}

export const initialFold: FoldState = {
  count: 0,
  firstMs: null,
  lastMs: null,
  register: null,
  rules: initialRuleStates,
  open: {},
};

export interface Verdict {
  readonly quality: Quality;
  /** Findings of the fold; the flags of time and conflict are not among them. */
  readonly flags: number;
}

export interface FoldedInstant {
  readonly state: FoldState;
  readonly verdict: Verdict;
  /** Conditions that ended with this reading. */
  readonly ended: readonly Occurrence[];
}

/** Flags that the fold decides; a new fold may set or lift them. */
export const foldFlags =
  readingFlags.ROLLOVER |
  readingFlags.REGISTER_BACK |
  readingFlags.REGISTER_ZERO |
  readingFlags.RESUMED |
  readingFlags.RESYNC |
  readingFlags.RANGE |
  readingFlags.CONFLICT |
  readingFlags.NEGATIVE |
  readingFlags.BATTERY_VALUE;

/** Folds all versions of one instant; instants are handed over in strictly increasing order. */
export function foldInstant(
  { settings, exchanges, decided }: InstantSettings,
  state: FoldState,
  versions: readonly SeenReading[],
): FoldedInstant | undefined {
  const reading = oneOf(versions);
  if (reading === undefined) return undefined;
  const atMs = reading.measuredAtMs;
  const { register, carriedMl } = throughExchange(exchanges, state.register, atMs);
  // At the very instant of an exchange there are two registers, and the person has read both.
  const isExchanged =
    exchanges !== undefined && exchanges.some((exchange) => exchange.atMs === atMs);
  const isRegister = reading.indexMl !== null && !isExchanged;
  const told = decided?.findLast((one) => one.atMs === atMs);
  const judged = !isRegister
    ? undefined
    : told === undefined
      ? judgeRegister(settings, register, atMs, reading.indexMl)
      : judgeDecided(told, reading.indexMl);
  const flags =
    fieldFlags(reading) | (judged?.flags ?? 0) | (reading.flags & readingFlags.CONFLICT);
  const ruleReading: RuleReading = {
    measuredAtMs: atMs,
    interval:
      judged?.resumed ?? intervalSince(state.register, carried(judged?.consumedMl, carriedMl)),
    doubtedInterval: intervalSince(register, judged?.doubtedMl),
    flowMlPerHour: positive(reading.flowMlPerHour),
    batteryMv: reading.batteryMv,
    batteryPct: reading.batteryPct,
    pressurePa: reading.pressurePa,
    register: judged === undefined ? null : registerWord(judged),
    clock: clockWord(reading),
    valve: reading.valve,
    status: reading.status,
  };
  const stepped = stepRules(settings, state.rules, ruleReading);
  const own = stepOwn(settings.own, state.own, settings, ruleReading);
  const changes = own.changes.length === 0 ? stepped.changes : [...stepped.changes, ...own.changes];
  const followed = followConditions(settings, state, changes, atMs);
  const isDoubted =
    (flags & readingFlags.CONFLICT) !== 0 || (judged !== undefined && !judged.isTrusted);
  const { open, waiting } = followed.now;
  const plain: FoldState = {
    count: state.count + 1,
    firstMs: state.firstMs ?? atMs,
    lastMs: atMs,
    register: judged?.state ?? state.register,
    rules: stepped.states,
    open,
  };
  return {
    state:
      waiting === undefined && own.states === undefined
        ? plain
        : {
            ...plain,
            ...(waiting === undefined ? {} : { waiting }),
            ...(own.states === undefined ? {} : { own: own.states }),
          },
    verdict: { quality: isDoubted ? "suspect" : "validated", flags },
    ended: followed.ended,
  };
}

/** With what passed the meter before this one. */
function carried(consumedMl: number | null | undefined, carriedMl: number): number | null {
  return consumedMl === null || consumedMl === undefined ? null : consumedMl + carriedMl;
}

function intervalSince(register: RegisterState, ml: number | null | undefined): Interval | null {
  if (register === null || ml === null || ml === undefined) return null;
  return { fromMs: register.atMs, consumedMl: ml };
}

/** A roll-over is sound; a rounding or a single zero says nothing. */
function registerWord({ isTrusted, flags }: RegisterVerdict): RuleReading["register"] {
  if (isTrusted) return "sound";
  return (flags & readingFlags.REGISTER_BACK) !== 0 ? "back" : null;
}

function clockWord({ deviceAtMs, flags }: SeenReading): RuleReading["clock"] {
  if (deviceAtMs === null) return null;
  const isWrong = (flags & (readingFlags.TIME_INVALID | readingFlags.TIME_FUTURE)) !== 0;
  return isWrong ? "wrong" : "right";
}

function positive(value: number | null): number | null {
  return value === null || value < 0 ? null : value;
}

function fieldFlags(reading: SeenReading): number {
  let flags = 0;
  if (reading.flowMlPerHour !== null && reading.flowMlPerHour < 0) flags |= readingFlags.NEGATIVE;
  const { batteryMv, batteryPct } = reading;
  const isOddVoltage = batteryMv !== null && (batteryMv <= 0 || batteryMv > 20_000);
  const isOddShare = batteryPct !== null && (batteryPct < 0 || batteryPct > 100);
  return isOddVoltage || isOddShare ? flags | readingFlags.BATTERY_VALUE : flags;
}
