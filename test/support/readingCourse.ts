/** Batches that any process can make again from their numbers: late, repeated and contradicting ones too. */
import type { ReadingValues } from "./readingRows.ts";

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 9, 27, 16);
/** Each batch is two hours later than the one before, so a month ends after some 360. */
const batchMs = 120 * minuteMs;

/** Our time when the batch is made. */
export function nowOfBatch(batch: number): number {
  return startMs + batch * batchMs;
}

/** Every 10th batch repeats an older one, every 10th contradicts one; every 7th is late by up to three days. */
export function batchRows(batch: number, readings: number): readonly ReadingValues[] {
  const isRepeated = batch % 10 === 3 && batch > 10;
  const isConflict = batch % 10 === 6 && batch > 10;
  const of = isRepeated || isConflict ? batch - 5 : batch;
  const lateMs = of % 7 === 0 ? (of % 36) * batchMs : 0;
  return Array.from({ length: readings }, (_none, place) => ({
    meterNo: 1 + ((place * 7_919) % readings),
    measuredAtMs: nowOfBatch(of) - lateMs + (lateMs > 0 ? 1 : 0),
    receivedAtMs: nowOfBatch(batch) + place,
    indexMl: 1_000_000 + of * 1_000 + place + (isConflict ? 500 : 0),
    quality: 2,
    batteryMv: 3_600,
  }));
}
