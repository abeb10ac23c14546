/** What is sent to meters: the data parts of requests, in wire order. Reference sections 1.4, 1.7 and 1.8. */
import { bcdCountLe, hex, hexLe, oneOf, optional, times, u8 } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import { clock } from "./quantities.ts";

const diWire = hex(2);

/**
 * What a valve can be told. The dialects have all of these and a frame that has them must be readable;
 * what this system sends is decided in `requests.ts`, and there only closing exists.
 */
const operation = oneOf({
  0x55: "open",
  0x99: "close",
  0x66: "open, not forced",
  0x77: "close, not forced",
  0xff: "withdraw",
  0x00: "read position",
});

/** A017 requested, L = 04H. */
export const valveRequest = layout("cjt188.A017 request", { diWire, sequence: u8, operation });

/** A017 with an operation of two bytes, C = 24H, L = 05H. */
export const valveRequestOfTwo = layout("cjt188.A017 request of two", {
  diWire,
  sequence: u8,
  operation,
  spare: u8,
});

/** A015: the time that the meter's clock is set to. */
export const clockRequest = layout("cjt188.A015 request", { diWire, sequence: u8, clock });

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
