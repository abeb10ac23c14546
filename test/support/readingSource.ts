/** Stored readings made by hand, read through the port that the sinks use. */
import { parseMeterId } from "#domain/ids.ts";
import { readingFlags } from "#domain/reading.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import type { NamedReading } from "#sinks/readingPoint.ts";

/** Far enough back: a server may refuse what lies days ahead of its clock. */
const startMs = Date.UTC(2024, 0, 1);

/** The n-th reading, from 1: three meters in turn, an hour each; every seventh says nothing but its battery. */
export function namedReading(seq: number): NamedReading {
  const meter = seq % 3;
  const isShort = seq % 7 === 0;
  return {
    seq,
    meterNo: meter,
    meterId: parseMeterId(`M${meter}`) ?? "",
    area: ["binhai-3", "滨海 四区", "a=b,c\\"][meter] ?? "",
    measuredAtMs: timestampMs(startMs + seq * 3_600_000),
    receivedAtMs: timestampMs(startMs + seq * 3_600_000 + 1_234),
    deviceAtMs: null,
    indexMl: isShort ? null : volumeMl(9_007_199_254_000_000 + seq),
    rawCount: null,
    rawExponent: null,
    flowMlPerHour: isShort ? null : (seq % 60) * 1_000,
    temperatureCentiC: isShort ? null : -1_250 + seq,
    pressurePa: null,
    batteryMv: 3_600 - (seq % 500),
    batteryPct: null,
    signalDbm: -91,
    valve: seq % 50 === 0 ? "closed" : "open",
    status: seq % 2,
    quality: seq % 11 === 0 ? "suspect" : "raw",
    flags: seq % 13 === 0 ? readingFlags.LATE : 0,
    uplinkSeq: seq,
  };
}

/** Readings 1 … `newest`; `newest` may grow at any time. */
export function readingSource(newest: number) {
  return {
    newest,
    async newestReadingSeq(): Promise<number> {
      return this.newest;
    },
    async readingsAfterSeq(afterSeq: number, limit: number): Promise<readonly NamedReading[]> {
      const count = Math.max(Math.min(limit, this.newest - afterSeq), 0);
      return Array.from({ length: count }, (_, n) => namedReading(afterSeq + n + 1));
    },
  };
}
