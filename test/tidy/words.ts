/** The words of the trade that have another word here: docs/GLOSSARY.md, right-hand column. */

/** Refused as a whole word in the name of an exported type, of an API field or of an event. */
export const refusedWords: readonly string[] = [
  ..."device thing sensor metric channel counter total datapoint sample usage delta".split(" "),
  ..."timestamp date packet payload inbound push server hub client socket".split(" "),
  ..."trigger threshold alert warning incident ack resolve resolved mute snooze sticky".split(" "),
  ..."clear cleared recover recovered rpc job task guard deadletter trash exception".split(" "),
  ..."database db cache util utils helper manager".split(" "),
];

/** Names that use a refused word, and why they may. */
export const justified: Readonly<Record<string, string>> = {
  TimestampMs: "brand of an instant; the fields that carry it say measuredAt and receivedAt",
  LiveHub: "fans one feed out to many listeners; the head-end is never called so",
  LiveHubOptions: "see LiveHub",
  LiveClient: "whoever follows the live feed over HTTP; no meter's session",
  "live.slowClientCut": "see LiveClient",
  deviceAt: "what the meter's own clock said, where screening had to put another time in its place",
  QueryClient: "the near side of the query worker; no meter's session",
  "alarm.cleared": "name in the published contract: the alarm's life has ended",
  "sink.recovered": "an outgoing connection, not an alarm's condition",
};
