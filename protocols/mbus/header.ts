/** Who speaks: manufacturer, number, version and medium, and the status byte. EN 13757-3, clause 5. */
import { code, hexLe, u16le, u8, type Field } from "#protocols/codec/field.ts";
import { layout, type ValuesOfLayout } from "#protocols/codec/layout.ts";

const lettersCount = 3;
const letterBits = 5;
/** Letters are counted from the character before A. */
const letterBase = 0x40;

/** The three letters of a manufacturer code; bit 15 says how the address was given and is no letter. */
export function manufacturerName(value: number): string {
  const letters = Array.from({ length: lettersCount }, (_, place) => {
    const shift = letterBits * (lettersCount - 1 - place);
    return String.fromCharCode(letterBase + ((value >> shift) & 0x1f));
  });
  return letters.join("");
}

/** The code of three letters. */
export function manufacturerCode(name: string): number {
  let value = 0;
  for (let place = 0; place < lettersCount; place += 1) {
    value = (value << letterBits) | ((name.charCodeAt(place) - letterBase) & 0x1f);
  }
  return value;
}

/** What a meter measures. @see EN 13757-3, device type */
export const mediumNames: Readonly<Record<number, string>> = {
  0x00: "other",
  0x01: "oil",
  0x02: "electricity",
  0x03: "gas",
  0x04: "heat, outlet",
  0x05: "steam",
  0x06: "warm water",
  0x07: "water",
  0x08: "heat cost allocator",
  0x09: "compressed air",
  0x0a: "cooling, outlet",
  0x0b: "cooling, inlet",
  0x0c: "heat, inlet",
  0x0d: "heat and cooling",
  0x0e: "bus or system",
  0x0f: "unknown",
  0x14: "calorific value",
  0x15: "hot water",
  0x16: "cold water",
  0x17: "dual water",
  0x18: "pressure",
  0x19: "analogue to digital converter",
  0x1a: "smoke detector",
  0x1b: "room sensor",
  0x1c: "gas detector",
  0x20: "breaker, electricity",
  0x21: "valve, gas or water",
  0x25: "customer unit",
  0x28: "waste water",
  0x31: "system unit",
  0x36: "radio converter, system side",
  0x37: "radio converter, meter side",
};

const manufacturer: Field<number> = { ...u16le, print: manufacturerName };

/** The status byte in words: two bits of application state, then a level a bit. */
export function statusWords(status: number): string {
  const application = ["", "busy", "application error", "abnormal condition"][status & 3] ?? "";
  const bits = ["power low", "permanent error", "temporary error"];
  const levels = bits.filter((_, place) => (status & (4 << place)) !== 0);
  const own = status >> 5 === 0 ? [] : [`manufacturer's bits ${status >> 5}`];
  const words = [application, ...levels, ...own].filter((word) => word !== "");
  return words.length === 0 ? "no error" : words.join(", ");
}

const status: Field<number> = { ...u8, print: statusWords };

/** The address of a meter, the same eight bytes in selections, headers and radio frames. */
export const secondaryAddress = {
  /** As printed on the meter; some makers use more than decimal digits. */
  identification: hexLe(4),
  manufacturer,
  version: u8,
  medium: code(mediumNames),
};

/** What both headers say of this one telegram. */
const state = { accessNumber: u8, status, configuration: u16le };

/** CI 72: whose telegram it is, and its state. */
export const longHeader = layout("mbus.longHeader", { ...secondaryAddress, ...state });
/** CI 7A: the state alone; the link layer says who. */
export const shortHeader = layout("mbus.shortHeader", state);

/** A meter as its frames name it. */
export interface MbusAddress {
  /** Eight digits as printed. */
  readonly identification: string;
  readonly manufacturer: number;
  readonly version: number;
  readonly medium: number;
}

/** What the short header says. */
export type MbusState = ValuesOfLayout<typeof shortHeader>;

/** The address as one word, maker and number first as on the meter: "ELS-12345678-33-03". */
export function printMbusAddress(address: MbusAddress): string {
  const { identification, manufacturer: maker, version, medium } = address;
  const pair = (byte: number) => byte.toString(16).toUpperCase().padStart(2, "0");
  const name = manufacturerName(maker);
  return `${name}-${identification.toUpperCase()}-${pair(version)}-${pair(medium)}`;
}
