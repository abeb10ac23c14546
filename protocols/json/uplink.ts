/** JSON v1 uplinks: our names on the left, the keys of CONTRACT section 2 on the right. */
import { statusNames } from "#domain/status.ts";
import { valvePositions } from "#domain/telegram.ts";
import {
  commandIdCharsMax,
  historyEntriesMax,
  reasonCharsMax,
  replyResults,
  statusWordsMax,
  uploadVersion,
} from "#protocols/codec/upload.ts";
import {
  exactly,
  instant,
  integer,
  listOf,
  natural,
  oneWord,
  register,
  scaled,
  text,
  words,
} from "#protocols/codec/json/kinds.ts";
import { key, needed, objectOf } from "#protocols/codec/json/object.ts";

const measured = {
  measuredAtMs: key("measuredAt", instant),
  volume: key("volumeM3", register),
  flowMlPerHour: key("flowM3h", scaled("m³/h", 6)),
  temperatureCentiC: key("temperatureC", scaled("°C", 2)),
  pressurePa: key("pressureKpa", scaled("kPa", 3)),
} as const;

const historyEntry = objectOf({
  ...measured,
  measuredAtMs: needed("measuredAt", instant),
  volume: needed("volumeM3", register),
});

const reply = objectOf({
  commandId: needed("commandId", text(commandIdCharsMax)),
  result: needed("result", oneWord(replyResults)),
  reason: key("reason", text(reasonCharsMax)),
});

/** The keys in the order in which our encoder writes them. */
export const uplink = objectOf({
  version: needed("v", exactly(uploadVersion)),
  frameId: key("frameId", natural),
  ...measured,
  batteryMv: key("batteryMv", integer("mV")),
  batteryPct: key("batteryPct", integer("%")),
  signalDbm: key("signalDbm", integer("dBm")),
  valve: key("valve", oneWord(valvePositions, "unknown")),
  status: key("status", words(statusNames, statusWordsMax)),
  history: key("history", listOf(historyEntry, historyEntriesMax)),
  reply: key("reply", reply),
});
