/** What reaches us of the truth: daily uploads that get lost, come late, twice, spoiled, or contradict one another. */
import type { Chance } from "../support/random.ts";
import {
  closingDial,
  dialAt,
  pointByChance,
  rememberedDial,
  trueLitres,
  type TruePoint,
} from "./truth.ts";

export interface ToldReading {
  readonly hour: number;
  readonly litres: bigint;
  /** A new meter's memory of a time before it was put up. */
  readonly isMemory: boolean;
}

/** One upload; the first reading is the present one. */
export interface Upload {
  readonly arrivesHour: number;
  readonly readings: readonly ToldReading[];
  /** The meter's clock has lost its date. */
  readonly hasNoDate: boolean;
}

export interface ToldPoint {
  readonly truth: TruePoint;
  readonly uploads: readonly Upload[];
  /** When a person enters the exchanges, one after the other; null: never. */
  readonly exchangesEnteredHour: number | null;
}

/** A day before the period, so that it has a register at its beginning, and a day after. */
const marginHours = 24;
const freezesPerUpload = 5;

/** All points of one month. */
export function monthByChance(chance: Chance, meters: number, days: number): readonly ToldPoint[] {
  return Array.from({ length: meters }, (_, place) => {
    const id = `B${String(place).padStart(5, "0")}`;
    const hours = days * 24 + 2 * marginHours;
    return tell(chance, pointByChance(chance, id, hours, -marginHours), days);
  });
}

function tell(chance: Chance, truth: TruePoint, days: number): ToldPoint {
  const hasFreezes = !chance.once(3);
  const isTroubled = chance.once(2);
  const uploads: Upload[] = [];
  const honest = new Set<number>();
  for (let day = -1; day <= days; day += 1) {
    const end = (day + 1) * 24;
    const upload = uploadOf(chance, truth, { end, isTroubled: isTroubled && day >= 0, hasFreezes });
    const isLost = day >= 0 && isTroubled && chance.once(6);
    if (isLost) continue;
    if (!upload.hasNoDate) {
      for (const { hour, litres } of upload.readings) {
        if (litres === dialAt(truth, hour)) honest.add(hour);
      }
    }
    const isLate = isTroubled && chance.once(8);
    const arrivesHour = upload.arrivesHour + (isLate ? chance.whole(1, 15) * 24 : 0);
    uploads.push({ ...upload, arrivesHour });
    if (chance.once(10))
      uploads.push({ ...upload, arrivesHour: arrivesHour + chance.whole(0, 30) });
  }
  if (isTroubled) uploads.push(...contradictions(chance, truth, [...honest], days));
  const last = truth.exchanges.at(-1);
  const delay = chance.pick([1, 1, 24, 24 * 5, 24 * 20]);
  // Where a new register follows plausibly from the old one, nobody could know by the registers alone.
  const isPlausible = truth.exchanges.some(({ hour }) => {
    const before = dialAt(truth, hour);
    return before < 100_000n || before * 10n > truth.dialLitres * 9n;
  });
  const isEntered = last !== undefined && (isPlausible || !chance.once(5));
  const told = isTroubled && !hasFreezes ? withHighFreeze(chance, truth, uploads) : uploads;
  return {
    truth,
    uploads: told.toSorted((one, other) => one.arrivesHour - other.arrivesHour),
    exchangesEnteredHour: isEntered ? last.hour + delay : null,
  };
}

/** One freeze lies above the next two hours, both of which are told: the sum of the hours is not that of the days. */
function withHighFreeze(
  chance: Chance,
  truth: TruePoint,
  uploads: readonly Upload[],
): readonly Upload[] {
  const isTold = (hour: number): boolean =>
    uploads.some(
      ({ hasNoDate, readings }) =>
        !hasNoDate &&
        readings.some((one) => one.hour === hour && one.litres === dialAt(truth, hour)),
    );
  const midnights = uploads
    .map(({ readings }) => readings[0]?.hour ?? 0)
    .filter((hour) => hour >= 24 && [hour - 1, hour, hour + 1, hour + 2, hour + 3].every(isTold));
  const ends = midnights.filter((hour) => hour === Math.max(...midnights));
  const wrong = chance.any(chance.once(2) ? ends : midnights);
  if (wrong === undefined) return uploads;
  const litres = dialAt(truth, wrong) + trueLitres(truth, wrong, wrong + 2) + 50n;
  return uploads.map((upload) => ({
    ...upload,
    readings: upload.readings.map((one) => (one.hour === wrong ? { ...one, litres } : one)),
  }));
}

interface UploadPlan {
  readonly end: number;
  readonly isTroubled: boolean;
  readonly hasFreezes: boolean;
}

function uploadOf(chance: Chance, truth: TruePoint, plan: UploadPlan): Upload {
  const { end, isTroubled, hasFreezes } = plan;
  const hours = Array.from({ length: 24 }, (_, back) => end - back);
  const freezes = hasFreezes
    ? Array.from({ length: freezesPerUpload }, (_, back) => end - (back + 1) * 24)
    : [];
  const known = [...new Set([...hours, ...freezes])].filter((hour) => hour >= truth.firstHour);
  const spoiledHour = isTroubled && chance.once(4) ? chance.pick([end, end - 7, end - 13]) : null;
  const readings = known.map((hour) => {
    const litres = rememberedDial(truth, hour, end);
    const isMemory = litres !== dialAt(truth, hour);
    return { hour, isMemory, litres: hour === spoiledHour ? spoiled(chance, truth, hour) : litres };
  });
  const arrivesHour = end + chance.whole(1, 40) / 60;
  return { arrivesHour, readings, hasNoDate: isTroubled && chance.once(30) };
}

/** What no meter can have shown: a thousand times too much, nothing, or a little less than before. */
function spoiled(chance: Chance, truth: TruePoint, hour: number): bigint {
  const right = dialAt(truth, hour);
  const before = dialAt(truth, hour - 1);
  return chance.pick([right + 2_000_000n, 0n, before > 0n ? before - 1n : right + 3_000_000n]);
}

/** Another register for an instant that was told rightly. */
function contradictions(
  chance: Chance,
  truth: TruePoint,
  honest: readonly number[],
  days: number,
): readonly Upload[] {
  return Array.from({ length: chance.whole(0, 2) }, () => {
    const ends = honest.filter((hour) => hour === 0 || hour === days * 24);
    const hour = (chance.once(4) ? chance.any(ends) : chance.any(honest)) ?? 0;
    const litres = dialAt(truth, hour) + BigInt(chance.whole(1, 30));
    const arrivesHour = Math.max(hour, 0) + chance.whole(25, 200);
    return { arrivesHour, readings: [{ hour, litres, isMemory: false }], hasNoDate: false };
  }).filter(() => honest.length > 0);
}

/** What we were told of an hour, by uploads whose time could be believed. */
export function toldOf({ uploads }: ToldPoint, hour: number): readonly bigint[] {
  const said = uploads
    .filter(({ hasNoDate }) => !hasNoDate)
    .flatMap(({ readings }) => readings.filter((one) => one.hour === hour && !one.isMemory))
    .map(({ litres }) => litres);
  return [...new Set(said)];
}

/** The exchanges as the persons at the meter wrote them down. */
export function exchangeSlips(truth: TruePoint) {
  return truth.exchanges.map((exchange) => {
    const { hour, openingLitres } = exchange;
    return { hour: hour + 0.5, closingLitres: closingDial(truth, exchange), openingLitres };
  });
}
