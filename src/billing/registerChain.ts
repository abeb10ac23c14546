/**
 * A metering point's registers in event time: what counts at each instant, over roll-overs and exchanges, and what
 * was left out and why. Judged anew from what was said, so it does not matter when a reading came.
 */
import type {
  BillingFlag,
  MeterExchange,
  RegisterDecision,
  RegisterKind,
  RegisterReading,
} from "#domain/billing.ts";
import { invariant } from "#domain/invariant.ts";
import { readingFlags, type Quality } from "#domain/reading.ts";
import { hourMs, timestampMs, volumeMl } from "#domain/units.ts";
import {
  judgeRegister,
  registerSettings,
  type RegisterSettings,
  type RegisterState,
} from "#screening/judgeRegister.ts";
import { countingRegister, ownVersions, type Counting } from "./instantVersions.ts";

/** A register that counts. */
export interface ChainPoint {
  readonly atMs: number;
  readonly indexMl: number;
  /** Volume since the chain began, over roll-overs and exchanges. */
  readonly passedMl: number;
  readonly quality: Quality;
  /** Counts exchanges. */
  readonly segment: number;
  readonly isRollover: boolean;
  /** Its time is ours, for the meter's clock was wrong. */
  readonly isOurTime: boolean;
  /** The meter showed up to two quanta less; the register before it is held. */
  readonly isHeld: boolean;
}

/** Something that a bill must know of an instant. */
export interface ChainFinding {
  readonly flag: BillingFlag;
  readonly atMs: number;
  /** The doubt begins here already: a period that ends between has it too. Absent: at `atMs`. */
  readonly sinceMs?: number;
}

export interface RegisterChain {
  /** In time order; at an exchange there are two of one instant. */
  readonly points: readonly ChainPoint[];
  readonly findings: readonly ChainFinding[];
  /** Instants with different registers that no person has settled. */
  readonly openConflicts: readonly number[];
  readonly segments: readonly ChainSegment[];
}

/** One register of the metering point. */
export interface ChainSegment {
  readonly kind: RegisterKind;
  readonly serial: string | null;
}

export interface ChainInput {
  /** Of the meter that hangs there now. */
  readonly kind: RegisterKind;
  /** The first instant that counts. The register there is believed, so it should be one that was found sound. */
  readonly sinceMs: number;
  /** The last instant up to which all is known; what persons say of later ones is left out. */
  readonly untilMs: number;
  /** Every version, in time order. */
  readonly readings: readonly RegisterReading[];
  /** All exchanges of the metering point, in time order. */
  readonly exchanges: readonly MeterExchange[];
  /** The newest decision of each instant counts; in the order in which they were made. */
  readonly decisions: readonly RegisterDecision[];
  /** Registers that bills were made with. */
  readonly billed: ReadonlyMap<number, number>;
}

const clockFlags = readingFlags.TIME_INVALID | readingFlags.TIME_FUTURE;

/** Puts the chain together. */
export function registerChain(input: ChainInput): RegisterChain {
  const segments = segmentsOf(input);
  const { sinceMs, untilMs, exchanges } = input;
  const ahead = exchanges.filter(({ atMs }) => atMs >= sinceMs && atMs <= untilMs);
  const before = exchanges.filter(({ atMs }) => atMs < sinceMs).length;
  const walk = new ChainWalk(segments, before);
  for (const instant of instantsOf(input)) {
    while (ahead[0] !== undefined && ahead[0].atMs <= instant.atMs) walk.exchange(ahead.shift());
    walk.take(instant);
  }
  for (const exchange of ahead) walk.exchange(exchange);
  walk.end();
  const { points, findings, openConflicts } = walk;
  return { points, findings, openConflicts, segments };
}

function segmentsOf({ kind, exchanges }: ChainInput): readonly ChainSegment[] {
  const serials = [exchanges[0]?.formerSerial ?? null, ...exchanges.map(({ serial }) => serial)];
  const kinds = [...exchanges.map(({ former }) => former), kind];
  return kinds.map((kind, place) => ({ kind, serial: serials[place] ?? null }));
}

interface Instant {
  readonly atMs: number;
  readonly versions: readonly RegisterReading[];
  /** A version that is another meter's has been left out of them. */
  readonly hasOthers: boolean;
  readonly decision: RegisterDecision | undefined;
  readonly billedMl: number | undefined;
}

/** Readings by instant, and the instants for which only a person has a register. */
function instantsOf(input: ChainInput): readonly Instant[] {
  const decisions = new Map<number, RegisterDecision>();
  for (const decision of input.decisions) {
    const { measuredAtMs } = decision;
    if (measuredAtMs >= input.sinceMs && measuredAtMs <= input.untilMs)
      decisions.set(decision.measuredAtMs, decision);
  }
  const instants: Instant[] = [];
  const add = (atMs: number, all: readonly RegisterReading[]): void => {
    const versions = input.exchanges.length === 0 ? all : ownVersions(all, atMs, input.exchanges);
    const hasOthers = versions.length < all.length;
    const [decision, billedMl] = [decisions.get(atMs), input.billed.get(atMs)];
    decisions.delete(atMs);
    instants.push({ atMs, versions, hasOthers, decision, billedMl });
  };
  // A month of hours has hundreds of instants, nearly all with one version.
  let same: RegisterReading[] = [];
  for (const reading of input.readings) {
    if (reading.measuredAtMs < input.sinceMs || reading.indexMl === null) continue;
    const atMs = same[0]?.measuredAtMs ?? reading.measuredAtMs;
    if (atMs === reading.measuredAtMs) same.push(reading);
    else {
      add(atMs, same);
      same = [reading];
    }
  }
  if (same[0] !== undefined) add(same[0].measuredAtMs, same);
  if (decisions.size === 0) return instants;
  for (const atMs of [...decisions.keys()]) add(atMs, []);
  return instants.sort((one, other) => one.atMs - other.atMs);
}

const flagWords: readonly (readonly [number, BillingFlag])[] = [
  [readingFlags.NEGATIVE, "negative"],
  [readingFlags.RANGE, "capacity"],
  [readingFlags.REGISTER_ZERO, "register-zero"],
  [readingFlags.REGISTER_BACK, "register-back"],
  [readingFlags.RESYNC, "resync"],
];

/**
 * A register that went round within a longer gap may as well be another meter's: a day between two readings, and what
 * an upload may be late by.
 */
const roundSeenWithinMs = 26 * hourMs;

/** One walk through the past of a metering point. */
class ChainWalk {
  readonly points: ChainPoint[] = [];
  readonly findings: ChainFinding[] = [];
  readonly openConflicts: number[] = [];
  /** By segment. */
  readonly #settingsOf: readonly RegisterSettings[];
  #segment: number;
  #state: RegisterState = null;
  /** The last register that was too high to be believed, until another one is. */
  #higher: RegisterState = null;
  #passedMl = 0;
  #exchange: MeterExchange | undefined;
  /** The last register, where it lay up to two quanta below the one that counts. */
  #resync: Pick<ChainPoint, "atMs" | "indexMl"> | undefined;

  constructor(segments: readonly ChainSegment[], segment: number) {
    this.#settingsOf = segments.map(({ kind }) => registerSettings(kind));
    this.#segment = segment;
  }

  take({ atMs, ...instant }: Instant): void {
    const { counts, isConflict } = countingRegister(instant);
    if (instant.hasOthers) this.findings.push({ flag: "other-meter", atMs });
    if (isConflict) {
      this.openConflicts.push(atMs);
      this.findings.push({ flag: "conflict", atMs });
    }
    if (counts === null) return;
    if (atMs === this.#exchange?.atMs) return this.#besideExchange(atMs, counts.indexMl);
    const flags = instant.versions.find(({ indexMl }) => indexMl === counts.indexMl)?.flags ?? 0;
    if (counts.isDecided) return this.#decided(atMs, counts, flags);
    const settings = this.#settings();
    const at = timestampMs(atMs);
    const { lower, atMs: sinceMs = atMs } = this.#state ?? {};
    const verdict = judgeRegister(settings, this.#state, at, volumeMl(counts.indexMl));
    // A time that is ours may be late by days, so a register that does not fit there says nothing about the meter.
    const isMisplaced = !verdict.isTrusted && (flags & clockFlags) !== 0;
    if (!isMisplaced) this.#state = verdict.state;
    const higher = this.#higher;
    // After a time that is ours more of it may have passed than it seems.
    const isTooHigh =
      (verdict.flags & readingFlags.RANGE) !== 0 && this.points.at(-1)?.isOurTime === false;
    if (!isMisplaced)
      this.#higher = isTooHigh ? { atMs: at, indexMl: volumeMl(counts.indexMl) } : null;
    if (!verdict.isTrusted) {
      const word = flagWords.find(([bit]) => (verdict.flags & bit) !== 0)?.[1];
      if (word !== undefined) this.findings.push({ flag: word, atMs });
      if (word === "resync" && !isMisplaced) this.#hold(atMs, counts.indexMl);
      // What does not fit those below does not take back that they fitted one another.
      const isBroken = lower !== this.#state?.lower && this.#state?.lower?.count === 1;
      if (isBroken && isRun(lower))
        this.findings.push({ flag: "restarted", atMs: lower.atMs, sinceMs });
      return;
    }
    const last = this.points.at(-1)?.atMs ?? atMs;
    this.#passedMl += verdict.consumedMl ?? 0;
    const isRollover = (verdict.flags & readingFlags.ROLLOVER) !== 0;
    if (isRollover && atMs - last > roundSeenWithinMs)
      this.findings.push({ flag: "rollover-unseen", atMs, sinceMs: last + 1 });
    // Several lower registers that fit one another, or one from which this one follows as well: that may have been
    // another meter, or the last register was too high. A single zero is a fault of the transmission (gas-domain 4.3).
    const isOther = lower !== undefined && (lower.indexMl > 0 || lower.count > 1) && !isRollover;
    const mayBeOther =
      isOther &&
      (isRun(lower) || judgeRegister(settings, lower, at, volumeMl(counts.indexMl)).isTrusted);
    // Since the register that they lie below, also where it was held meanwhile.
    if (mayBeOther) this.findings.push({ flag: "restarted", atMs, sinceMs });
    // More than could have passed, and it counts on from there: only time has made it possible.
    const hasJumped =
      higher !== null && judgeRegister(settings, higher, at, volumeMl(counts.indexMl)).isTrusted;
    if (hasJumped) this.findings.push({ flag: "jump", atMs, sinceMs: last + 1 });
    this.#push(atMs, counts.indexMl, soundQuality(counts.quality), flags, isRollover);
  }

  /** The closing register of one meter and the opening register of the next, as they were read at the meter. */
  exchange(exchange: MeterExchange | undefined): void {
    if (exchange === undefined) return;
    const { atMs, closingMl, openingMl } = exchange;
    const state = this.#state;
    if (state !== null) {
      const verdict = judgeRegister(
        this.#settings(),
        state,
        timestampMs(atMs),
        volumeMl(closingMl),
      );
      if (verdict.isTrusted) this.#passedMl += verdict.consumedMl ?? 0;
      else this.findings.push({ flag: "exchange-mismatch", atMs, sinceMs: state.atMs + 1 });
      const isRollover = (verdict.flags & readingFlags.ROLLOVER) !== 0;
      this.#push(atMs, closingMl, "edited", 0, isRollover);
    }
    this.findings.push({ flag: "exchange", atMs });
    this.#segment += 1;
    this.#exchange = exchange;
    this.#push(atMs, openingMl, "edited", 0, false);
  }

  /** A person's register needs no judging; a roll-over before it is still one. */
  #decided(atMs: number, { indexMl, quality }: Counting, flags: number): void {
    const before = this.#state;
    const settings = this.#settings();
    let isRollover = false;
    if (before !== null) {
      const verdict = judgeRegister(settings, before, timestampMs(atMs), volumeMl(indexMl));
      isRollover = (verdict.flags & readingFlags.ROLLOVER) !== 0;
      const differenceMl = indexMl - before.indexMl;
      this.#passedMl += isRollover ? differenceMl + settings.registerRangeMl : differenceMl;
      if (differenceMl < 0 && !isRollover)
        this.findings.push({ flag: "edited-below", atMs, sinceMs: before.atMs });
    }
    this.findings.push({ flag: "edited", atMs });
    this.#push(atMs, indexMl, quality, flags, isRollover);
  }

  /** At the very instant of an exchange the registers are those of the act. */
  #besideExchange(atMs: number, indexMl: number): void {
    const isOfAct = [this.#exchange?.closingMl, this.#exchange?.openingMl].includes(indexMl);
    if (!isOfAct) this.findings.push({ flag: "exchange-mismatch", atMs });
  }

  /** Registers that fit one another lie below the last one that counted: one of the two is wrong. */
  end(): void {
    const state = this.#state;
    if (state?.lower === undefined || state.lower.count < 2) return;
    this.findings.push({ flag: "restarted", atMs: state.lower.atMs, sinceMs: state.atMs });
  }

  /**
   * The index has found its electronics again: nothing has passed, and the register stays where it was. One such value
   * alone may be a fault of the transmission, with gas behind it.
   */
  #hold(atMs: number, indexMl: number): void {
    const before = this.#resync;
    const last = this.points.at(-1);
    this.#resync = { atMs, indexMl };
    if (last === undefined || before === undefined) return;
    if (before.atMs < last.atMs || before.indexMl > indexMl) return;
    const held = { ...last, isRollover: false, isOurTime: false, isHeld: true };
    if (before.atMs > last.atMs) this.points.push({ ...held, atMs: before.atMs });
    this.points.push({ ...held, atMs });
  }

  #push(atMs: number, indexMl: number, quality: Quality, flags: number, isRollover: boolean): void {
    this.#state = { atMs: timestampMs(atMs), indexMl: volumeMl(indexMl) };
    if (isRollover) this.findings.push({ flag: "rollover", atMs });
    const isOurTime = (flags & clockFlags) !== 0;
    const segment = this.#segment;
    const passedMl = this.#passedMl;
    const worth = { quality, segment, isRollover, isOurTime, isHeld: false };
    this.points.push({ atMs, indexMl, passedMl, ...worth });
  }

  #settings(): RegisterSettings {
    const settings = this.#settingsOf[this.#segment];
    invariant(settings !== undefined, "a chain has a segment for each exchange and one more");
    return settings;
  }
}

type Lower = NonNullable<NonNullable<RegisterState>["lower"]>;

/** Lower registers that fit one another. */
function isRun(lower: Lower | undefined): lower is Lower {
  return lower !== undefined && lower.indexMl > 0 && lower.count > 1;
}

/** What the chain has found sound is validated, whatever was thought of it when it came. */
function soundQuality(quality: Quality): Quality {
  return quality === "estimated" || quality === "edited" ? quality : "validated";
}
