/** The data parts of CAT-1 frames, in wire order. Reference: protocol document V1.0, sections 1 to 3. */
import { code, hex, oneOf, u16be, u8, type Field } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import { clock, count, i8, litres, reportingMode, tableType } from "./quantities.ts";

/** The only report with a public table. */
export const postpaidPacket = 0x03;

const packetType = code({
  0x01: "prepaid",
  0x02: "prepaid in steps",
  [postpaidPacket]: "postpaid",
  0x04: "heating valve",
  0x05: "surcharge",
  0x06: "history of a day",
});

const statusWord: Field<number> = {
  ...u16be,
  print: (value) => `${value.toString(16).toUpperCase().padStart(4, "0")}H`,
};

/** Report 97 with packet type 03, up to the clock; spare bytes may follow. */
export const report = layout("cat1.report", {
  packetType,
  manufacturerCode: hex(2),
  tableType,
  hardware: hex(2),
  software: hex(2),
  /** 15 digits and one to fill the byte. */
  imei: hex(8),
  iccid: hex(10),
  battery: count("mV"),
  signal: i8("dBm"),
  signalQuality: i8("dB"),
  signalToNoise: i8("dB"),
  reports: u16be,
  reportsToday: u16be,
  reportingMode,
  status: statusWord,
  cumulative: litres,
  today: litres,
  month: litres,
  measuredAt: clock,
});

/** Any report begins so, whatever else it carries. */
export const reportStart = layout("cat1.report", { packetType });

/** Identifier of the valve, of the clock, and of the one read that the document has. */
export const valveIdentifier = "aa05";
export const clockIdentifier = "aa00";
export const readAllIdentifier = "a901";

/** Only the first three are ever sent from here; the others may be met in frames of other systems. */
const identifierNames: Readonly<Record<string, string>> = {
  [valveIdentifier]: "valve",
  [clockIdentifier]: "clock",
  [readAllIdentifier]: "settings",
  aa06: "reporting mode",
  aa07: "meter type",
  aa17: "server address",
  ac0e: "server address",
  ac0f: "server address",
};

/** What was ordered or asked for. */
const identifier: Field<string> = {
  ...hex(2),
  print: (value) => `${value.toUpperCase()} ${identifierNames[value] ?? ""}`.trimEnd(),
};

/** Any order or read begins so, and so do their answers. */
export const orderStart = layout("cat1.order", { identifier });

const result = code({ 0x00: "done", 0x0b: "refused" });

/** Answer 84, with the clock that follows where the meter sends it. */
export const writeAnswer = layout("cat1.writeAnswer", { identifier, result });
export const answeredAt = layout("cat1.writeAnswer", { meterClock: clock });

/** Answer 81 to A901, up to the modes; prices for prepaid meters follow. */
export const parameters = layout("cat1.parameters", {
  identifier,
  imei: hex(8),
  imsi: hex(8),
  iccid: hex(10),
  hardware: hex(2),
  software: hex(2),
  tableType,
  manufacturerCode: hex(2),
  reportsDailyMax: u8,
  firstServer: hex(6),
  secondServer: hex(6),
  reports: u16be,
  reportingMode,
  valveShielding: hex(2),
  meteringMode: code({ 0x50: "1 L", 0x60: "10 L", 0x70: "100 L", 0x80: "1000 L" }),
  paymentMode: code({ 0x48: "postpaid", 0x59: "prepaid", 0x4a: "prepaid in steps" }),
  valveMode: code({ 0x44: "stops at its end", 0x4b: "has end switches" }),
});

/** The flag that ends the answer 17 to a report. */
export const powerFlags = { stayAwake: 0x00, sleep: 0xaf } as const;

/** Answer 17: the meter keeps its radio on until it has it. */
export const reportAnswer = layout("cat1.reportAnswer", {
  packetType,
  power: oneOf({ [powerFlags.stayAwake]: "stayAwake", [powerFlags.sleep]: "sleep" }),
});

/**
 * AA05 requested. The protocol has both operations and a frame that has them must be readable; what
 * this system sends is decided in `requests.ts`, and there only one of them exists.
 */
export const valveRequest = layout("cat1.AA05", {
  identifier,
  operation: oneOf({ 0x55: "open", 0x99: "close" }),
  /** 5A: forced; anything else leaves it to the meter. */
  permission: code({ 0x5a: "forced", 0x00: "not forced" }),
  spare: hex(8),
});

/** AA00 requested. */
export const clockRequest = layout("cat1.AA00", {
  identifier,
  /** 5A: set it; anything else leaves the clock alone. */
  permission: code({ 0x5a: "set" }),
  clock,
  spare: hex(8),
});

/** A901 requested. */
export const readRequest = layout("cat1.A901", { identifier, spare: hex(8) });
