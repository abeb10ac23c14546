/** What stands on an envelope of a platform, for people. */
import { formatInstant } from "#domain/units.ts";
import type { OpenedEnvelope } from "./envelopes.ts";
import { plainLines } from "./table.ts";
import { shown } from "./width.ts";
import { headings, type Language } from "./words.ts";

/** Everything that it says, line by line. */
export function envelopeRows({ envelope }: OpenedEnvelope, language: Language): readonly string[] {
  const { address, meterId, protocol, event, deliveryId, sentAtMs, path, fPort } = envelope;
  const rows = [
    ["address", address],
    ["meter", meterId],
    ["protocol", protocol],
    ["event", event],
    ["delivery", deliveryId],
    ["sentAt", sentAtMs === null ? null : formatInstant(sentAtMs)],
    ["path", path],
    ["port", fPort],
  ] as const;
  return plainLines(
    rows.flatMap(([name, value]) =>
      value === null ? [] : [[headings[name][language], shown(String(value))]],
    ),
  );
}
