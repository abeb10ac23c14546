/** The status byte of an alarm frame (CI 71, 74, 75): its bits are the maker's. EN 13757-3, clause on alarms. */
import { code } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { FieldTrace } from "#protocols/contract.ts";
import type { MbusRecord } from "./records.ts";

const alarmByte = layout("mbus.alarm", { alarmStatus: code({}) });

/** The quantity of an alarm's byte. */
export const alarmQuantity = "alarm status";

/** The alarm's byte as a record. The caller has checked that it is there. */
export function alarmRecord(bytes: Uint8Array, at: number, trace: FieldTrace[] | null): MbusRecord {
  const read = alarmByte.decode(bytes, at, trace);
  const count = BigInt(read.ok ? read.value.alarmStatus : 0);
  return {
    from: at,
    dataAt: at,
    to: at + alarmByte.sizeBytes,
    function: "instantaneous",
    storage: 0,
    tariff: 0,
    subunit: 0,
    quantity: alarmQuantity,
    unit: null,
    modifiers: [],
    value: { kind: "number", count, exponent: 0 },
  };
}
