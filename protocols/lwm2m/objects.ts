/**
 * Objects that are read by name: what kind of value each resource has. TLV cannot be read without it;
 * the other encodings say it themselves. Numbers and names are those of the OMA registry.
 */
import type { PathPrefix } from "./path.ts";

/** Kinds of value that the registry knows. */
export type ResourceType =
  "string" | "integer" | "unsigned" | "float" | "boolean" | "opaque" | "time" | "link";

/** One resource of an object. */
export interface Resource {
  readonly name: string;
  readonly type: ResourceType;
  readonly unit: string | null;
}

/** Objects by number, resources by number within. A meter model may bring objects of its own. */
export type ObjectTable = Readonly<Record<number, Readonly<Record<number, Resource>>>>;

/** What the table says of a place; undefined: not in it. */
export function resourceOf(objects: ObjectTable, path: PathPrefix): Resource | undefined {
  const { object, resource } = path;
  if (object === null || resource === null || !Object.hasOwn(objects, object)) return undefined;
  const resources = objects[object] ?? {};
  return Object.hasOwn(resources, resource) ? resources[resource] : undefined;
}

const make =
  (type: ResourceType) =>
  (name: string, unit: string | null = null): Resource => ({ name, type, unit });

const string = make("string");
const integer = make("integer");
const unsigned = make("unsigned");
const float = make("float");
const boolean = make("boolean");
const opaque = make("opaque");
const time = make("time");
const link = make("link");

/** Resources by their type, for tables of other objects. */
export const resourceTypes = { string, integer, unsigned, float, boolean, opaque, time, link };

/** Numbers of the objects that mean something to us. */
export const objectIds = { device: 3, connectivity: 4, container: 19, gasMeter: 3423 } as const;

/** Resources that a telegram is made of. */
export const deviceResources = {
  powerSources: 6,
  powerSourceMillivolts: 7,
  batteryPercent: 9,
  errorCodes: 11,
  currentTime: 13,
  batteryStatus: 20,
} as const;
export const connectivityResources = { signalDbm: 2 } as const;
export const containerResources = { data: 0 } as const;
export const gasMeterResources = {
  volume: 1,
  leakSuspected: 9,
  leakDetected: 10,
  highTemperature: 11,
  timestamp: 5518,
  timestampFraction: 6050,
} as const;

/** OMA registry: Security 0 to Connectivity Statistics 7, 19, uCIFI gas meter 3423, test object 3442. */
export const omaObjects: ObjectTable = {
  0: {
    0: string("server address"),
    1: boolean("bootstrap server"),
    2: integer("security mode"),
    10: integer("short server number"),
    11: integer("hold-off", "s"),
  },
  1: {
    0: integer("short server number"),
    1: integer("lifetime", "s"),
    2: integer("shortest period", "s"),
    3: integer("longest period", "s"),
    5: integer("disabled for", "s"),
    6: boolean("kept while away"),
    7: string("binding"),
    10: link("access point"),
    11: unsigned("transport alert"),
    12: time("last bootstrap"),
    22: string("preferred transport"),
    23: boolean("muted"),
  },
  2: {
    0: integer("object"),
    1: integer("object instance"),
    2: integer("rights"),
    3: integer("owner"),
  },
  [objectIds.device]: {
    0: string("manufacturer"),
    1: string("model"),
    2: string("serial number"),
    3: string("firmware"),
    [deviceResources.powerSources]: integer("power source"),
    [deviceResources.powerSourceMillivolts]: integer("power source", "mV"),
    8: integer("power source", "mA"),
    [deviceResources.batteryPercent]: integer("battery", "%"),
    10: integer("memory free", "KiB"),
    [deviceResources.errorCodes]: integer("error code"),
    [deviceResources.currentTime]: time("clock"),
    14: string("offset of local time"),
    15: string("time zone"),
    16: string("binding"),
    17: string("kind of device"),
    18: string("hardware"),
    19: string("software"),
    [deviceResources.batteryStatus]: integer("battery status"),
    21: integer("memory", "KiB"),
    22: link("more about the device"),
  },
  [objectIds.connectivity]: {
    0: integer("bearer"),
    1: integer("bearers there are"),
    [connectivityResources.signalDbm]: integer("signal", "dBm"),
    3: integer("link quality"),
    4: string("address"),
    5: string("router"),
    6: integer("link used", "%"),
    7: string("access point name"),
    8: integer("cell"),
    9: integer("network code"),
    10: integer("country code"),
    11: integer("signal to noise", "dB"),
    12: integer("location area"),
    13: integer("coverage enhancement"),
  },
  5: {
    0: opaque("firmware"),
    1: string("firmware address"),
    3: integer("state"),
    5: integer("result"),
    6: string("name"),
    7: string("version"),
    8: integer("ways in"),
    9: integer("way of delivery"),
  },
  6: {
    0: float("latitude", "°"),
    1: float("longitude", "°"),
    2: float("altitude", "m"),
    3: float("radius", "m"),
    4: opaque("velocity"),
    5: time("located at"),
    6: float("speed", "m/s"),
  },
  7: {
    0: integer("SMS sent"),
    1: integer("SMS received"),
    2: integer("sent", "KiB"),
    3: integer("received", "KiB"),
    4: integer("longest message", "B"),
    5: integer("usual message", "B"),
    8: integer("collected for", "s"),
  },
  [objectIds.container]: {
    [containerResources.data]: opaque("vendor frame"),
    1: integer("priority"),
    2: time("made at"),
    3: string("description"),
    4: string("format"),
    5: integer("application"),
  },
  3303: {
    5601: float("lowest"),
    5602: float("highest"),
    5603: float("range from"),
    5604: float("range to"),
    5700: float("temperature"),
    5701: string("unit"),
  },
  [objectIds.gasMeter]: {
    [gasMeterResources.volume]: float("volume", "m³"),
    3: string("kind of meter"),
    4: integer("pulses"),
    6: integer("pulse ratio"),
    7: float("lowest flow", "m³/s"),
    8: float("highest flow", "m³/s"),
    [gasMeterResources.leakSuspected]: boolean("leak suspected"),
    [gasMeterResources.leakDetected]: boolean("leak detected"),
    [gasMeterResources.highTemperature]: boolean("high temperature"),
    [gasMeterResources.timestamp]: time("measured at"),
    6042: integer("quality"),
    6049: integer("quality level"),
    [gasMeterResources.timestampFraction]: float("fraction of the second", "s"),
  },
  3442: {
    110: string("string"),
    120: integer("integer"),
    125: unsigned("unsigned integer"),
    130: float("float"),
    140: boolean("boolean"),
    150: opaque("opaque"),
    160: time("time"),
    170: link("link"),
    180: string("CoRE link"),
    1110: string("strings"),
    1120: integer("integers"),
    1125: unsigned("unsigned integers"),
    1130: float("floats"),
    1140: boolean("booleans"),
    1150: opaque("opaques"),
    1160: time("times"),
    1170: link("links"),
    1180: string("CoRE links"),
  },
};
