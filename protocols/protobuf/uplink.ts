/** The uplink of mercaptan.proto as tables: field names and numbers are those of the schema. */
import type { ReplyResult, ValvePosition, VolumeRegister } from "#domain/telegram.ts";
import { statusNames, type StatusName } from "#domain/status.ts";
import { volumeFromCount } from "#domain/units.ts";
import {
  commandIdCharsMax,
  historyEntriesMax,
  reasonCharsMax,
  uploadVersion,
} from "#protocols/codec/upload.ts";
import {
  exactly,
  instant,
  many,
  needed,
  one,
  oneWord,
  sint,
  text,
  uint,
  words,
} from "#protocols/codec/protobufFields.ts";
import { message, type Message } from "#protocols/codec/protobufMessage.ts";
import { refuse } from "#protocols/codec/protobufWalk.ts";

const meterIdCharsMax = 64;

/** enum Valve. */
export const valveNumbers = {
  unknown: 0,
  open: 1,
  closed: 2,
  moving: 3,
  fault: 4,
} as const satisfies Record<ValvePosition, number>;

/** enum Result; 0 is none. */
export const resultNumbers = {
  accepted: 1,
  executed: 2,
  refused: 3,
  failed: 4,
} as const satisfies Record<ReplyResult, number>;

/** enum Status: the domain's statuses in their order, from 1; 0 says that there is none. */
export const statusNumbers = Object.fromEntries(
  statusNames.map((name, index) => [name, index + 1]),
) as Record<StatusName, number>;

/** message Volume. */
export const volumeTable = { count: sint(1), exponent: sint(2) };
const volumeParts = message(volumeTable);

/** The parts as a register. A part that is 0 is not on the wire: that is how proto3 writes 0. */
const volume: Message<VolumeRegister> = {
  read(walk, end) {
    const parts = volumeParts.read(walk, end);
    if (parts === undefined) return undefined;
    const { count = 0, exponent = 0 } = parts;
    const ml = volumeFromCount(count, exponent);
    if (ml === undefined) return refuse(walk, "count", "not millilitres in the safe range");
    return { ml, count, exponent };
  },
  write: volumeParts.write,
};

/** message Reading. */
export const readingTable = {
  measuredAtMs: needed(instant(1)),
  volume: needed(one(2, volume)),
  flowMlPerHour: sint(3, "ml/h"),
  temperatureCentiC: sint(4, "0.01 °C"),
  pressurePa: sint(5, "Pa"),
};

/** message Reply. */
export const replyTable = {
  commandId: needed(text(1, commandIdCharsMax)),
  result: needed(oneWord(2, resultNumbers)),
  reason: text(3, reasonCharsMax),
};

/** message Uplink. */
export const uplinkTable = {
  version: needed(exactly(1, uploadVersion)),
  /** Read, and believed by nobody. */
  meterId: text(2, meterIdCharsMax),
  frameId: uint(3),
  measuredAtMs: instant(4),
  volume: one(5, volume),
  flowMlPerHour: sint(6, "ml/h"),
  temperatureCentiC: sint(7, "0.01 °C"),
  pressurePa: sint(8, "Pa"),
  batteryMv: uint(9, "mV"),
  batteryPct: uint(10, "%"),
  signalDbm: sint(11, "dBm"),
  valve: oneWord(12, valveNumbers, "unknown"),
  status: words(13, statusNumbers),
  history: many(14, message(readingTable), historyEntriesMax),
  reply: one(15, message(replyTable)),
};

/** An upload as the schema has it. */
export const uplink = message(uplinkTable);
