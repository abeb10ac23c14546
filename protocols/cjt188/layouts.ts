/** The data parts of CJ/T 188 frames, in wire order. Reference sections 1.4 to 1.8. */
import {
  bcdCountLe,
  code,
  hex,
  hexLe,
  i16be,
  oneOf,
  optional,
  times,
  u16be,
  u8,
  type Field,
} from "#protocols/codec/field.ts";
import { printDecimal } from "#protocols/codec/decimal.ts";
import { layout } from "#protocols/codec/layout.ts";
import { clock, flow, optionalRegister, register } from "./quantities.ts";

/** DI as it stood on the wire; vendors send its two bytes in either order. */
const diWire = hex(2);
/** ST0 and ST1; a profile says what they mean. */
const status = times(2, code({}));

/** Digits with implied decimals; missing where they are no digits. */
function quantity(sizeBytes: number, decimals: number, unit: string): Field<number | null> {
  const digits = optional(bcdCountLe(sizeBytes));
  return {
    ...digits,
    print: (count) => (count === null ? "missing" : printDecimal({ count, exponent: -decimals })),
    unitOf: () => unit,
  };
}

/** 901F, L = 16H: water and gas share it. */
export const metering = layout("cjt188.901F", {
  diWire,
  sequence: u8,
  current: register("after"),
  settlement: optionalRegister("after"),
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

/** Half hours between two midnights, both left out. */
export const halfHoursCount = 47;

/** 9097, L = ACH: the NB-IoT report. Here the unit stands before the value. */
export const report = layout("cjt188.9097", {
  diWire,
  sequence: u8,
  current: register("before"),
  settlement: optionalRegister("before"),
  reverse: optionalRegister("before"),
  remaining: optionalRegister("before"),
  flow,
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

/** A request without payload, and the answer that carries nothing but its address (810A). */
export const bareData = layout("cjt188.request", { diWire, sequence: u8 });

/** Abnormal answer of the 2004 text. */
export const refusalStatus = layout("cjt188.refusal", { sequence: u8, status });

/** Abnormal answer as some meters send it. */
export const refusalCode = layout("cjt188.refusal code", { diWire, sequence: u8, code: hex(1) });

/**
 * A017 requested. The standard has all of these and a frame that has them must be readable; what this
 * system sends is decided in `protocol.ts`, and there only one of them exists.
 */
export const valveRequest = layout("cjt188.A017 request", {
  diWire,
  sequence: u8,
  operation: oneOf({
    0x55: "open",
    0x99: "close",
    0x66: "open, not forced",
    0x77: "close, not forced",
    0x00: "read position",
  }),
});

/** A018: a new address for the meter. */
export const addressRequest = layout("cjt188.A018 request", {
  diWire,
  sequence: u8,
  newAddress: hexLe(7),
});

/** A118: clock difference and the hours of reports (FF: unused). */
export const scheduleRequest = layout("cjt188.A118 request", {
  diWire,
  sequence: u8,
  clockDifference: hex(7),
  scheme: u8,
  reportHours: times(4, optional(bcdCountLe(1))),
  reserved: hex(2),
});
