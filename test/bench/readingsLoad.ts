/**
 * A fleet that reports by the hour, in another order each hour: registers in whole litres that rest in 41 % of the
 * hours, flow, battery, temperature, valve, status. One reading in 200 comes a few hours late, one in 200 twice.
 */
import type { ReadingColumn, ReadingColumns } from "#ports/readingStore.ts";

const hourMs = 3_600_000;

export interface FleetOptions {
  readonly meters: number;
  readonly startMs: number;
  /** With receipt time, raw count and numbers of reading and uplink, as the ledger keeps them. */
  readonly withOrigin: boolean;
}

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
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #random = randomOf(20_261_128);
  readonly #index: Float64Array;
  readonly #second: Uint16Array;
  readonly #battery: Uint16Array;
  readonly #order: Uint32Array;
  #seq = 0;
  #late: Float64Array[] = [];

  constructor(options: FleetOptions) {
    this.#options = options;
    const { meters } = options;
    this.#index = Float64Array.from({ length: meters }, () => this.#whole(3_000_000) * 1_000);
    this.#second = Uint16Array.from({ length: meters }, () => this.#whole(3_600));
    this.#battery = Uint16Array.from({ length: meters }, () => 3_550 + this.#whole(60));
    this.#order = Uint32Array.from({ length: meters }, (_none, meter) => meter);
  }

  /** The batches of one hour, counted from the fleet's start. */
  *hour(hour: number, batchRows: number): Generator<ReadingColumns> {
    this.#shuffle();
    const late = this.#late;
    this.#late = [];
    const rows: Float64Array[] = late;
    const names = this.#names();
    for (const meter of this.#order) {
      const row = this.#row(meter, hour, names);
      const chance = this.#random();
      if (chance < 0.005) this.#late.push(row);
      else rows.push(row);
      if (chance > 0.995) rows.push(row);
      if (rows.length >= batchRows) yield columnsOf(names, rows.splice(0, batchRows));
    }
    if (rows.length > 0) yield columnsOf(names, rows.splice(0));
  }

  #names(): readonly ReadingColumn[] {
    return this.#options.withOrigin ? [...measured, ...origin] : measured;
  }

  #row(meter: number, hour: number, names: readonly ReadingColumn[]): Float64Array {
    const isResting = this.#random() < 0.41;
    const step = isResting ? 0 : 1 + this.#whole(20 + 180 * daily(hour % 24));
    const index = (this.#index[meter] ?? 0) + step * 1_000;
    this.#index[meter] = index;
    const jitter = this.#random() < 0.3 ? this.#whole(3) : 0;
    const atMs =
      this.#options.startMs + hour * hourMs + ((this.#second[meter] ?? 0) + jitter) * 1_000;
    if (this.#random() < 0.001) this.#battery[meter] = (this.#battery[meter] ?? 0) - 1;
    const temperature = 1_500 + Math.round(60 * daily(hour % 24)) * 10 + this.#whole(4) * 10;
    this.#seq += 1;
    const flow = step === 0 ? 0 : Math.round(step * (0.7 + 0.6 * this.#random())) * 1_000;
    const values = [
      meter + 1,
      atMs,
      index,
      3,
      0,
      flow,
      temperature,
      this.#battery[meter] ?? 0,
      0,
      0,
    ];
    if (names.length > values.length) {
      values.push(atMs + 400 + this.#whole(2_500), index / 1_000, -3, this.#seq, this.#seq + 7);
    }
    return Float64Array.from(values);
  }

  #whole(below: number): number {
    return Math.floor(this.#random() * below);
  }

  #shuffle(): void {
    const order = this.#order;
    for (let place = order.length - 1; place > 0; place -= 1) {
      const other = this.#whole(place + 1);
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

function columnsOf(names: readonly ReadingColumn[], rows: readonly Float64Array[]): ReadingColumns {
  const columns: Partial<Record<ReadingColumn, Float64Array>> = {};
  for (const [place, name] of names.entries()) {
    columns[name] = Float64Array.from(rows, (row) => row[place] ?? NaN);
  }
  return { count: rows.length, columns };
}
