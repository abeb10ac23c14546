/** The month through the real engine, ledger and billing reads, and every row beside the truth. */
import { billingRows } from "#ledger/billingTable.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { defaultGasDays, GasDays } from "#billing/gasDays.ts";
import type { Determinant } from "#domain/billing.ts";
import { billingAnswers } from "../../src/billingAnswers.ts";
import { EngineUnderTest, jsonBytes, startMs, type TestUplink } from "../support/engine.ts";
import { chanceOf } from "../support/random.ts";
import { exchangeSlips, monthByChance, toldOf, type ToldPoint, type Upload } from "./monthStory.ts";
import { dialAt, hasSpike, trueLitres } from "./truth.ts";

const hourMs = 3_600_000;
/** Midnight in Shanghai. */
const firstMs = startMs + 16 * hourMs;

export interface MonthReport {
  readonly meters: number;
  readonly days: number;
  readonly uplinks: number;
  /** Volumes that were given without a flag that a person must look at, and were the truth. */
  readonly exact: number;
  readonly estimated: number;
  readonly review: number;
  readonly rollovers: number;
  readonly exchanges: number;
  readonly conflicts: number;
  /** For review because of a spike, and because hours and days do not add up. */
  readonly spikes: number;
  readonly sums: number;
  /** Meters that were exchanged twice. */
  readonly twice: number;
  /** What is wrong, a line each. */
  readonly wrongs: readonly string[];
}

export function runMonth(meters: number, days: number, seed: number): MonthReport {
  const chance = chanceOf(seed);
  const points = monthByChance(chance, meters, days);
  const engine = new EngineUnderTest();
  engine.nowMs = firstMs - 48 * hourMs;
  const numbers = points.map(({ truth }) =>
    engine.register(truth.id, { registerRangeMl: Number(truth.dialLitres) * 1_000 }),
  );
  const uplinks = play(engine, points, numbers);
  const db = openForReading(engine.directory);
  try {
    const gasDays = new GasDays(defaultGasDays);
    const billing = billingAnswers(answersFrom(db), billingRows(db), gasDays);
    const at = (day: number) => ({ atMs: firstMs + day * 24 * hourMs });
    const rows = points.map(({ truth }) => billing.meterConsumption(truth.id, at(0), at(days)));
    const wrongs = points.flatMap((point, place) => {
      const row = rows[place];
      if (row === null || row === undefined) return [`${point.truth.id}: no row`];
      const faults = faultsOf(point, row, days);
      const parts = Array.from({ length: days }, (_, day) =>
        billing.meterConsumption(point.truth.id, at(day), at(day + 1)),
      );
      return [...faults, ...sumFaults(row, place % 10 === 0 ? parts : [])].map(
        (fault) => `${point.truth.id}: ${fault}`,
      );
    });
    return { meters, days, uplinks, ...figuresOf(rows), wrongs };
  } finally {
    db.close();
    engine.close();
  }
}

/** Everything in the order in which it happens: uploads of an hour in one batch, exchanges between. */
function play(
  engine: EngineUnderTest,
  points: readonly ToldPoint[],
  numbers: readonly number[],
): number {
  const hours = new Map<number, TestUplink[]>();
  const slips = new Map<number, (() => void)[]>();
  const put = <Item>(map: Map<number, Item[]>, hour: number, item: Item) =>
    map.set(hour, [...(map.get(hour) ?? []), item]);
  for (const [place, point] of points.entries()) {
    for (const upload of point.uploads) {
      const receivedAtMs = firstMs + upload.arrivesHour * hourMs;
      const bytes = bytesOf(upload, receivedAtMs);
      const uplink = { meterNo: numbers[place] ?? 0, bytes, receivedAtMs };
      put(hours, Math.ceil(upload.arrivesHour), uplink);
    }
    if (point.exchangesEnteredHour !== null) {
      put(slips, Math.ceil(point.exchangesEnteredHour), () => enterExchanges(engine, point));
    }
  }
  let count = 0;
  const order = [...new Set([...hours.keys(), ...slips.keys()])].sort((a, b) => a - b);
  for (const hour of order) {
    engine.nowMs = firstMs + hour * hourMs;
    const uplinks = hours.get(hour) ?? [];
    count += uplinks.length;
    if (uplinks.length > 0) engine.uplinks(uplinks);
    for (const enter of slips.get(hour) ?? []) enter();
  }
  return count;
}

function bytesOf({ readings, hasNoDate }: Upload, receivedAtMs: number): Uint8Array {
  const [present, ...history] = readings.map(({ hour, litres }) => ({
    measuredAt: hasNoDate
      ? Date.UTC(2000, 0, 1) + hour * hourMs + 400 * 24 * hourMs
      : firstMs + hour * hourMs,
    volumeM3: (Number(litres) / 1_000).toFixed(3),
  }));
  return jsonBytes({ frameId: receivedAtMs % 1_000_000_007, ...present, history });
}

function enterExchanges(engine: EngineUnderTest, { truth }: ToldPoint): void {
  for (const slip of exchangeSlips(truth)) {
    const enter = () =>
      engine.ask({
        kind: "meter.exchange",
        meterId: truth.id,
        atMs: firstMs + slip.hour * hourMs,
        closingMl: Number(slip.closingLitres) * 1_000,
        openingMl: Number(slip.openingLitres) * 1_000,
        formerSerial: null,
        serial: null,
        change: {},
        reason: "age",
      });
    let result = enter();
    // A false register that was believed stands in the way: a person corrects it first, as the refusal says.
    for (let tries = 0; !result.ok && tries < 3; tries += 1) {
      correct(engine, truth, result.refusal.detail);
      result = enter();
    }
    if (!result.ok) throw new Error(`${truth.id}: ${result.refusal.detail}`);
  }
}

function correct(engine: EngineUnderTest, truth: ToldPoint["truth"], refusal: string): void {
  const measuredAtMs = Date.parse(
    / reported \S+ at (?<at>\S+);/.exec(refusal)?.groups?.["at"] ?? "",
  );
  const hour = (measuredAtMs - firstMs) / hourMs;
  if (!Number.isInteger(hour)) throw new Error(`${truth.id}: ${refusal}`);
  const result = engine.ask({
    kind: "register.decide",
    meterId: truth.id,
    measuredAtMs,
    indexMl: Number(dialAt(truth, hour)) * 1_000,
    decision: "edited",
    reason: "seen at the meter",
  });
  if (!result.ok) throw new Error(`${truth.id}: ${result.refusal.detail}`);
}

/** To the millilitre, or flagged; and flagged only where there is a reason. */
function faultsOf(point: ToldPoint, row: Determinant, days: number): readonly string[] {
  const { truth } = point;
  const trueMl = trueLitres(truth, 0, days * 24) * 1_000n;
  const { volumeMl, flags, standing } = row;
  const isEstimated = flags.some((flag) => flag.endsWith("-estimated"));
  const said = `${volumeMl} for ${trueMl} (${standing}: ${flags.join(" ")})`;
  if (standing === "ready" && !isEstimated) {
    if (volumeMl === null || BigInt(volumeMl) !== trueMl) return [`wrong and not flagged: ${said}`];
  }
  if (standing === "ready" && isEstimated && volumeMl !== null) {
    const offMl = BigInt(volumeMl) - trueMl;
    const playMl = gapMl(truth, row.opening) + gapMl(truth, row.closing);
    if (offMl > playMl || -offMl > playMl) return [`an estimate beyond its gap: ${said}`];
  }
  const isPlain = isToldPlainly(point, 0) && isToldPlainly(point, days * 24);
  // A round of the register that nobody saw near is for a person to look at.
  const isUnseen = flags.includes("rollover-unseen") && isRound(truth, days * 24);
  const isEntered = truth.exchanges.length === 0 || point.exchangesEnteredHour !== null;
  const isExplained = !isUnseen && isEntered && !isOutOfOrder(point, days);
  if (isPlain && isExplained && (standing !== "ready" || isEstimated)) {
    return [`flagged without a reason: ${said}`];
  }
  return [];
}

/** What a person must look at although both ends were told: a spike, or a freeze above the hours behind it. */
function isOutOfOrder({ truth, uploads }: ToldPoint, days: number): boolean {
  const isHigh = uploads.some(({ readings }) =>
    readings.some(({ hour, litres }) => {
      const tooMuch = litres - dialAt(truth, hour);
      return tooMuch > 30n && tooMuch < 1_000_000n;
    }),
  );
  return isHigh || hasSpike(truth, days);
}

function isRound(truth: ToldPoint["truth"], hours: number): boolean {
  return dialAt(truth, hours) < dialAt(truth, 0);
}

/** The register of that hour was told, and nothing else was. */
function isToldPlainly(point: ToldPoint, hour: number): boolean {
  const [only, ...others] = toldOf(point, hour);
  // A dial that has gone round to nothing but zeros looks like a damaged telegram.
  return only !== 0n && only === dialAt(point.truth, hour) && others.length === 0;
}

function gapMl(truth: ToldPoint["truth"], end: Determinant["opening"]): bigint {
  const inputs = end?.inputs ?? null;
  if (inputs === null) return 0n;
  const hourOf = (atMs: number) => Math.round((atMs - firstMs) / hourMs);
  return trueLitres(truth, hourOf(inputs.fromMs), hourOf(inputs.toMs)) * 1_000n;
}

/** Segments come to the volume, and so do days. */
function sumFaults(row: Determinant, days: readonly (Determinant | null)[]): readonly string[] {
  const faults: string[] = [];
  const sum = row.segments.reduce((all, { volumeMl }) => all + volumeMl, 0);
  if (row.volumeMl !== null && sum !== row.volumeMl) faults.push(`segments come to ${sum}`);
  const isWhole = days.length > 0 && days.every((day) => (day?.volumeMl ?? null) !== null);
  const dailyMl = days.reduce((all, day) => all + (day?.volumeMl ?? 0), 0);
  if (isWhole && row.volumeMl !== null && dailyMl !== row.volumeMl) {
    faults.push(`days come to ${dailyMl}, the month to ${row.volumeMl}`);
  }
  return faults;
}

function figuresOf(rows: readonly (Determinant | null)[]) {
  const known = rows.filter((row) => row !== null);
  const isEstimated = (row: Determinant) => row.flags.some((flag) => flag.endsWith("-estimated"));
  const countOf = (is: (row: Determinant) => boolean) => known.filter(is).length;
  return {
    exact: countOf((row) => row.standing === "ready" && !isEstimated(row)),
    estimated: countOf((row) => row.standing === "ready" && isEstimated(row)),
    review: countOf((row) => row.standing === "review"),
    rollovers: countOf(({ flags }) => flags.includes("rollover")),
    exchanges: countOf(({ flags }) => flags.includes("exchange")),
    conflicts: countOf(({ openConflicts }) => openConflicts > 0),
    spikes: countOf(({ flags }) => flags.includes("spike")),
    sums: countOf(({ flags }) => flags.includes("restarted")),
    twice: countOf(({ segments }) => segments.length > 2),
  };
}
