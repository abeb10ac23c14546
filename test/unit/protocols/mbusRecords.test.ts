/** M-Bus records and times as tables, a line a value. */
import { describe, expect, test } from "vitest";
import { describeRecord, readRecords } from "#protocols/mbus/records.ts";
import { printValue } from "#protocols/mbus/values.ts";
import { bytesOfHex } from "./cards.ts";

/** What one record says, in one line. */
function said(hex: string): string {
  const bytes = bytesOfHex(hex.replaceAll(" ", ""));
  const { records, fault, moreFollows } = readRecords(bytes, 0, bytes.length, null);
  if (fault !== null) return `fault ${fault.kind}`;
  const lines = records.map((record) => {
    return `${describeRecord(record)} = ${printValue(record.value)} ${record.unit ?? ""}`.trimEnd();
  });
  return [...lines, ...(moreFollows ? ["more"] : [])].join(" | ");
}

describe("records", () => {
  test.each([
    // integers: signed, the lone top bit is "invalid", eight bytes exact
    ["01 13 ff", "volume = -0.001 m³"],
    ["01 13 80", "volume = missing m³"],
    ["02 13 0080", "volume = missing m³"],
    ["03 16 563412", "volume = 1193046 m³"],
    ["06 10 ffffffffff7f", "volume = 140737488.355327 m³"],
    ["07 13 ffffffffffffff7f", "volume = 9223372036854775.807 m³"],
    ["07 10 0000000000000080", "volume = missing m³"],
    // digits: F in front is a minus, other letters are no digits
    ["0c 14 78563412", "volume = 123456.78 m³"],
    ["0b 62 0200f0", "temperature difference = -0.2 K"],
    ["0c 13 785634a2", "volume = missing m³"],
    ["0e 12 123456789012", "volume = 12907856.3412 m³"],
    ["09 20 59", "on time = 59 s"],
    // reals
    ["05 5b 0000bc41", "flow temperature = 23.5 °C"],
    ["05 13 00000000", "volume = 0.000 m³"],
    ["05 2e 0000c07f", "power = missing W"],
    ["05 2b 000080ff", "power = missing W"],
    // no data, selection
    ["00 13", "volume = missing m³"],
    ["08 13", "volume = missing m³"],
    // storage, tariff, subunit, function
    ["44 13 01000000", "volume, storage 1 = 0.001 m³"],
    ["84 10 13 01000000", "volume, tariff 1 = 0.001 m³"],
    ["94 c0 00 13 01000000", "volume, maximum, subunit 1 = 0.001 m³"],
    ["c1 8f 0f 13 05", "volume, storage 511 = 0.005 m³"],
    ["a1 b0 c0 30 13 05", "volume, minimum, tariff 51, subunit 2 = 0.005 m³"],
    ["31 13 05", "volume, during error = 0.005 m³"],
    // units and durations
    ["01 03 05", "energy = 5 Wh"],
    ["01 0e 05", "energy = 5000000 J"],
    ["01 fb 01 05", "energy = 5000000 Wh"],
    ["01 fb 09 05", "energy = 5000000000 J"],
    ["01 fb 11 05", "volume = 5000 m³"],
    ["01 fb 21 05", "volume = 0.5 ft³"],
    ["01 fb 1a 05", "relative humidity = 0.5 %"],
    ["01 40 3c", "volume flow = 0.0000060 m³/min"],
    ["01 27 02", "operating time = 172800 s"],
    ["01 fd 31 02", "duration of tariff = 120 s"],
    ["01 fd 6c 02", "battery operating time = 7200 s"],
    ["02 fd 74 b10f", "remaining battery life = 4017 d"],
    ["01 69 05", "pressure = 0.05 bar"],
    ["01 fd 48 05", "voltage = 0.5 V"],
    ["01 fd 17 ff", "error flags = 255"],
    ["01 6f 05", "reserved = 5"],
    ["01 fb 3c 05", "unknown VIF FBH 3CH = 5"],
    // tables behind tables; a third one is kept for later
    ["02 fb 68 0010", "rating factor, resulting = 1.000000000000"],
    ["02 fd fd 02 1800", "remaining battery life = 24 month"],
    ["01 fd fd 7b 05", "unknown VIF FDH FDH 7BH = 5"],
    ["01 fd fd bb 3a 05", "unknown VIF FDH FDH 3BH, uncorrected = 5"],
    ["01 fd 7d 05", "unknown VIF FDH 7DH = 5"],
    ["01 ef 93 3a 05", "unknown VIF EFH 13H, uncorrected = 5"],
    ["01 fd 3e 02", "period of transmission = 7200 s"],
    ["01 fd 75 02", "times the meter was stopped = 2"],
    // all bits set in an unsigned number of more than one byte
    ["02 fd 08 ffff", "access number = missing"],
    ["01 fd 08 ff", "access number = 255"],
    ["04 78 ffffffff", "fabrication number = missing"],
    // modifiers
    ["01 93 fc 11 ff", "volume, data of type C = 0.255 m³"],
    ["02 93 fc 11 ffff", "volume, data of type C = missing m³"],
    ["02 93 fc 12 0080", "volume, data of type D = 32.768 m³"],
    ["01 93 fc 14 05", "volume, towards the meter = 0.005 m³"],
    ["01 93 fc 7b 05", "volume, unknown VIFE 7C 7BH = 0.005 m³"],
    ["04 93 39 1a0ecd13", "volume, start of = 2014-03-13T14:26:00"],
    ["04 93 6a 1a0ecd13", "volume, begin of first = 2014-03-13T14:26:00"],
    ["04 93 6f 1a0ecd13", "volume, end of last = 2014-03-13T14:26:00"],
    ["04 93 43 1a0ecd13", "volume, end of first lower limit exceeded = 2014-03-13T14:26:00"],
    ["01 bb 67 02", "volume flow, duration of last = 172800 s"],
    ["01 bb 41 02", "volume flow, times lower limit exceeded = 2"],
    ["01 bb 48 02", "volume flow, upper limit = 0.002 m³/h"],
    ["01 bb 6c 02", "volume flow, value during upper limit exceeded = 0.002 m³/h"],
    ["0a 94 3a 1200", "volume, uncorrected = 0.12 m³"],
    ["0a 94 3e 1200", "volume, at base conditions = 0.12 m³"],
    ["01 93 3c 05", "volume, only negative contributions = 0.005 m³"],
    ["01 93 bb 75 05", "volume, only positive contributions, multiplied by 10^-1 = 0.0005 m³"],
    ["01 96 7d 05", "volume, multiplied by 1000 = 5000 m³"],
    ["01 93 78 05", "volume, 10^-3 added = 0.006 m³"],
    ["01 93 7b 05", "volume, 10^0 added = 1.005 m³"],
    ["01 be 58 3c", "volume flow, duration of first upper limit exceeded = 60 s"],
    ["01 be 59 02", "volume flow, duration of first upper limit exceeded = 120 s"],
    ["01 be 49 02", "volume flow, times upper limit exceeded = 2"],
    ["04 be 4b 1e08 6119", "volume flow, end of first upper limit exceeded = 2011-09-01T08:30:00"],
    ["42 ec 7e dc19", "date, future value, storage 1 = 2014-09-28"],
    ["01 93 15 00", "volume, no data available = missing m³"],
    ["01 93 16 05", "volume, data overflow = missing m³"],
    ["01 93 00 05", "volume, no error = 0.005 m³"],
    ["01 fd c9 fc 01 dc", "voltage, phase L1 = -36 V"],
    ["01 93 10 05", "volume, unknown VIFE 10H = 0.005 m³"],
    ["01 93 ff 02 05", "volume, manufacturer's 02H = 0.005 m³"],
    ["01 93 7f 05", "volume, manufacturer's = 0.005 m³"],
    ["01 ff 93 3a 05", "manufacturer specific, manufacturer's 93H 3AH = 5"],
    // texts
    ["01 7c 03 4d5043 05", "CPM = 5 CPM"],
    ["02 fc 03 485225 74 2215", "%RH, multiplied by 10^-2 = 54.10 %RH"],
    ["02 fc 74 03 485225 2215", "%RH, multiplied by 10^-2 = 54.10 %RH"],
    [
      "02 fc bb 74 03 485225 2215",
      "%RH, only positive contributions, multiplied by 10^-2 = 54.10 %RH",
    ],
    ["02 fc 03 6d7070 74 2215", "ppm, multiplied by 10^-2 = 54.10 ppm"],
    ["01 7c 03 6b5768 05", "kWh = 5 kWh"],
    ["01 7c 03 68576b 05", "kWh = 5 kWh"],
    ["01 fc 03 485225 ff 02 05", "%RH, manufacturer's 02H = 5 %RH"],
    ["01 fc 02 0102 3a 05", "\u0002\u0001, uncorrected = 5 \u0002\u0001"],
    ["0d 78 03 433231", "fabrication number = 12C"],
    ["0d 78 00", "fabrication number ="],
    ["0d 78 05 0000433231", "fabrication number = 12C"],
    ["0d 78 03 430031", "fabrication number = 430031"],
    ["0d ff 5f 03 433201", "manufacturer specific, manufacturer's 5FH = 433201"],
    // LVAR
    ["0d 13 c3 563412", "volume = 123.456 m³"],
    ["0d 13 d3 563412", "volume = -123.456 m³"],
    ["0d 13 e2 feff", "volume = -0.002 m³"],
    ["0d 13 e0", "volume = missing m³"],
    ["0d 13 ea 0102030405060708090a", "volume = 0102030405060708090A m³"],
    [`0d 13 f0 ${"ab".repeat(16)}`, `volume = ${"AB".repeat(16)} m³`],
    [`0d 13 f5 ${"ab".repeat(48)}`, `volume = ${"AB".repeat(48)} m³`],
    [`0d 13 f6 ${"ab".repeat(64)}`, `volume = ${"AB".repeat(64)} m³`],
    // specials
    ["2f 2f 01 13 05 2f", "volume = 0.005 m³"],
    ["01 13 05 0f 0102", "volume = 0.005 m³ | manufacturer data = 0102"],
    ["01 13 05 1f", "volume = 0.005 m³ | manufacturer data, more records follow = | more"],
    ["01 13 05 7f", "volume = 0.005 m³"],
    ["01 13 05 3f 0102", "volume = 0.005 m³ | reserved data = 0102"],
    // what is cut off
    ["04", "fault wrongLength"],
    ["84", "fault wrongLength"],
    ["04 13 010203", "fault wrongLength"],
    ["01 93", "fault wrongLength"],
    ["01 7c", "fault wrongLength"],
    ["01 7c 05 4142", "fault wrongLength"],
    ["0d 13", "fault wrongLength"],
    ["0d 13 05 4142", "fault wrongLength"],
    ["04 13 05000000 0d 13 f7 01", "volume = 0.005 m³ | reserved data = 13F701"],
    [`${"84".repeat(11)} 04 13`, "fault wrongLength"],
    [`04 ${"93".repeat(12)} 13 00000000`, "fault wrongLength"],
    [`81 ${"80".repeat(9)} 00 13 05`, "volume = 0.005 m³"],
  ])("%s says %s", (hex, line) => {
    expect(said(hex)).toBe(line);
  });
});

describe("times", () => {
  test.each([
    ["02 6c bf1c", "date = 2013-12-31"],
    ["02 6c 0000", "date = missing"],
    ["02 6c ffff", "date = missing"],
    ["02 6c 1e12", "date = missing"],
    ["02 6c 0110", "date = missing"],
    // 29 February
    ["02 6c 1d02", "date = 2000-02-29"],
    ["02 6c 3d02", "date = missing"],
    // two digits of 81 to 99 are of the century before, 100 to 127 are none
    ["02 6c 21a1", "date = 1981-01-01"],
    ["02 6c 81c1", "date = missing"],
    ["04 6d 1a0ecd13", "date and time = 2014-03-13T14:26:00"],
    ["04 6d 9a0ecd13", "date and time = missing"],
    ["04 6d 00000000", "date and time = missing"],
    ["04 6d 0000e1f1", "date and time = missing"],
    ["04 6d 3c0ecd13", "date and time = missing"],
    ["04 6d 1a1fcd13", "date and time = missing"],
    // century given: 1900 + 100 + 14
    ["04 6d 1a2ecd13", "date and time = 2014-03-13T14:26:00"],
    ["06 6d 00000b321600", "date and time = 2009-06-18T11:00:00"],
    ["06 6d 00800b321600", "date and time = missing"],
    ["06 6d 3b3b17321600", "date and time = 2009-06-18T23:59:59"],
    ["03 6d 1e3b17", "date and time = 23:59:30"],
    ["03 6d 3c3b17", "date and time = missing"],
    ["01 6d 01", "date and time = missing"],
    ["05 6d 0000bc41", "date and time = missing"],
    ["0c 6d 12345678", "date and time = missing"],
    // a time of variable length is of type M: not guessed
    ["0d 6d e4 1a0ecd13", "date and time = 1A0ECD13"],
    ["02 fd 70 bf1c", "battery change date = 2013-12-31"],
  ])("%s says %s", (hex, line) => {
    expect(said(hex)).toBe(line);
  });
});
