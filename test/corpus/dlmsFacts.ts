/** What a DLMS payload says, by the names that three collections of payloads use. */
import { printDecimal } from "#protocols/codec/decimal.ts";
import { openCiphered, openGeneralGlo, type CipherOptions } from "#protocols/codec/security.ts";
import type { OpenedApdu, Pushed } from "#protocols/dlms/apdu.ts";
import { instantOfClock } from "#protocols/dlms/clock.ts";
import { printData, readData, type DlmsData } from "#protocols/dlms/data.ts";
import { readHdlc } from "#protocols/dlms/hdlc.ts";
import { objectsOf, type DlmsObject } from "#protocols/dlms/objects.ts";
import { pushedObjects } from "#protocols/dlms/profile.ts";
import { readMessages } from "#protocols/dlms/protocol.ts";
import { decimalOf, unitNames } from "#protocols/dlms/quantities.ts";

/** Texts, numbers and lists by name; a name that is not there is a fact that we cannot tell. */
export type Told = Readonly<Record<string, unknown>>;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Facts of an APDU, a frame or a value; undefined: it is refused. */
export function toldOf(
  bytes: Uint8Array,
  protocol: string,
  options: CipherOptions,
): Told | undefined {
  if (protocol === "dlms-axdr") return toldOfData(bytes);
  if (protocol === "dlms-hdlc") return toldOfFrame(bytes);
  const read = readMessages(bytes, options);
  const [message] = read.ok ? read.value : [];
  if (message === undefined) return undefined;
  if (protocol === "dlms-apdu") return toldOfApdu(bytes, message, options);
  return { ...toldOfFrame(bytes), ...toldOfPush(message) };
}

function toldOfData(bytes: Uint8Array): Told | undefined {
  const data = readData(bytes);
  if (!data.ok) return undefined;
  const items = Array.isArray(data.value.value) ? data.value.value : [];
  return { structureLength: items.length };
}

/** Frames by kind and addresses, and the checksums as they stand on the wire. */
function toldOfFrame(bytes: Uint8Array): Told | undefined {
  const frames = readHdlc(bytes, null);
  const [frame] = frames.ok ? frames.value : [];
  if (!frames.ok || frame === undefined) return undefined;
  const isFromClient = ["SNRM", "DISC"].includes(frame.kind);
  const [server, client] = isFromClient
    ? [frame.destination, frame.source]
    : [frame.source, frame.destination];
  const headers = frames.value.map(({ destination, source, headerChecksum }) => ({
    destinationAddress: destination.at(-1),
    sourceAddress: source.at(-1),
    crc: { valid: true, value: headerChecksum },
  }));
  const footers = frames.value.map(({ frameChecksum }) => ({
    crc: { valid: true, value: frameChecksum },
  }));
  const hdlc = { headers, footers };
  return { frame: frame.kind, server, client: client.at(-1), hdlc, crcValid: true };
}

const cipheredNames: Readonly<Record<number, string>> = {
  0x21: "glo-initiate-request",
  0x28: "glo-initiate-response",
  0xc8: "glo-get-request",
  0xcb: "glo-action-request",
  0xcc: "glo-get-response",
  0xcf: "glo-action-response",
  0xdb: "general-glo-ciphering",
};

function toldOfApdu(bytes: Uint8Array, message: OpenedApdu, options: CipherOptions): Told {
  const { apdu, cipher } = message;
  const { pushed, facts } = apdu;
  const invoke = Number(facts["longInvokeIdAndPriority"] ?? 0);
  const longInvokeIdAndPriority = invoke.toString(16).padStart(8, "0");
  const push =
    pushed === null
      ? {}
      : {
          longInvokeIdAndPriority,
          dateTime: pushed.dateTime.length === 0 ? null : hex(pushed.dateTime),
          body: hex(bytes.subarray(pushed.body.from)),
        };
  const obis = facts["obis"];
  if (cipher === null) return { ...facts, ...push, obis };
  const name = cipheredNames[bytes[0] ?? 0] ?? apdu.name;
  const opened =
    bytes[0] === 0xdb
      ? openGeneralGlo(bytes, options, null)
      : openCiphered(bytes, 1, options, null);
  const plaintext = opened.ok ? hex(opened.value.plaintext) : undefined;
  return { ...facts, ...push, ...cipher, apdu: name, plaintext };
}

const measuredNames: Readonly<Record<string, string>> = {
  active_power_import: "1.7.0",
  active_power_export: "2.7.0",
  reactive_power_import: "3.7.0",
  reactive_power_export: "4.7.0",
  current_l1: "31.7.0",
  current_l2: "51.7.0",
  current_l3: "71.7.0",
  voltage_l1: "32.7.0",
  voltage_l2: "52.7.0",
  voltage_l3: "72.7.0",
  active_power_import_total: "1.8.0",
  active_power_export_total: "2.8.0",
  reactive_power_import_total: "3.8.0",
  reactive_power_export_total: "4.8.0",
};
const electricityNames: Readonly<Record<string, string>> = {
  "electricity.powerReceivedTotal": "1.7.0",
  "electricity.powerReturnedTotal": "2.7.0",
  "electricity.total.received": "1.8.0",
  "electricity.total.returned": "2.8.0",
  "electricity.current.l1": "31.7.0",
  "electricity.current.l2": "51.7.0",
  "electricity.current.l3": "71.7.0",
  "electricity.voltage.l1": "32.7.0",
  "electricity.voltage.l2": "52.7.0",
  "electricity.voltage.l3": "72.7.0",
};

/** Scalers that two makers leave out of their lists and print in their leaflets. */
const unsaidScalers: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  Kaifa: { "3": -3, "2": -1 },
  Kamstrup: { "3": -2 },
  Aidon: {},
};

function codeOf({ obis }: DlmsObject): string {
  return obis.slice(obis.indexOf(":") + 1).replace(/\.255$/, "");
}

function textOf(data: DlmsData): string {
  const { value } = data;
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : printData(data);
}

/** The value with the scaler that the push says, else with the one that is known of the maker. */
function numberOf(object: DlmsObject, maker: string): string | null {
  const decimal = decimalOf(object);
  if (decimal === null) return null;
  const code = codeOf(object);
  const kind = /^[357]1\.7/.test(code) ? "3" : /^[357]2\.7/.test(code) ? "2" : "";
  const unsaid = object.scaler === null ? (unsaidScalers[maker]?.[kind] ?? 0) : 0;
  return printDecimal({ ...decimal, exponent: decimal.exponent + unsaid });
}

/** A clock as text: local time, with its offset where it says one. */
function clockText(bytes: Uint8Array): string | null {
  if (bytes.length !== 12) return null;
  const view = Buffer.from(bytes);
  const local = Buffer.from(bytes);
  local.writeInt16BE(0, 9);
  // The digits as they stand there, also of a clock that says it is wrong.
  local[11] = 0xff;
  const atMs = instantOfClock(local, {});
  if (atMs === null) return null;
  const text = new Date(atMs).toISOString().slice(0, 19);
  const deviation = view.readInt16BE(9);
  if (deviation === -0x8000) return text;
  const east = Math.abs(deviation);
  const offset = [Math.trunc(east / 60), east % 60].map((part) => String(part).padStart(2, "0"));
  return `${text}${deviation > 0 ? "-" : "+"}${offset.join(":")}`;
}

/** Lists of one maker that name nothing, by their length: the order that its leaflet prints. */
const head = ["1-1:0.2.129", "0-0:96.1.0", "0-0:96.1.7"];
const powers = ["1-0:1.7.0", "1-0:2.7.0", "1-0:3.7.0", "1-0:4.7.0"];
const onePhase = ["1-0:31.7.0", "1-0:32.7.0"];
const threePhases = ["31", "51", "71", "32", "52", "72"].map((phase) => `1-0:${phase}.7.0`);
const totals = ["0-0:1.0.0", "1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0"];
const unnamedLists: readonly (readonly string[])[] = [
  ["1-0:1.7.0"],
  [...head, ...powers, ...onePhase],
  [...head, ...powers, ...threePhases],
  [...head, ...powers, ...onePhase, ...totals],
  [...head, ...powers, ...threePhases, ...totals],
];

/** Objects by their names, else by the order of the list that has so many values. */
function namedObjects(pushed: Pushed): readonly DlmsObject[] {
  const objects = objectsOf(pushed);
  const { value } = pushed.body;
  const count = Array.isArray(value) ? value.length : 0;
  const objectList = unnamedLists.find((list) => list.length === count);
  return pushedObjects(objects, pushed.body, { objectList }).present;
}

const makers = [
  ["AIDON", "Aidon"],
  ["KFM", "Kaifa"],
  ["Kamstrup", "Kamstrup"],
] as const;

function toldOfPush({ apdu }: OpenedApdu): Told {
  const { pushed, facts } = apdu;
  if (pushed === null) return facts;
  const isUnnamed = objectsOf(pushed).length === 0;
  const objects = namedObjects(pushed);
  const byCode = new Map(objects.map((object) => [codeOf(object), object]));
  const heads = Array.isArray(pushed.body.value) ? (pushed.body.value as DlmsData[]) : [];
  const [first] = heads;
  const unnamed = first?.type === "visible-string" ? textOf(first) : null;
  const listId = unnamed ?? textIn(byCode, "0.2.129");
  const maker = makers.find(([start]) => listId?.startsWith(start) === true)?.[1] ?? "unknown";
  const clock = byCode.get("1.0.0")?.value.value;
  const time = clockText(clock instanceof Uint8Array ? clock : pushed.dateTime);
  const named = Object.entries(measuredNames).flatMap(([name, code]) => {
    const object = byCode.get(code);
    return object === undefined ? [] : [[name, numberOf(object, maker)] as const];
  });
  const electricity = Object.entries(electricityNames).flatMap(([name, code]) => {
    const object = byCode.get(code);
    return object === undefined ? [] : [[name, numberOf(object, maker)] as const];
  });
  return {
    decoded: {
      ...Object.fromEntries(named),
      list_ver_id: listId,
      meter_id: textIn(byCode, "96.1.0") ?? textIn(byCode, "0.0.5"),
      meter_type: textIn(byCode, "96.1.7") ?? textIn(byCode, "96.1.1"),
      meter_manufacturer: maker === "unknown" ? undefined : maker,
      meter_datetime: time,
    },
    elements: isUnnamed
      ? elementsOf(objects, null).map((element) => ({ ...element, obis: null }))
      : elementsOf(objects, unnamed),
    apdu: {
      longInvokeIdAndPriority: facts["longInvokeIdAndPriority"],
      dateTime: clockText(pushed.dateTime) ?? 0,
    },
    dlms: {
      invokeId: Number(facts["longInvokeIdAndPriority"]) & 0xffffff,
      timestamp: instantOfClock(pushed.dateTime, {}),
    },
    objectTexts: objects.map(objectText).toSorted(),
    ...Object.fromEntries(electricity),
  };
}

function textIn(byCode: ReadonlyMap<string, DlmsObject>, code: string): string | undefined {
  const object = byCode.get(code);
  return object === undefined ? undefined : textOf(object.value);
}

/** Name, type and value of everything but the clock, whose place is elsewhere in that collection. */
function elementsOf(
  objects: readonly DlmsObject[],
  unnamed: string | null,
): readonly { readonly obis: string | null; readonly type: string; readonly raw: string }[] {
  const named = objects.flatMap((object) => {
    if (codeOf(object) === "1.0.0") return [];
    const obis = object.obis.replaceAll(/[-:]/g, ".");
    const decimal = decimalOf(object);
    const raw = decimal === null ? textOf(object.value) : printDecimal(decimal);
    return [{ obis, type: object.value.type.replaceAll("-", "_"), raw }];
  });
  return unnamed === null
    ? named
    : [{ obis: null, type: "visible_string", raw: unnamed }, ...named];
}

/** Name, value and unit in one text. */
function objectText(object: DlmsObject): string {
  const decimal = decimalOf(object);
  const { value } = object.value;
  const raw = value instanceof Uint8Array ? hex(value) : textOf(object.value);
  const unit = object.unit === null ? "" : `*${unitNames[object.unit]}`;
  const text = decimal === null ? raw : printDecimal(decimal);
  return `${object.obis.replace(/\.255$/, "")}(${text}${unit})`;
}
