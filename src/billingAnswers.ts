/** The reads for billing, from the reads of readings: what the pure room needs is fetched here, meter by meter. */
import { createHash } from "node:crypto";
import { consumptionOf, touches, type Period } from "#billing/consumption.ts";
import { determinantText } from "#billing/determinantText.ts";
import { exactly, readThen } from "#billing/exactRegister.ts";
import type { GasDays } from "#billing/gasDays.ts";
import { registerAt } from "#billing/instantRegister.ts";
import { openVersions } from "#billing/instantVersions.ts";
import { registerChain, type ChainInput, type RegisterChain } from "#billing/registerChain.ts";
import { intervalsOf, notShutMs, usedIn } from "#billing/useOf.ts";
import type { BillingInstant, Determinant, InstantRegister } from "#domain/billing.ts";
import type { Meter } from "#domain/meter.ts";
import type { StoredReading } from "#domain/reading.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import type { BillingRows } from "#ledger/billingTable.ts";
import type { Answers } from "#ledger/queries.ts";
import type {
  BillingQueries,
  CheckFinding,
  MeterRegister,
  MissingRegister,
  RegisterRecord,
} from "#ports/billingQueries.ts";
import { checkUse, useLimits } from "#screening/useChecks.ts";
import type { Registers } from "#ports/readingStore.ts";
import { columnsFromRows, plainRegister, type PlainRegister } from "#readings/registersAt.ts";
import { isEnded } from "#valves/commandTable.ts";
import type { Queries, RegisterView } from "#ports/queries.ts";

export type ReadingAnswers = Pick<
  Answers<Queries>,
  | "meters"
  | "meter"
  | "readings"
  | "latestReading"
  | "registerAt"
  | "registerColumns"
  | "readingDamage"
  | "requireReadings"
>;

/**
 * Behind an instant, the next register is looked for in ever wider stretches. The first is always looked at: a register
 * that is too high shows only in the next ones, which lie below it.
 */
const lookAheadMs = [2 * dayMs, 62 * dayMs, 400 * dayMs] as const;
/** Rows of one look; longer stretches take several. */
const rowsPerLook = 10_000;
/** An anchor must have been judged; this many that were not are passed over. */
const anchorStepsMax = 64;

/** Registers that another period is compared by may be so much older than its ends. */
const comparedWithinMs = 2 * dayMs;

/** A boundary is looked at when the usual upload after it has had time to come. */
const missingAfterMs = 6 * hourMs;
/** Meters keep five days' freezes. */
const boundariesWatched = 5;
/** Everything that billing asks, on one connection. */
export function billingAnswers(
  answers: ReadingAnswers,
  rows: BillingRows,
  gasDays: GasDays,
): Answers<BillingQueries> {
  const desk = new BillingDesk(answers, rows, gasDays);
  return {
    readingDamage: () => answers.readingDamage(),
    billingRegister: (meterId, when) => {
      const view = answers.meter(meterId);
      return view === null ? null : desk.register(view.meter, when);
    },
    billingRegisters: (when, area, after, limit) => desk.cutOff(when, area, after, limit),
    consumption: (from, to, area, after, limit) => {
      const { items, next } = answers.meters(after, limit, area);
      return { items: items.map(({ meter }) => desk.consumption(meter, from, to)), next };
    },
    meterConsumption: (meterId, from, to) => {
      const view = answers.meter(meterId);
      return view === null ? null : desk.consumption(view.meter, from, to);
    },
    checks: (meterId, from, to) => {
      const view = answers.meter(meterId);
      return view === null ? null : desk.checks(view.meter, from, to);
    },
    registerRecord: (meterId) => {
      const view = answers.meter(meterId);
      return view === null ? null : rows.record(view.meter.no);
    },
    frozen: (bill, cursor, limit) => rows.frozen(bill, cursor, limit),
    refreshed(bill, cursor, limit) {
      const { items, next } = rows.frozen(bill, cursor, limit);
      const known = items.map(({ determinant: { meterId, fromMs, toMs } }) => {
        const view = answers.meter(meterId);
        const [from, to] = [{ atMs: fromMs }, { atMs: toMs }];
        return view === null ? null : desk.consumption(view.meter, from, to);
      });
      return { items: known.filter((row) => row !== null), next };
    },
    missingRegisters(nowMs, cursor, limit) {
      const { items, next } = answers.meters(cursor, limit, null);
      return { items: items.flatMap(({ meter }) => desk.missing(meter, nowMs)), next };
    },
    gaps: (meterId) => {
      const view = answers.meter(meterId);
      return view === null ? null : rows.gaps(view.meter.no);
    },
    conflicts(area, cursor, limit) {
      const { items, next } = rows.conflicts(area, cursor, limit);
      const shown = items.flatMap(({ meterNo, ...row }) => {
        const { meterId, measuredAtMs: atMs } = row;
        const said = answers.readings(meterId, atMs, atMs + 1, null, rowsPerLook).items;
        const versions = openVersions(said, atMs, rows.record(meterNo));
        return versions === null ? [] : [{ ...row, versions }];
      });
      return { items: shown, next };
    },
  };
}

/** What is known of a meter around a period. */
interface Known {
  readonly chain: RegisterChain;
  readonly record: RegisterRecord;
  readonly readings: readonly StoredReading[];
}

/** What a look at a meter begins with, where it was asked for already. */
interface Ground {
  readonly anchor: Pick<RegisterView, "measuredAtMs"> | null;
  readonly record?: RegisterRecord;
}

/** Gas days of one date begin at so many instants at most; areas beyond are looked at meter by meter. */
const cutOffsMax = 4;

/** Every meter's register at one instant. */
interface CutOff {
  readonly registers: Registers;
  readonly said: ReadonlySet<number>;
}

class BillingDesk {
  readonly #answers: ReadingAnswers;
  readonly #rows: BillingRows;
  readonly #gasDays: GasDays;
  /** By instant. */
  readonly #cutOffs = new Map<number, CutOff>();

  constructor(answers: ReadingAnswers, rows: BillingRows, gasDays: GasDays) {
    this.#answers = answers;
    this.#rows = rows;
    this.#gasDays = gasDays;
  }

  register(meter: Meter, when: BillingInstant): MeterRegister | null {
    const atMs = this.#gasDays.instantOf(when, meter.area);
    this.#answers.requireReadings(atMs);
    const view = this.#answers.registerAt(meter.id, atMs);
    const record = this.#rows.record(meter.no);
    const read = readThen(view, record, atMs);
    if (read !== null) return { meterId: meter.id, register: read };
    return this.#between(meter, atMs, { record, anchor: this.#anchor(meter, view) });
  }

  /** Of what was said before and behind the instant. */
  #between(meter: Meter, atMs: number, ground: Ground): MeterRegister | null {
    const { chain } = this.#known(meter, atMs, atMs, ground);
    const placed = registerAt(chain, atMs, "closing", this.#past(meter));
    return placed === null ? null : { meterId: meter.id, register: placed.register };
  }

  cutOff(when: BillingInstant, area: string | null, after: string | null, limit: number) {
    const { items, next } = this.#answers.meters(after, limit, area);
    if (after === null || limit < columnsFromRows) this.#cutOffs.clear();
    const rows = items.map(({ meter }) => {
      const atMs = this.#gasDays.instantOf(when, meter.area);
      const plain = limit < columnsFromRows ? null : this.#fromColumns(meter, atMs);
      if (plain === null) return this.register(meter, { atMs });
      if (plain.measuredAtMs !== atMs) return this.#between(meter, atMs, { anchor: plain });
      return { meterId: meter.id, register: exactly(plain) };
    });
    return { items: rows.filter((row) => row !== null), next };
  }

  /**
   * A run over a city takes from one look at all meters, as of its first page, what was read at that very instant, or
   * the last sound register before it; null: look closer.
   */
  #fromColumns(meter: Meter, atMs: number): PlainRegister | null {
    const cutOff = this.#cutOffs.get(atMs) ?? this.#newCutOff(atMs);
    if (cutOff === null) return null;
    const { registers, said } = cutOff;
    return said.has(meter.no) ? null : plainRegister(registers, meter.no);
  }

  #newCutOff(atMs: number): CutOff | null {
    if (this.#cutOffs.size >= cutOffsMax) return null;
    this.#answers.requireReadings(atMs);
    const registers = this.#answers.registerColumns(atMs);
    const cutOff = { registers, said: this.#rows.saidOf() };
    this.#cutOffs.set(atMs, cutOff);
    return cutOff;
  }

  consumption(meter: Meter, from: BillingInstant, to: BillingInstant): Determinant {
    const consumption = this.#consumed(meter, this.#period(meter, from, to)).consumption;
    const hash = createHash("sha256").update(determinantText(consumption)).digest("hex");
    return { ...consumption, hash };
  }

  checks(meter: Meter, from: BillingInstant, to: BillingInstant): readonly CheckFinding[] {
    const { fromMs, toMs } = this.#period(meter, from, to);
    const { known, findings } = this.#consumed(meter, { fromMs, toMs });
    const ofRegisters = known.chain.findings
      .filter((finding) => touches(finding, { fromMs, toMs }))
      .map(({ flag, atMs }) => ({ check: flag, atMs }));
    return [...ofRegisters, ...findings].sort((one, other) => one.atMs - other.atMs);
  }

  #period(meter: Meter, from: BillingInstant, to: BillingInstant): Period {
    const fromMs = this.#gasDays.instantOf(from, meter.area);
    this.#answers.requireReadings(fromMs);
    return { fromMs, toMs: this.#gasDays.instantOf(to, meter.area) };
  }

  /** First the volume, then the checks on it, which may put it up for review. */
  #consumed(meter: Meter, period: Period) {
    const known = this.#known(meter, period.fromMs, period.toMs);
    const gaps = this.#rows.gaps(meter.no);
    const input = {
      meterId: meter.id,
      area: meter.area,
      period,
      chain: known.chain,
      past: this.#past(meter),
      isAwaited: ({ atMs, method }: InstantRegister) => {
        const gap = gaps.find((one) => one.atMs === atMs);
        if (gap !== undefined) return gap.state === "requested";
        return method === "estimated" && this.#isStillToAsk(meter, known.record, atMs);
      },
      conversions: known.record.conversions,
    };
    const plain = consumptionOf({ ...input, findings: [] });
    const findings = this.#useFindings(meter, period, known, plain.volumeMl);
    const flags = [...new Set(findings.map(({ check }) => check))];
    const consumption = flags.length === 0 ? plain : consumptionOf({ ...input, findings: flags });
    return { consumption, known, findings };
  }

  #useFindings(meter: Meter, { fromMs, toMs }: Period, known: Known, volumeMl: number | null) {
    if (volumeMl === null) return [];
    const lengthMs = toMs - fromMs;
    const yearMs = 365 * dayMs;
    const before = (shiftMs: number) =>
      lengthMs < useLimits.comparedDaysMin * dayMs
        ? null
        : this.#usedIn(meter, known.record, { fromMs: fromMs - shiftMs, toMs: toMs - shiftMs });
    return checkUse({
      fromMs,
      toMs,
      volumeMl,
      intervals: intervalsOf(known.chain, { fromMs, toMs }),
      lastYearMl: before(yearMs),
      beforeMl: before(lengthMs),
      notShutMs: notShutMs(known.readings, { fromMs, toMs }),
    });
  }

  /** Of two sound registers near those instants; where other meters hung there since, of all their registers. */
  #usedIn(meter: Meter, { exchanges }: RegisterRecord, period: Period): number | null {
    const { fromMs, toMs } = period;
    if (exchanges.some(({ atMs }) => atMs > fromMs - comparedWithinMs)) {
      return usedIn(this.#known(meter, fromMs, toMs).chain, period, comparedWithinMs);
    }
    const [start, end] = [fromMs, toMs].map((atMs) => {
      const view = this.#answers.registerAt(meter.id, atMs);
      return view !== null && atMs - view.measuredAtMs <= comparedWithinMs ? view.indexMl : null;
    });
    if (typeof start !== "number" || typeof end !== "number") return null;
    return end >= start ? end - start : end - start + meter.registerRangeMl;
  }

  /** A boundary in a gap that a next round will ask the meter for; who was put up since has no memory of it. */
  #isStillToAsk(meter: Meter, { exchanges }: RegisterRecord, atMs: number): boolean {
    if (meter.lifecycle !== "active" || exchanges.some((one) => one.atMs > atMs)) return false;
    const calendar = this.#gasDays.calendarOf(meter.area);
    const day = calendar.dayOf(atMs + 1);
    const isBoundary = calendar.startOf(day) === atMs;
    return isBoundary && this.#newestMs(meter) < calendar.startOf(day + boundariesWatched);
  }

  #newestMs(meter: Meter): number {
    return this.#answers.latestReading(meter.id)?.measuredAtMs ?? 0;
  }

  /**
   * Of the last gas-day boundaries those that lie in a gap and are to be asked for, or have come. A meter that has not
   * been heard since tells them by itself when it comes back.
   */
  missing(meter: Meter, nowMs: number): readonly MissingRegister[] {
    if (meter.lifecycle !== "active") return [];
    const calendar = this.#gasDays.calendarOf(meter.area);
    const lastDay = calendar.dayOf(nowMs - missingAfterMs);
    const gaps = new Map(this.#rows.gaps(meter.no).map((gap) => [gap.atMs, gap]));
    const { exchanges } = this.#rows.record(meter.no);
    const steps: MissingRegister[] = [];
    for (let day = lastDay - boundariesWatched + 1; day <= lastDay; day += 1) {
      const atMs = calendar.startOf(day);
      const gap = gaps.get(atMs);
      if (gap !== undefined && gap.state !== "requested") continue;
      if (gap === undefined && exchanges.some((one) => one.atMs > atMs)) continue;
      const method = this.register(meter, { atMs })?.register.method;
      const isMissing = method === "estimated";
      const isWaiting =
        gap !== undefined && gap.commandState !== null && !isEnded(gap.commandState);
      if (isMissing && !isWaiting) steps.push({ meterId: meter.id, atMs, isFilled: false });
      else if (!isMissing && gap !== undefined)
        steps.push({ meterId: meter.id, atMs, isFilled: true });
    }
    return steps;
  }

  /** From the last sound register at or before `fromMs` to the first one behind `toMs`. */
  #known(meter: Meter, fromMs: number, toMs: number, ground?: Ground): Known {
    const anchor =
      ground?.anchor ?? this.#anchor(meter, this.#answers.registerAt(meter.id, fromMs));
    const sinceMs = anchor?.measuredAtMs ?? 0;
    const record = ground?.record ?? this.#rows.record(meter.no);
    let untilMs = toMs;
    let readings: readonly StoredReading[] = [];
    let chain: RegisterChain | null = null;
    const isSaid = record.decisions.length + record.exchanges.length > 0;
    for (const [look, aheadMs] of lookAheadMs.entries()) {
      const start = look === 0 ? sinceMs : untilMs + 1;
      untilMs = toMs + aheadMs;
      const more = untilMs < start ? [] : this.#readings(meter, start, untilMs + 1);
      readings = [...readings, ...more];
      // Without a reading from there on, and no person's word, the chain cannot reach it.
      if (isSaid || (readings.at(-1)?.measuredAtMs ?? -Infinity) >= toMs) {
        chain = this.#assemble(meter, record, { sinceMs, untilMs, readings });
        if ((chain.points.at(-1)?.atMs ?? -Infinity) >= toMs) break;
      }
      if (look === 0 && this.#newestMs(meter) <= toMs) break;
    }
    chain ??= this.#assemble(meter, record, { sinceMs, untilMs, readings });
    return { chain, record, readings };
  }

  #assemble(
    meter: Meter,
    record: RegisterRecord,
    known: Pick<ChainInput, "sinceMs" | "untilMs" | "readings">,
  ): RegisterChain {
    return registerChain({
      kind: meter,
      ...known,
      ...record,
      billed: new Map(record.billed),
    });
  }

  /** Readings too old to be judged when they came are no ground to stand on. */
  #anchor(meter: Meter, newest: RegisterView | null): RegisterView | null {
    let view = newest;
    for (let step = 0; step < anchorStepsMax && view?.quality === "raw"; step += 1) {
      view = this.#answers.registerAt(meter.id, view.measuredAtMs - 1);
    }
    return view;
  }

  #past(meter: Meter): (fromMs: number, toMs: number) => RegisterChain {
    return (fromMs, toMs) => this.#known(meter, fromMs, toMs).chain;
  }

  #readings(meter: Meter, fromMs: number, toMs: number): readonly StoredReading[] {
    const found: StoredReading[] = [];
    let cursor: string | null = null;
    do {
      const page: ReturnType<ReadingAnswers["readings"]> = this.#answers.readings(
        meter.id,
        fromMs,
        toMs,
        cursor,
        rowsPerLook,
      );
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    return found;
  }
}
