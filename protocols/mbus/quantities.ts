/** What a VIF says: quantity, unit and the weight of the last digit. EN 13757-3, clauses 6.3 and 6.4. */

/** A kind of value that a meter keeps. The value is `count * factor * 10^exponent` units. */
export interface Quantity {
  readonly name: string;
  readonly unit: string | null;
  readonly exponent: number;
  /** Makes seconds of minutes, hours and days, and decimals of binary fractions: those are exact. */
  readonly factor: number;
  /** How binary data are read: signed (type B), unsigned (C), single bits (D), points in time (F to J). */
  readonly coding: "signed" | "unsigned" | "bits" | "time";
}

type Coding = Quantity["coding"];
type Row = readonly [
  from: number,
  to: number,
  name: string,
  unit: string | null,
  exponent?: number,
  coding?: Coding,
  factor?: number,
];

/** Seconds, and of a first code that counts minutes or hours the same. Each next code is the next unit. */
type DurationRow = readonly [from: number, to: number, name: string, firstFactor?: number];

/** Second, minute, hour, day. */
const secondsOf = [1, 60, 3_600, 86_400];

/** A table of 128 codes. Within a row each next code weighs ten times as much. */
function table(
  rows: readonly Row[],
  durations: readonly DurationRow[],
): ReadonlyMap<number, Quantity> {
  const byCode = new Map<number, Quantity>();
  for (const [from, to, name, unit, exponent = 0, coding = "signed", factor = 1] of rows) {
    for (let code = from; code <= to; code += 1) {
      byCode.set(code, { name, unit, exponent: exponent + code - from, factor, coding });
    }
  }
  for (const [from, to, name, firstFactor = 1] of durations) {
    for (let code = from; code <= to; code += 1) {
      const factor = secondsOf[secondsOf.indexOf(firstFactor) + code - from] ?? 1;
      byCode.set(code, { name, unit: "s", exponent: 0, factor, coding: "signed" });
    }
  }
  return byCode;
}

/** The primary table, bits 6 to 0 of the VIF. */
export const primaryQuantities = table(
  [
    [0x00, 0x07, "energy", "Wh", -3],
    [0x08, 0x0f, "energy", "J", 0],
    [0x10, 0x17, "volume", "m³", -6],
    [0x18, 0x1f, "mass", "kg", -3],
    [0x28, 0x2f, "power", "W", -3],
    [0x30, 0x37, "power", "J/h", 0],
    [0x38, 0x3f, "volume flow", "m³/h", -6],
    [0x40, 0x47, "volume flow", "m³/min", -7],
    [0x48, 0x4f, "volume flow", "m³/s", -9],
    [0x50, 0x57, "mass flow", "kg/h", -3],
    [0x58, 0x5b, "flow temperature", "°C", -3],
    [0x5c, 0x5f, "return temperature", "°C", -3],
    [0x60, 0x63, "temperature difference", "K", -3],
    [0x64, 0x67, "external temperature", "°C", -3],
    [0x68, 0x6b, "pressure", "bar", -3],
    [0x6c, 0x6c, "date", null, 0, "time"],
    [0x6d, 0x6d, "date and time", null, 0, "time"],
    [0x6e, 0x6e, "heat cost allocation", "HCA units"],
    [0x6f, 0x6f, "reserved", null],
    [0x78, 0x78, "fabrication number", null, 0, "unsigned"],
    [0x79, 0x79, "enhanced identification", null, 0, "unsigned"],
    [0x7a, 0x7a, "bus address", null, 0, "unsigned"],
    [0x7e, 0x7e, "any", null],
    [0x7f, 0x7f, "manufacturer specific", null],
  ],
  [
    [0x20, 0x23, "on time"],
    [0x24, 0x27, "operating time"],
    [0x70, 0x73, "averaging duration"],
    [0x74, 0x77, "actuality duration"],
  ],
);

/** Rating factors of heat cost allocators come in steps of 2^-12, which is exactly 244140625 * 10^-12. */
const ratingStep = 244_140_625;
const ratingFactors: readonly Row[] = [
  [0x68, 0x68, "rating factor, resulting", null, -12, "signed", ratingStep],
  [0x69, 0x69, "rating factor, thermal output", null, -12, "signed", ratingStep],
  [0x6a, 0x6a, "rating factor, thermal coupling", null, -12, "signed", ratingStep],
  [0x6b, 0x6b, "rating factor, coupling to the room", null, -12, "signed", ratingStep],
  [0x6c, 0x6c, "rating factor, coupling to the heater", null, -12, "signed", ratingStep],
  [0x6d, 0x6d, "rating factor, low temperature", null, -12, "signed", ratingStep],
  [0x6e, 0x6e, "scaling factor of the display", null, -12, "signed", ratingStep],
];

/** The table behind FB: larger and other units. Exponents are those of the unit named here. */
export const fbQuantities = table(
  [
    [0x00, 0x01, "energy", "Wh", 5],
    [0x02, 0x03, "reactive energy", "varh", 3],
    [0x04, 0x05, "apparent energy", "VAh", 3],
    [0x08, 0x09, "energy", "J", 8],
    [0x0c, 0x0f, "energy", "cal", 5],
    [0x10, 0x11, "volume", "m³", 2],
    [0x14, 0x17, "reactive power", "var", 0],
    [0x18, 0x19, "mass", "kg", 5],
    [0x1a, 0x1b, "relative humidity", "%", -1],
    [0x20, 0x20, "volume", "ft³", 0],
    [0x21, 0x21, "volume", "ft³", -1],
    [0x22, 0x23, "volume", "US gal", -1],
    [0x24, 0x24, "volume flow", "US gal/min", -3],
    [0x25, 0x25, "volume flow", "US gal/min", 0],
    [0x26, 0x26, "volume flow", "US gal/h", 0],
    [0x28, 0x29, "power", "W", 5],
    [0x2a, 0x2a, "phase, voltage to voltage", "°", -1],
    [0x2b, 0x2b, "phase, voltage to current", "°", -1],
    [0x2c, 0x2f, "frequency", "Hz", -3],
    [0x30, 0x31, "power", "J/h", 8],
    [0x34, 0x37, "apparent power", "VA", 0],
    [0x58, 0x5b, "flow temperature", "°F", -3],
    [0x5c, 0x5f, "return temperature", "°F", -3],
    [0x60, 0x63, "temperature difference", "°F", -3],
    [0x64, 0x67, "external temperature", "°F", -3],
    ...ratingFactors,
    [0x70, 0x73, "cold or warm temperature limit", "°F", -3],
    [0x74, 0x77, "cold or warm temperature limit", "°C", -3],
    [0x78, 0x7f, "cumulated maximum power", "W", -3],
  ],
  [],
);

/** The table behind FD: what a meter says of itself. */
export const fdQuantities = table(
  [
    [0x00, 0x03, "credit", "currency units", -3],
    [0x04, 0x07, "debit", "currency units", -3],
    [0x08, 0x08, "access number", null, 0, "unsigned"],
    [0x09, 0x09, "medium", null, 0, "unsigned"],
    [0x0a, 0x0a, "manufacturer", null, 0, "unsigned"],
    [0x0b, 0x0b, "parameter set", null, 0, "unsigned"],
    [0x0c, 0x0c, "model version", null, 0, "unsigned"],
    [0x0d, 0x0d, "hardware version", null, 0, "unsigned"],
    [0x0e, 0x0e, "firmware version", null, 0, "unsigned"],
    [0x0f, 0x0f, "software version", null, 0, "unsigned"],
    [0x10, 0x10, "customer location", null, 0, "unsigned"],
    [0x11, 0x11, "customer", null, 0, "unsigned"],
    [0x12, 0x12, "access code, user", null, 0, "unsigned"],
    [0x13, 0x13, "access code, operator", null, 0, "unsigned"],
    [0x14, 0x14, "access code, system operator", null, 0, "unsigned"],
    [0x15, 0x15, "access code, developer", null, 0, "unsigned"],
    [0x16, 0x16, "password", null, 0, "unsigned"],
    [0x17, 0x17, "error flags", null, 0, "bits"],
    [0x18, 0x18, "error mask", null, 0, "bits"],
    [0x19, 0x19, "security key", null, 0, "bits"],
    [0x1a, 0x1a, "digital output", null, 0, "bits"],
    [0x1b, 0x1b, "digital input", null, 0, "bits"],
    [0x1c, 0x1c, "baud rate", "Bd", 0, "unsigned"],
    [0x1d, 0x1d, "response delay", "bit times", 0, "unsigned"],
    [0x1e, 0x1e, "retries", null, 0, "unsigned"],
    [0x1f, 0x1f, "remote control", null, 0, "bits"],
    [0x20, 0x20, "first cyclic storage", null, 0, "unsigned"],
    [0x21, 0x21, "last cyclic storage", null, 0, "unsigned"],
    [0x22, 0x22, "size of storage block", null, 0, "unsigned"],
    [0x23, 0x23, "tariff and subunit descriptor", null, 0, "unsigned"],
    [0x28, 0x28, "storage interval", "month"],
    [0x29, 0x29, "storage interval", "year"],
    [0x2a, 0x2a, "operator specific data", null, 0, "bits"],
    [0x2b, 0x2b, "time point, second", "s"],
    [0x30, 0x30, "start of tariff", null, 0, "time"],
    [0x38, 0x38, "period of tariff", "month"],
    [0x39, 0x39, "period of tariff", "year"],
    [0x3a, 0x3a, "dimensionless", null],
    [0x3b, 0x3b, "radio telegram in a container", null, 0, "bits"],
    [0x40, 0x4f, "voltage", "V", -9],
    [0x50, 0x5f, "current", "A", -12],
    [0x60, 0x60, "reset counter", null, 0, "unsigned"],
    [0x61, 0x61, "cumulation counter", null, 0, "unsigned"],
    [0x62, 0x62, "control signal", null, 0, "unsigned"],
    [0x63, 0x63, "day of week", null, 0, "unsigned"],
    [0x64, 0x64, "week number", null, 0, "unsigned"],
    [0x65, 0x65, "time of day change", null, 0, "time"],
    [0x66, 0x66, "parameter set activation", null, 0, "unsigned"],
    [0x67, 0x67, "special supplier information", null, 0, "bits"],
    [0x6a, 0x6a, "time since cumulation", "month"],
    [0x6b, 0x6b, "time since cumulation", "year"],
    [0x6e, 0x6e, "battery operating time", "month"],
    [0x6f, 0x6f, "battery operating time", "year"],
    [0x70, 0x70, "battery change date", null, 0, "time"],
    [0x71, 0x71, "received signal level", "dBm"],
    [0x72, 0x72, "summer time rule", null, 0, "bits"],
    [0x73, 0x73, "listening windows", null, 0, "bits"],
    [0x74, 0x74, "remaining battery life", "d", 0, "unsigned"],
    [0x75, 0x75, "times the meter was stopped", null, 0, "unsigned"],
    [0x76, 0x76, "maker's telegram in a container", null, 0, "bits"],
  ],
  [
    [0x24, 0x27, "storage interval"],
    [0x2c, 0x2f, "time since last readout"],
    [0x31, 0x33, "duration of tariff", 60],
    [0x34, 0x37, "period of tariff"],
    [0x3c, 0x3f, "period of transmission"],
    [0x68, 0x69, "time since cumulation", 3_600],
    [0x6c, 0x6d, "battery operating time", 3_600],
  ],
);

/** The table behind FD FD. */
export const fdFdQuantities = table(
  [
    [0x00, 0x00, "selected application", null, 0, "unsigned"],
    [0x02, 0x02, "remaining battery life", "month", 0, "unsigned"],
    [0x03, 0x03, "remaining battery life", "year", 0, "unsigned"],
  ],
  [],
);
