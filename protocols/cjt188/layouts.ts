/** What meters send: the data parts of their frames, in wire order. Reference sections 1.4 to 1.8. */
import {
  bcdCountLe,
  code,
  hex,
  hexLe,
  i16be,
  optional,
  times,
  u16be,
  u8,
} from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import { clock, counted, quantity, register } from "./quantities.ts";

/** DI as it stood on the wire; vendors send its two bytes in either order. */
const diWire = hex(2);
/** ST0 and ST1; a profile says what they mean. */
const status = times(2, code({}));

/** 901F, L = 16H: water and gas share it. */
export const metering = layout("cjt188.901F", {
  diWire,
  sequence: u8,
  current: register("after"),
  settlement: counted("after", "volume"),
  measuredAt: clock,
  status,
});

/** 901F in the short dialect, L = 09H: no unit, no clock. */
export const meteringShort = layout("cjt188.901F short", {
  diWire,
  sequence: u8,
  current: bcdCountLe(4),
  status,
});

/** 901F of heat meters, L = 2EH. Implementations disagree; this is the one that fits the L of the text. */
export const meteringHeat = layout("cjt188.901F heat", {
  diWire,
  sequence: u8,
  settlementHeat: counted("after", "energy"),
  currentHeat: counted("after", "energy"),
  power: counted("after", "power"),
  flow: counted("after", "flow"),
  volume: counted("after", "volume"),
  supplyTemperature: quantity(3, 2, "°C"),
  returnTemperature: quantity(3, 2, "°C"),
  workingHours: quantity(3, 0, "h"),
  measuredAt: clock,
  status,
});

/** 911F of 2018, L = 3EH: heat and cooling. The sizes of power, flow and pressures follow from L. */
export const meteringHeatCold = layout("cjt188.911F", {
  diWire,
  sequence: u8,
  settlementHeat: counted("after", "energy"),
  settlementCold: counted("after", "energy"),
  currentHeat: counted("after", "energy"),
  currentCold: counted("after", "energy"),
  power: counted("after", "power"),
  flow: counted("after", "flow"),
  volume: counted("after", "volume"),
  supplyTemperature: quantity(3, 2, "°C"),
  returnTemperature: quantity(3, 2, "°C"),
  supplyPressure: quantity(3, 2, null),
  returnPressure: quantity(3, 2, null),
  workingHours: quantity(3, 0, "h"),
  measuredAt: clock,
  status,
});

/** D120 to D12B and D200 to D2FF, L = 08H: a register of a settlement day, without its date. */
export const settlementValue = layout("cjt188.D1xx", {
  diWire,
  sequence: u8,
  settlement: counted("after", "volume"),
});

/** D200 to D2FF of heat meters, L = 12H. */
export const settlementHeatCold = layout("cjt188.D2xx heat", {
  diWire,
  sequence: u8,
  settlementHeat: counted("after", "energy"),
  settlementCold: counted("after", "energy"),
  settlement: counted("after", "volume"),
});

/** D300 to D4FF of 2018, L = 1AH: what was frozen, and when. No text says what the pressure counts in. */
export const freeze = layout("cjt188.D3xx", {
  diWire,
  sequence: u8,
  frozenAt: clock,
  current: counted("after", "volume"),
  flow: counted("after", "flow"),
  temperature: quantity(3, 2, "°C"),
  pressure: quantity(3, 2, null),
});

/** 907F of 2018. */
export const clockAnswer = layout("cjt188.907F", { diWire, sequence: u8, clock });
export const clockAnswerBare = layout("cjt188.907F without SER", { diWire, clock });

const price = quantity(3, 2, null);
const step = quantity(3, 0, null);

/** 8102, L = 12H: three prices and the consumption from which the second and the third hold. */
export const prices = layout("cjt188.8102", {
  diWire,
  sequence: u8,
  price1: price,
  volume1: step,
  price2: price,
  volume2: step,
  price3: price,
});

/** 8103 and 8104, L = 04H. */
export const dayOfMonth = layout("cjt188.day", { diWire, sequence: u8, day: quantity(1, 0, null) });

const money = quantity(4, 2, null);

/** 8105, L = 12H: what a prepaid meter was loaded with. */
export const purchase = layout("cjt188.8105", {
  diWire,
  sequence: u8,
  purchaseNumber: u8,
  purchased: money,
  purchasedInAll: money,
  remaining: money,
  status,
});

/** 8106, L = 04H. */
export const keyVersion = layout("cjt188.8106", { diWire, sequence: u8, version: u8 });

/** Half hours between two midnights, both left out. */
export const halfHoursCount = 47;

/** 9097, L = ACH: the NB-IoT report. Here the unit stands before the value. */
export const report = layout("cjt188.9097", {
  diWire,
  sequence: u8,
  current: register("before"),
  settlement: counted("before", "volume"),
  reverse: counted("before", "volume"),
  remaining: counted("before", "volume"),
  flow: counted("before", "flow"),
  temperature: quantity(3, 2, "°C"),
  pressure: quantity(2, 3, "MPa"),
  ultrasonicSignal: u16be,
  measuredAt: clock,
  status,
  rsrp: i16be("dBm"),
  signalQuality: u16be,
  transmissionCount: u16be,
  iccid: hex(10),
  imei: hex(8),
  uploadFlag: u8,
  timingScheme: hex(4),
  /** Local hour at which the register below was frozen. */
  freezeHour: u8,
  freezeCount: optional(bcdCountLe(4)),
  /** Litres, newest first: 23:30, 23:00 … 00:30 of the day before the freeze. */
  decrements: times(halfHoursCount, u16be),
});

/** A017 answered: ST is that of the moment of answering, before the motor has moved. */
export const valveAnswer = layout("cjt188.A017 answer", { diWire, sequence: u8, status });

/** Other writes answered, and A017 by meters that have one status byte. */
export const writeAnswerOfOne = layout("cjt188.write answer", {
  diWire,
  sequence: u8,
  status: times(1, code({})),
});

/** A request without payload, and the answer that carries nothing but its address (810A). */
export const bareData = layout("cjt188.request", { diWire, sequence: u8 });
/** The same from tools that leave SER out. */
export const bareIdentifier = layout("cjt188.request without SER", { diWire });

/** 810A with the address once more in its data, as some meters answer. */
export const addressAnswer = layout("cjt188.810A", {
  diWire,
  sequence: u8,
  meterAddress: hexLe(7),
});

/** Abnormal answer of the 2004 text. */
export const refusalStatus = layout("cjt188.refusal", { sequence: u8, status });

/** Abnormal answer as some meters send it. */
export const refusalCode = layout("cjt188.refusal code", { diWire, sequence: u8, code: hex(1) });

/** Abnormal answer of one byte: nothing says what it refuses. */
export const refusalBare = layout("cjt188.refusal bare", { code: hex(1) });
