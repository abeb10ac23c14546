/** What a gas meter reports, in SenML: for simulated meters. Decoded by the same tables. */
import { hasStatus, statusBits } from "#domain/status.ts";
import type { DecodedReading, Telegram } from "#domain/telegram.ts";
import { secondMs } from "#domain/units.ts";
import { printDecimal } from "#protocols/codec/decimal.ts";
import { connectivityResources, deviceResources, gasMeterResources, objectIds } from "./objects.ts";
import { printPath } from "./path.ts";
import { writeCborPack } from "./senmlCbor.ts";
import { writeJsonPack } from "./senmlJson.ts";

interface Field {
  readonly n: string;
  readonly v?: number;
  readonly vb?: boolean;
}

/** A telegram as a pack: the present reading by paths alone, older ones with their times. */
export function encodeLwm2mUplink(
  { readings }: Telegram,
  encoding: "senmlJson" | "senmlCbor",
): Uint8Array {
  const pack = readings.flatMap((reading, index) => fieldsOf(reading, index > 0));
  return encoding === "senmlJson" ? writeJsonPack(pack) : writeCborPack(pack);
}

function fieldsOf(reading: DecodedReading, isOld: boolean): readonly Field[] {
  const { volume, batteryMv, batteryPct, signalDbm, status, measuredAtMs } = reading;
  const { device, connectivity, gasMeter } = objectIds;
  const fields: Field[] = [];
  const add = (
    object: number,
    resource: number,
    value: number | boolean,
    item: number | null = null,
  ) => {
    const n = printPath({ object, instance: 0, resource, item });
    fields.push(typeof value === "boolean" ? { n, vb: value } : { n, v: value });
  };
  if (volume !== null) add(gasMeter, gasMeterResources.volume, Number(printDecimal(volume)));
  if (batteryMv !== null) add(device, deviceResources.powerSourceMillivolts, batteryMv, 0);
  if (batteryPct !== null) add(device, deviceResources.batteryPercent, batteryPct);
  if (signalDbm !== null) add(connectivity, connectivityResources.signalDbm, signalDbm);
  if (status !== null) {
    add(gasMeter, gasMeterResources.leakDetected, hasStatus(status, statusBits.leak));
    if (hasStatus(status, statusBits.battery_low)) add(device, deviceResources.errorCodes, 1, 0);
  }
  if (measuredAtMs === null || fields.length === 0) return fields;
  const seconds = measuredAtMs / secondMs;
  if (isOld) return fields.map((field) => ({ ...field, t: seconds }));
  add(gasMeter, gasMeterResources.timestamp, Math.floor(seconds));
  return fields;
}
