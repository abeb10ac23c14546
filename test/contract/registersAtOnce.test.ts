/** A run over all meters takes its registers from one look at the store: the same as those of one meter at a time. */
import { fc, test } from "@fast-check/vitest";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import { storeSettings } from "#readings/openReadings.ts";
import { expect, onTestFinished } from "vitest";
import { temporaryDirectory } from "../support/ledgerFiles.ts";
import { inTransaction, meterRow, readingRow, startMs } from "../support/ledgerRows.ts";

const minuteMs = 60_000;
const meters = 6;

/** Times and registers collide often, and some are not to be trusted or have no register. */
const history = fc.array(
  fc.record({
    minute: fc.integer({ min: 0, max: 12 }),
    meterNo: fc.integer({ min: 1, max: meters - 1 }),
    litres: fc.constantFrom(null, 1_000, 1_001, 1_002),
    quality: fc.constantFrom("validated", "validated", "validated", "edited", "raw", "suspect"),
  }),
  { maxLength: 40 },
);

test.prop([history, history, fc.integer({ min: -1, max: 13 })], { numRuns: 25 })(
  "flushed or hot, validated, in conflict or suspect",
  (flushed, hot, minute) => {
    const directory = temporaryDirectory();
    const plan = { ...storeSettings.plan, flushRows: 1 };
    const ledger = openLedger(directory, { ...storeSettings, plan });
    onTestFinished(() => ledger.close());
    inTransaction(ledger, () => {
      for (let no = 1; no <= meters; no += 1) ledger.putMeter(meterRow(no));
    });
    let seq = 0;
    const seen = new Set<string>();
    for (const part of [flushed, hot]) {
      inTransaction(ledger, () => {
        for (const { minute, meterNo, litres, quality } of part) {
          const indexMl = litres === null ? null : volumeMl(litres * 1_000);
          // The same register of the same time is a repetition, which nobody stores.
          const words = `${meterNo} ${minute} ${litres}`;
          if (seen.has(words)) continue;
          seen.add(words);
          seq += 1;
          ledger.putReading(readingRow(seq, minute * minuteMs, { meterNo, quality, indexMl }));
        }
      });
      if (part === flushed) ledger.flushFull();
    }
    const db = openForReading(directory);
    onTestFinished(() => db.close());
    const answers = answersFrom(db);
    const atMs = timestampMs(startMs + minute * minuteMs);
    const ids = answers.meters(null, meters, null).items.map(({ meter }) => meter.id);
    const one = ids.map((id) => answers.registerAt(id, atMs)).filter((view) => view !== null);
    expect(answers.registersAt(atMs, null, null, 1_000).items).toEqual(one);
    expect(answers.registersAt(atMs, null, null, meters).items).toEqual(one);
  },
);
