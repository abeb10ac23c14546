/** The ledger's readings are in the store: the same answers whatever is hot, flushed, merged or read from beside. */
import { fc, test } from "@fast-check/vitest";
import type { StoredReading } from "#domain/reading.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { openLedger, type OpenLedger } from "#ledger/openLedger.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { segmentFolder, storeSettings } from "#readings/openReadings.ts";
import { planSettings } from "#readings/planWork.ts";
import { localRunner } from "#readings/runWork.ts";
import type { WorkRunner } from "#readings/work.ts";
import { expect, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/ledgerFiles.ts";
import { inTransaction, meterRow, readingRow, startMs } from "../support/ledgerRows.ts";

/** Small enough that a few dozen readings go through every kind of work. */
const plan = {
  ...planSettings,
  flushRows: 12,
  flushEveryMs: 0,
  openDayFilesMax: 2,
  lateDayFilesMax: 0,
  lateFilesMax: 1,
};
const small = { ...storeSettings, plan };

type Step =
  | { readonly kind: "put"; readonly hours: readonly number[]; readonly meterNo: number }
  | { readonly kind: "revise"; readonly place: number }
  | { readonly kind: "flush" }
  | { readonly kind: "maintain"; readonly days: number }
  | { readonly kind: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      hours: fc.array(fc.integer({ min: 0, max: 24 * 40 }), { minLength: 1, maxLength: 6 }),
      meterNo: fc.constantFrom(1, 1, 2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("revise" as const), place: fc.nat({ max: 200 }) }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "flush" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("maintain" as const),
      days: fc.integer({ min: 0, max: 80 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "restart" }) },
);

interface World {
  readonly directory: string;
  ledger: OpenLedger;
  /** As they are in force, in the order of storing. */
  readonly known: StoredReading[];
}

function runnerOn(directory: string): WorkRunner {
  const manifest = new Manifest(openForReading(directory));
  const file = { chunkRows: 4, level: 1 };
  const settings = { day: file, month: file, rollup: file };
  const calendar = new GasCalendar(storeSettings.calendar);
  return localRunner({
    disk: nodeDisk,
    folder: segmentFolder(directory),
    calendar,
    manifest,
    settings,
  });
}

async function take(world: World, runner: WorkRunner, doing: Step): Promise<void> {
  const { ledger, known } = world;
  switch (doing.kind) {
    case "put":
      inTransaction(ledger, () => {
        for (const hour of doing.hours) {
          const seq = known.length + 1;
          const index = seq % 5 === 0 ? { indexMl: null } : {};
          const row = readingRow(seq, hour * hourMs, {
            meterNo: doing.meterNo,
            rawCount: seq,
            ...index,
          });
          ledger.putReading(row);
          known.push(row);
        }
      });
      return;
    case "revise": {
      const row = known[doing.place];
      if (row === undefined) return;
      const quality = row.quality === "suspect" ? "validated" : "suspect";
      const revised = { ...row, quality, flags: row.flags ^ 128 } as const;
      known[doing.place] = revised;
      inTransaction(ledger, () => ledger.reviseReading(revised, "refolded", startMs));
      return;
    }
    case "flush":
      await ledger.readings.flush(runner);
      return;
    case "maintain":
      await ledger.readings.maintain(runner, startMs + doing.days * dayMs);
      return;
    case "restart":
      ledger.close();
      world.ledger = openLedger(world.directory, small);
  }
}

function inTimeOrder(one: StoredReading, other: StoredReading): number {
  return one.measuredAtMs - other.measuredAtMs || one.seq - other.seq;
}

test.prop([fc.array(step, { minLength: 4, maxLength: 40 })], { numRuns: 60 })(
  "whatever was flushed, merged or restarted in between, all readers see each reading in force once",
  async (steps) => {
    const directory = temporaryDirectory();
    const world: World = { directory, ledger: openLedger(directory, small), known: [] };
    inTransaction(world.ledger, () => {
      for (const no of [1, 2]) world.ledger.putMeter(meterRow(no));
    });
    const runner = runnerOn(directory);
    const db = openForReading(directory);
    const answers = answersFrom(db);
    onTestFinished(() => db.close());
    for (const doing of steps) {
      await take(world, runner, doing);
      const { ledger, known } = world;
      const own = known.filter(({ meterNo }) => meterNo === 1).toSorted(inTimeOrder);
      expect(ledger.sequences().reading).toBe(known.length);
      expect(ledger.readingsAfter(1, 0)).toEqual(own);
      const some = own[own.length >> 1];
      const atMs = some?.measuredAtMs ?? startMs;
      const same = own.filter(({ measuredAtMs }) => measuredAtMs === atMs);
      expect(ledger.readingsAt(1, atMs)).toEqual(same);
      expect(answers.readings("M0001", startMs, startMs + 90 * dayMs, null, 10_000).items).toEqual(
        own,
      );
      expect(answers.latestReading("M0001")).toEqual(own.at(-1) ?? null);
      const trusted = own
        .filter((row) => row.measuredAtMs <= atMs && row.quality !== "suspect")
        .filter(({ indexMl }) => indexMl !== null);
      expect(answers.registerAt("M0001", atMs)?.indexMl).toEqual(trusted.at(-1)?.indexMl);
      const inOrder = answers.readingsAfterSeq(0, 10_000);
      expect(inOrder.map(({ meterId: _id, area: _area, ...row }) => row)).toEqual(known);
      expect(answers.newestReadingSeq()).toBe(known.length);
    }
    expect(world.ledger.readings.damage()).toEqual([]);
    world.ledger.close();
  },
  120_000,
);
