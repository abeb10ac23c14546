import { expect, test } from "vitest";
import { readingFlags } from "#domain/reading.ts";
import { readingLine } from "#sinks/readingPoint.ts";
import { namedReading } from "../../support/readingSource.ts";

test("a reading is one line of integers with the measured time", () => {
  expect(readingLine(namedReading(1))).toBe(
    "reading,area=滨海\\ 四区,meter=M1 battery_mv=3599i,flags=0i,flow_ml_h=1000i,index_ml=9007199254000001i," +
      "quality=0i,received_at_ms=1704070801234i,signal_dbm=-91i,status_bits=1i," +
      "temperature_centi_c=-1249i,valve=0i 1704070800000",
  );
});

test("what the meter did not say is absent, and a word is its place in the list", () => {
  const line = readingLine({ ...namedReading(7), valve: "closed", quality: "suspect" });
  expect(line).not.toContain("index_ml");
  expect(line).toMatch(/quality=4i,.*valve=1i/);
});

test("a second value for one instant does not replace the first", () => {
  const line = readingLine({ ...namedReading(1), flags: readingFlags.CONFLICT });
  expect(line).toMatch(/^reading_conflict,/);
});

test("an area cannot break the line", () => {
  const line = readingLine({ ...namedReading(1), area: 'x\\ y,z="q"\n\\' });
  expect(line).toMatch(/^reading,area=x\/\\ y\\,z\\="q"\\n\/,meter=M1 battery_mv=/);
});
