/** Uplinks as they cross to the engine's worker: many in one transfer. */
import { uplinkNames } from "#domain/platform.ts";
import type { UplinkBatch } from "./messages.ts";
import type { ArrivedUplink } from "./restrictedIntake.ts";

const nameNos = new Map<string, number>(uplinkNames.map((name, no) => [name, no]));

/** What was chosen for one batch, for its one transfer. */
export function packUplinks(chosen: readonly ArrivedUplink[], totalBytes: number): UplinkBatch {
  const bytes = new Uint8Array(totalBytes);
  const batch: UplinkBatch = {
    bytes,
    ends: new Uint32Array(chosen.length),
    meterNos: new Int32Array(chosen.length),
    receivedAtMs: new Float64Array(chosen.length),
    protocols: new Uint8Array(chosen.length),
    marks: new Uint8Array(chosen.length),
    gateways: chosen.map(({ uplink }) => uplink.route.slice("gateway:".length)),
  };
  let end = 0;
  for (const [place, { uplink }] of chosen.entries()) {
    bytes.set(uplink.bytes, end);
    end += uplink.bytes.length;
    batch.ends[place] = end;
    batch.meterNos[place] = uplink.meterNo ?? -1;
    batch.receivedAtMs[place] = uplink.receivedAtMs;
    batch.protocols[place] = nameNos.get(uplink.protocol) ?? 0;
    batch.marks[place] = uplink.reachable ? 1 : 0;
  }
  return batch;
}

/** What is handed over with the batch, not copied. */
export function buffersOf(batch: UplinkBatch): readonly ArrayBuffer[] {
  const { bytes, ends, meterNos, receivedAtMs, protocols, marks } = batch;
  return [bytes, ends, meterNos, receivedAtMs, protocols, marks].map(({ buffer }) => buffer);
}
