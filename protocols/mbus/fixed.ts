/** The fixed data structure of the oldest meters: two registers and their units. EN 13757-3:2004, annex. */
import { code, hexLe, u8, type Field } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import { statusWords } from "./header.ts";
import type { MbusRecord } from "./records.ts";
import { decimalCount } from "./values.ts";

/** Four bytes that are digits or binary, as a bit of the status says. */
const register: Field<string> = hexLe(4);

/**  73 | identification 4 | access | status | units 2 | register 4 | register 4  */
export const fixedData = layout("mbus.fixedData", {
  identification: hexLe(4),
  accessNumber: u8,
  status: { ...u8, print: statusWords },
  /** Bits 5 to 0: unit of the register; bits 7 and 6: half of the medium. */
  firstUnit: code({}),
  secondUnit: code({}),
  first: register,
  second: register,
});

/** Bit 0 of the status: registers are binary, with a sign. */
const binaryBit = 0x01;
/** Bit 1 of the status: registers are those of the set day. */
const storedBit = 0x02;
/** The second register is the first one at the set day. */
const sameButStored = 0x3e;

/** First code, quantity, unit, exponent; the next two codes weigh ten and a hundred times as much. */
const units: readonly (readonly [number, string, string, number])[] = [
  [0x02, "energy", "Wh", 0],
  [0x05, "energy", "Wh", 3],
  [0x08, "energy", "Wh", 6],
  [0x0b, "energy", "J", 3],
  [0x0e, "energy", "J", 6],
  [0x11, "energy", "J", 9],
  [0x14, "power", "W", 0],
  [0x17, "power", "W", 3],
  [0x1a, "power", "W", 6],
  [0x1d, "power", "J/h", 3],
  [0x20, "power", "J/h", 6],
  [0x23, "power", "J/h", 9],
  [0x26, "volume", "m³", -6],
  [0x29, "volume", "m³", -3],
  [0x2c, "volume", "m³", 0],
  [0x2f, "volume flow", "m³/h", -6],
  [0x32, "volume flow", "m³/h", -3],
  [0x35, "volume flow", "m³/h", 0],
];
/** Codes without a second and a third weight. */
const lone: Readonly<Record<number, readonly [string, string | null, number]>> = {
  0x00: ["time of day", "h, min, s", 0],
  0x01: ["date", "d, month, year", 0],
  0x38: ["temperature", "°C", -3],
  0x39: ["heat cost allocation", "HCA units", 0],
  0x3f: ["dimensionless", null, 0],
};
const codesPerUnit = 3;

const mediums = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08] as const;
/** The same mediums under a second number. */
const mode2Mediums: Readonly<Record<number, number>> = {
  0x0a: 0x03,
  0x0b: 0x04,
  0x0c: 0x06,
  0x0d: 0x07,
  0x0e: 0x08,
};
const unknownMedium = 0x0f;

interface FixedValues {
  readonly status: number;
  readonly firstUnit: number;
  readonly secondUnit: number;
  readonly first: string;
  readonly second: string;
}

/** The medium in the four top bits of the two units, as the code of variable data. */
export function fixedMedium({ firstUnit, secondUnit }: FixedValues): number {
  const number = (firstUnit >> 6) | ((secondUnit >> 6) << 2);
  return mediums[number] ?? mode2Mediums[number] ?? unknownMedium;
}

/** The two registers as records; `at` is where the structure begins. */
export function fixedRecords(values: FixedValues, at: number): readonly MbusRecord[] {
  const firstCode = values.firstUnit & 0x3f;
  const secondCode = values.secondUnit & 0x3f;
  const isStored = (values.status & storedBit) !== 0;
  const isSame = secondCode === sameButStored;
  const isBinary = (values.status & binaryBit) !== 0;
  const second = isSame ? firstCode : secondCode;
  const firstAt = at + fixedData.sizeBytes - 8;
  return [
    recordOf(values.first, { code: firstCode, isBinary, isStored }, firstAt),
    recordOf(values.second, { code: second, isBinary, isStored: isStored || isSame }, firstAt + 4),
  ];
}

interface Reading {
  readonly code: number;
  readonly isBinary: boolean;
  readonly isStored: boolean;
}

function recordOf(
  digits: string,
  { code: unitCode, isBinary, isStored }: Reading,
  at: number,
): MbusRecord {
  const row = units.find(([first]) => unitCode >= first && unitCode < first + codesPerUnit);
  const alone = lone[unitCode] ?? [`unit code ${unitCode}`, null, 0];
  const [quantity, unit, exponent] =
    row === undefined ? alone : ([row[1], row[2], row[3] + unitCode - row[0]] as const);
  const count = isBinary ? signedCount(digits) : decimalCount(digits);
  return {
    from: at,
    dataAt: at,
    to: at + 4,
    function: "instantaneous",
    storage: isStored ? 1 : 0,
    tariff: 0,
    subunit: 0,
    quantity,
    unit,
    modifiers: [],
    value: count === null ? null : { kind: "number", count, exponent },
  };
}

const registerBits = 32;

/** The lone top bit says "invalid". */
function signedCount(digits: string): bigint | null {
  const count = BigInt.asIntN(registerBits, BigInt(`0x${digits}`));
  return count === -(1n << BigInt(registerBits - 1)) ? null : count;
}
