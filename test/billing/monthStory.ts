/** What reaches us of the truth: daily uploads that get lost, come late, twice, spoiled, or contradict one another. */
import type { Chance } from "../support/random.ts";
import { closingDial, dialAt, pointByChance, type TruePoint } from "./truth.ts";

export interface ToldReading {
  readonly hour: number;
  readonly litres: bigint;
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
  /** When a person enters the exchange; null: never. */
  readonly exchangeEnteredHour: number | null;
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
  const { exchange } = truth;
  const delay = chance.pick([1, 1, 24, 24 * 5, 24 * 20]);
  // Where the new register follows plausibly from the old one, nobody could know by the registers alone.
  const before = exchange === null ? 0n : dialAt(truth, exchange.hour);
  const isPlausible = before < 100_000n || before * 10n > truth.dialLitres * 9n;
  const isEntered = exchange !== null && (isPlausible || !chance.once(5));
  return {
    truth,
    uploads: uploads.toSorted((one, other) => one.arrivesHour - other.arrivesHour),
    exchangeEnteredHour: isEntered ? exchange.hour + delay : null,
  };
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
  const readings = known.map((hour) => ({
    hour,
    litres: hour === spoiledHour ? spoiled(chance, truth, hour) : dialAt(truth, hour),
  }));
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
    return { arrivesHour, readings: [{ hour, litres }], hasNoDate: false };
  }).filter(() => honest.length > 0);
}

/** What we were told of an hour, by uploads whose time could be believed. */
export function toldOf({ uploads }: ToldPoint, hour: number): readonly bigint[] {
  const said = uploads
    .filter(({ hasNoDate }) => !hasNoDate)
    .flatMap(({ readings }) => readings.filter((reading) => reading.hour === hour))
    .map(({ litres }) => litres);
  return [...new Set(said)];
}

/** The exchange as the person at the meter wrote it down. */
export function exchangeSlip({ exchange, ...truth }: TruePoint) {
  if (exchange === null) return null;
  const closingLitres = closingDial({ ...truth, exchange }, exchange);
  const { hour, openingLitres } = exchange;
  return { hour: hour + 0.5, closingLitres, openingLitres };
}
