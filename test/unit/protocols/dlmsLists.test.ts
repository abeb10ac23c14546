/** Lists and buffers whose objects are named beside them, or on file. */
import { describe, expect, test } from "vitest";
import { dlmsProtocol, type DlmsOptions } from "#protocols/dlms/protocol.ts";
import { cubicMetres, name, push, register } from "./dlmsPushes.ts";

describe("values without names", () => {
  const clock = (hour: number, minute = 0) =>
    `090c07ea0b16ff${Buffer.from([hour, minute]).toString("hex")}00ff000000`;
  const captured = (classId: string, obis: string, attribute = "02") =>
    `020412${classId}${name(obis)}0f${attribute}120000`;
  const columns = `0103${captured("0008", "0-0:1.0.0")}${captured("0001", "0-0:96.5.0")}${captured("0003", "7-0:3.0.0")}`;
  const row = (time: string, value: string) => `0203${time}1100${value}`;
  const rows = [
    row(clock(8), "06000004d2"),
    row("00", "06000004d3"),
    row("00", "00"),
    row(clock(12), "06000004d4"),
  ];
  const buffer = `0104${rows.join("")}`;
  const scalers = { "3.0.0": { scaler: -3, unit: 13 } };
  const objectList = ["0-0:1.0.0", null, "7-0:3.0.0"];

  function timesAndCounts(bytes: Uint8Array, options?: DlmsOptions): unknown {
    const result = dlmsProtocol.decode(bytes, options);
    if (!result.ok) return result.fault;
    return result.value.readings.map(({ measuredAtMs, volume }) => {
      return [new Date(measuredAtMs ?? 0).toISOString().slice(11, 16), volume?.count];
    });
  }

  const hourly = [
    ["08:00", 1_234],
    ["09:00", 1_235],
    ["10:00", 1_235],
    ["12:00", 1_236],
  ];

  test("a buffer with its captured objects and its period beside it", () => {
    const described = (attribute: string) => captured("0007", "7-0:99.1.0", attribute);
    const list = `0103${described("02")}${described("03")}${described("04")}`;
    const bytes = push(`0204${list}${buffer}${columns}0600000e10`);
    expect(timesAndCounts(bytes, { scalers })).toEqual(hourly);
    expect(timesAndCounts(bytes)).toMatchObject({ kind: "unsupported" });
  });

  test("a buffer whose columns and period are on file, beside the register that has its unit", () => {
    const bytes = push(`0102${register}0202${name("7-0:99.1.0")}${buffer}`);
    const options = { objectList, capturePeriodSeconds: 3_600 };
    expect(timesAndCounts(bytes, options)).toEqual([["00:00", 1_234], ...hourly]);
    expect(timesAndCounts(bytes)).toEqual([["00:00", 1_234]]);
  });

  test("values are explained under the names that the list gives them", () => {
    const bytes = push(row(clock(8), "06000004d2"));
    const { fields } = dlmsProtocol.explain(bytes, { objectList, scalers });
    expect(fields.at(-1)).toMatchObject({ name: "7-0:3.0.0.255", value: "1234" });
  });

  test("a row without a time is worth nothing; one behind it has its own again", () => {
    const bytes = push(`01010202${name("7-0:99.1.0")}${buffer}`);
    const some = [hourly[0], hourly[3]];
    expect(timesAndCounts(bytes, { objectList, scalers })).toEqual(some);
    const startless = push(`01010202${name("7-0:99.1.0")}0102${rows[1]}${rows[3]}`);
    const options = { objectList, scalers, capturePeriodSeconds: 3_600 };
    expect(timesAndCounts(startless, options)).toEqual([hourly[3]]);
  });

  test("a list in the order on file; of another length it is another list", () => {
    const options = { objectList, scalers };
    expect(timesAndCounts(push(row(clock(8), "06000004d2")), options)).toEqual([hourly[0]]);
    const withUnit = row(clock(8), `020206000004d2${cubicMetres}`);
    expect(timesAndCounts(push(withUnit), { objectList })).toEqual([hourly[0]]);
    expect(timesAndCounts(push(buffer), options)).toEqual([hourly[0], hourly[3]]);
    expect(timesAndCounts(push(`0204${clock(8)}110006000004d200`), options)).toEqual([]);
    expect(timesAndCounts(push(row(clock(8), "06000004d2")))).toEqual([]);
  });

  test("a compact array is a buffer like any other", () => {
    const shape = "0203090611";
    const values = `0c07ea0b16ff080000ff000000000004d200`.padEnd(36, "0");
    const bytes = push(`0202${name("7-0:99.1.0")}13${shape}12${values}`);
    const options = { objectList: ["0-0:1.0.0", "7-0:3.0.0", null], scalers };
    expect(timesAndCounts(bytes, options)).toEqual([hourly[0]]);
  });
});
