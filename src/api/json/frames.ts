/** Raw frames as JSON: what came in, what became of it, and what waits in quarantine. */
import { quarantineReasons, uplinkOutcomes } from "#domain/quarantine.ts";
import { formatInstant } from "#domain/units.ts";
import type { UplinkRow } from "#ports/ledger.ts";
import type { QuarantineView } from "#ports/queries.ts";
import { z } from "zod";
import { instantJson } from "./common.ts";

const hexJson = z.string().regex(/^([0-9a-f]{2})*$/);

export const uplinkSchema = z.object({
  seq: z.number(),
  meterId: z.string().nullable(),
  route: z.string(),
  protocol: z.string(),
  receivedAt: instantJson,
  outcome: z.enum(uplinkOutcomes),
  hex: hexJson,
});

export const quarantineSchema = z.object({
  id: z.string(),
  uplinkSeq: z.number(),
  meterId: z.string().nullable(),
  protocol: z.string(),
  reason: z.enum(quarantineReasons),
  detail: z.string(),
  receivedAt: instantJson,
  hex: hexJson,
});

/** A stored uplink for a reader. */
export function uplinkJson(
  row: UplinkRow & { readonly meterId: string | null },
): z.infer<typeof uplinkSchema> {
  return {
    seq: row.seq,
    meterId: row.meterId,
    route: row.route,
    protocol: row.protocol,
    receivedAt: formatInstant(row.receivedAtMs),
    outcome: row.outcome,
    hex: hex(row.bytes),
  };
}

/** A frame in quarantine for a reader. */
export function quarantineJson(view: QuarantineView): z.infer<typeof quarantineSchema> {
  return {
    id: String(view.id),
    uplinkSeq: view.uplinkSeq,
    meterId: view.meterId,
    protocol: view.protocol,
    reason: view.reason,
    detail: view.detail,
    receivedAt: formatInstant(view.receivedAtMs),
    hex: hex(view.bytes),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
