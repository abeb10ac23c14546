/**
 * A fleet that reports by the hour, in another order each hour: registers in whole litres that rest in 41 % of the
 * hours, flow, battery, temperature, valve, status. One reading in 200 comes an hour late, one in 200 twice, one in
 * 2,000 is corrected an hour later.
 *
 * With origin, receipt times and numbers are what an engine would give: they rise together, one frame in 50 has no
 * reading, and what comes late has the time and the number at which it came. A fleet of daily uploads tells the hours
 * since its last one at once, each meter at its own hour.
 */
import type { ReadingColumn, ReadingColumns } from "#ports/readingStore.ts";

const hourMs = 3_600_000;
/** Above any number of meters: a time and a meter in one number. */
const meterScale = 2 ** 21;

export interface FleetOptions {
  readonly meters: number;
  readonly startMs: number;
  /** With receipt time, raw count and numbers of reading and uplink, as the ledger keeps them. */
  readonly withOrigin: boolean;
  /** Every so manyth meter leaks 15 l an hour, day and night; absent: none does. */
  readonly leakEvery?: number;
  /** One upload an hour, or one a day with the hours since the last. */
  readonly uploads?: "hourly" | "daily";
  /** An hour's batches lie where those of the hour before did: making them leaves nothing to be collected. */
  readonly isInPlace?: boolean;
}

const leakLitres = 15;

const measured: readonly ReadingColumn[] = [
  "meterNo",
  "measuredAtMs",
  "indexMl",
  "quality",
  "flags",
  "flowMlPerHour",
  "temperatureCentiC",
  "batteryMv",
  "valve",
  "status",
];
const origin: readonly ReadingColumn[] = [
  "receivedAtMs",
  "rawCount",
  "rawExponent",
  "seq",
  "uplinkSeq",
];

/** mulberry32: small, quick, the same everywhere. */
export function randomOf(seed: number): () => number {
  const dice = new Dice(seed);
  return () => {
    dice.roll();
    return dice.shown[0] ?? 0;
  };
}

/** A number that a function returns may be made on the heap; one that lies in an array is not. */
class Dice {
  /** One number, from 0 to below 1. */
  readonly shown = new Float64Array(1);
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  roll(): void {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    this.shown[0] = ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  isBelow(share: number): boolean {
    this.roll();
    return (this.shown[0] ?? 0) < share;
  }

  whole(below: number): number {
    this.roll();
    return ((this.shown[0] ?? 0) * below) | 0;
  }
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #dice = new Dice(20_261_128);
  readonly #index: Float64Array;
  readonly #second: Uint16Array;
  readonly #battery: Uint16Array;
  readonly #order: Uint32Array;
  readonly #names: readonly ReadingColumn[];
  /** The reading that was made last, by the places of the names. */
  readonly row = new Float64Array(measured.length + origin.length);
  /** Of each meter, how many milliseconds after the hour its upload comes in, and what its clock is late. */
  readonly #arrival: Float64Array;
  readonly #jitter: Uint8Array;
  #seq = 0;
  #uplinkSeq = 0;
  #late: Float64Array[] = [];
  /** The last hour's. */
  #batches: Batch[] = [];
  /** The next meter in the order, and of the hours of its upload those that are told. */
  #place = 0;
  #told = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#names = options.withOrigin ? [...measured, ...origin] : measured;
    const { meters } = options;
    this.#index = Float64Array.from({ length: meters }, () => this.#dice.whole(3_000_000) * 1_000);
    this.#second = Uint16Array.from({ length: meters }, () => this.#dice.whole(3_600));
    this.#battery = Uint16Array.from({ length: meters }, () => 3_550 + this.#dice.whole(60));
    this.#order = Uint32Array.from({ length: meters }, (_none, meter) => meter);
    this.#arrival = new Float64Array(meters);
    this.#jitter = new Uint8Array(meters);
  }

  /** The batches of one hour, counted from the fleet's start. */
  *hour(hour: number, batchRows: number): Generator<ReadingColumns> {
    this.#arrange();
    const late = this.#late;
    this.#late = [];
    const spare = this.#options.isInPlace === true ? this.#batches : [];
    this.#batches = [];
    const next = (): Batch => {
      const made = spare.pop() ?? new Batch(this.#names, batchRows);
      made.count = 0;
      this.#batches.push(made);
      return made;
    };
    let batch = next();
    for (const values of late) {
      batch.put(this.#arrivedAt(values, hour, 0));
      if (batch.count < batchRows) continue;
      yield batch.columns();
      batch = next();
    }
    for (this.#place = 0; this.#place < this.#order.length;) {
      if (!this.#fillBatch(batch, hour)) break;
      yield batch.columns();
      batch = next();
    }
    if (batch.count > 0) yield batch.columns();
  }

  /**
   * Meters from the place on until the batch is full, which is answered. A loop of its own: in a generator each turn
   * leaves something to be collected, and that would be counted as the store's.
   */
  #fillBatch(batch: Batch, hour: number): boolean {
    const { row } = this;
    const isDaily = this.#options.uploads === "daily";
    for (; this.#place < this.#order.length; this.#place += 1) {
      const meter = this.#order[this.#place] ?? 0;
      if (isDaily && meter % 24 !== hour % 24) continue;
      const first = isDaily ? Math.max(0, hour - 23) : hour;
      if (this.#told === 0) this.#upload();
      while (first + this.#told <= hour) {
        this.#fill(meter, first + this.#told);
        this.#told += 1;
        this.#arrivedAt(row, hour, this.#arrival[meter] ?? 0);
        this.#dice.roll();
        const chance = this.#dice.shown[0] ?? 0;
        if (chance > 0.5 && chance < 0.5005) this.#late.push(corrected(row));
        if (chance < 0.005) this.#late.push(row.slice());
        else batch.put(row);
        if (chance > 0.995 && batch.count < batch.rows) batch.put(row);
        if (batch.count >= batch.rows) return true;
      }
      this.#told = 0;
    }
    return false;
  }

  /** The next frame, behind one without a reading now and then. */
  #upload(): void {
    if (this.#options.withOrigin) this.#uplinkSeq += this.#dice.isBelow(0.02) ? 2 : 1;
  }

  /** With the receipt and the numbers of what arrives now. */
  #arrivedAt(values: Float64Array, hour: number, afterMs: number): Float64Array {
    if (!this.#options.withOrigin) return values;
    this.#seq += 1;
    values[10] = this.#options.startMs + hour * hourMs + afterMs;
    values[13] = this.#seq;
    values[14] = this.#uplinkSeq;
    return values;
  }

  /**
   * Who comes when in the hour. Without receipt times in another order each hour; with them as each meter's second of
   * the hour, its clock and the network have it: meters lie in any order, and change places with their neighbours.
   */
  #arrange(): void {
    if (!this.#options.withOrigin) return this.#shuffle();
    const byArrival = new Float64Array(this.#order.length);
    for (let meter = 0; meter < byArrival.length; meter += 1) {
      this.#jitter[meter] = this.#clockJitter();
      const measured = (this.#second[meter] ?? 0) + (this.#jitter[meter] ?? 0);
      const arrival = measured * 1_000 + 400 + this.#dice.whole(2_500);
      this.#arrival[meter] = arrival;
      byArrival[meter] = arrival * meterScale + meter;
    }
    byArrival.sort();
    for (let place = 0; place < byArrival.length; place += 1) {
      this.#order[place] = (byArrival[place] ?? 0) % meterScale;
    }
  }

  /** The meter's next reading, into `row`. */
  #fill(meter: number, hour: number): void {
    const { row } = this;
    const isResting = this.#dice.isBelow(0.41);
    const use = daily(hour % 24);
    const { leakEvery } = this.#options;
    const leak = leakEvery !== undefined && meter % leakEvery === 0 ? leakLitres : 0;
    const step = leak + (isResting ? 0 : 1 + this.#dice.whole(20 + 180 * use));
    const index = (this.#index[meter] ?? 0) + step * 1_000;
    this.#index[meter] = index;
    const isDrawn = this.#options.withOrigin && this.#options.uploads !== "daily";
    const jitter = isDrawn ? (this.#jitter[meter] ?? 0) : this.#clockJitter();
    const second = (this.#second[meter] ?? 0) + jitter;
    const atMs = this.#options.startMs + hour * hourMs + second * 1_000;
    if (this.#dice.isBelow(0.001)) this.#battery[meter] = (this.#battery[meter] ?? 0) - 1;
    row[0] = meter + 1;
    row[1] = atMs;
    row[2] = index;
    row[3] = 3;
    row[4] = 0;
    row[5] = 0;
    if (step > 0) {
      this.#dice.roll();
      row[5] = Math.round(step * (0.7 + 0.6 * (this.#dice.shown[0] ?? 0))) * 1_000;
    }
    row[6] = 1_500 + Math.round(60 * use) * 10 + this.#dice.whole(4) * 10;
    row[7] = this.#battery[meter] ?? 0;
    row[8] = 0;
    row[9] = 0;
    row[11] = index / 1_000;
    row[12] = -3;
  }

  /** Seconds. */
  #clockJitter(): number {
    return this.#dice.isBelow(0.3) ? this.#dice.whole(3) : 0;
  }

  #shuffle(): void {
    const order = this.#order;
    for (let place = order.length - 1; place > 0; place -= 1) {
      const other = this.#dice.whole(place + 1);
      const kept = order[place] ?? 0;
      order[place] = order[other] ?? 0;
      order[other] = kept;
    }
  }
}

/** More in the morning and the evening. */
function daily(hour: number): number {
  return 0.5 + 0.5 * Math.sin(((hour - 3) / 12) * 2 * Math.PI);
}

/** Another register for the same time, by a person. */
function corrected(row: Float64Array): Float64Array {
  const edited = row.slice();
  edited[2] = (row[2] ?? 0) + 1_000;
  edited[3] = 4;
  return edited;
}

class Batch {
  count = 0;
  readonly #names: readonly ReadingColumn[];
  readonly #columns: readonly Float64Array[];
  readonly rows: number;

  constructor(names: readonly ReadingColumn[], rows: number) {
    this.#names = names;
    this.rows = rows;
    this.#columns = names.map(() => new Float64Array(rows));
  }

  put(row: Float64Array): void {
    // An iterator would leave a little to be collected for each value.
    for (let place = 0; place < this.#columns.length; place += 1) {
      const column = this.#columns[place];
      if (column !== undefined) column[this.count] = row[place] ?? NaN;
    }
    this.count += 1;
  }

  columns(): ReadingColumns {
    const named = this.#names.map((name, place) => [name, this.#columns[place]]);
    const columns = Object.fromEntries(named) as ReadingColumns["columns"];
    return { count: this.count, columns };
  }
}
