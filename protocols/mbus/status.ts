/**
 * What a meter says of its own state. The standard gives two bits of the status byte a meaning that is ours too;
 * all others are the maker's, and mean what the file of the meter's model says, or nothing.
 */
import type { StatusMap } from "#domain/meterFile.ts";
import { hasStatus, statusBits, urgentStatus, type StatusFlags } from "#domain/status.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { alarmQuantity } from "./alarm.ts";
import { printMbusAddress } from "./header.ts";
import type { MbusRecord } from "./records.ts";
import type { MbusTelegram } from "./telegram.ts";
import { printValue } from "./values.ts";

/** What a model's file says of its status. */
export interface StatusRules {
  /** Byte 0 is the status byte, 1 to 8 the error flags (FD 17), 9 the byte of an alarm frame. */
  readonly statusMap?: StatusMap | undefined;
  /** A companion standard that gives further bits and records a meaning. */
  readonly companion?: "dsmrP2" | undefined;
}

const flagsAt = 1;
const flagBytes = 8;
/** Where the byte of an alarm frame stands in a status map. */
const alarmAt = 9;

const powerLow = 0x04;
const permanentError = 0x08;
/** DSMR gives two of the manufacturer's bits a meaning. */
const clockDeviation = 0x20;
const fraudAttempt = 0x40;

/** The status of a telegram; null: it says nothing of it. */
export function statusOf(
  telegram: Pick<MbusTelegram, "state" | "records">,
  rules: StatusRules,
): StatusFlags | null {
  const bytes = statusBytes(telegram);
  const [status] = bytes;
  const mapped = mappedStatus(bytes, rules.statusMap);
  if (status === undefined) return mapped;
  return standardStatus(status, rules) | (mapped ?? 0);
}

/** Temporary errors and the application bits are no condition of ours: nobody agrees on them. */
function standardStatus(status: number, { companion }: StatusRules): StatusFlags {
  let flags = 0;
  if ((status & powerLow) !== 0) flags |= statusBits.battery_low;
  if ((status & permanentError) !== 0) flags |= statusBits.meter_fault;
  if (companion !== "dsmrP2") return flags;
  if ((status & clockDeviation) !== 0) flags |= statusBits.clock_fault;
  if ((status & fraudAttempt) !== 0) flags |= statusBits.cover_open;
  return flags;
}

function mappedStatus(bytes: StatusBytes, map: StatusMap | undefined): StatusFlags | null {
  const rows = map?.bits.filter(({ byte }) => bytes[byte] !== undefined) ?? [];
  if (rows.length === 0) return null;
  let flags = 0;
  for (const { byte, bit, status } of rows) {
    if (((bytes[byte] ?? 0) & (1 << bit)) !== 0) flags |= statusBits[status];
  }
  return flags;
}

/** An alarm whose byte the meter's file does not explain is no reading: it waits for a person. */
export function unexplainedAlarm(telegram: MbusTelegram, rules: StatusRules): DecodeFault | null {
  const { records } = telegram;
  const { statusMap } = rules;
  const alarm = records.find(({ quantity }) => quantity === alarmQuantity);
  const isExplained = statusMap?.bits.some(({ byte }) => byte === alarmAt) ?? false;
  if (alarm === undefined || isExplained) return null;
  const what = `alarm, status ${printValue(alarm.value)}`;
  return withHeard({ kind: "unsupported", what }, telegram, rules);
}

/**
 * A refused telegram with what may not be lost of it: a leak is a leak whatever a key says. Nobody has proved that
 * the meter said so; it may raise an alarm, and says nothing of a valve. An old telegram that comes again is not heard.
 */
export function withHeard(
  fault: DecodeFault,
  telegram: Pick<MbusTelegram, "address" | "state" | "records">,
  rules: StatusRules,
): DecodeFault {
  if (fault.kind === "replayed" || fault.heard !== undefined) return fault;
  const status = statusOf(telegram, rules);
  if (status === null || !hasStatus(status, urgentStatus)) return fault;
  const address = telegram.address === null ? null : printMbusAddress(telegram.address);
  return { ...fault, heard: { address, status, valve: null } };
}

/** By place in a status map; undefined: the telegram has no such byte. */
type StatusBytes = readonly (number | undefined)[];

function statusBytes({ state, records }: Pick<MbusTelegram, "state" | "records">): StatusBytes {
  const bytes: (number | undefined)[] = [state?.status];
  const flags = numberOf(records, "error flags");
  const alarm = numberOf(records, alarmQuantity);
  if (flags !== undefined) {
    for (let place = 0; place < flagBytes; place += 1) {
      bytes[flagsAt + place] = Number((flags >> BigInt(8 * place)) & 0xffn);
    }
  }
  if (alarm !== undefined) bytes[alarmAt] = Number(alarm);
  return bytes;
}

/** What the meter says of itself as a whole and of now. */
function numberOf(records: readonly MbusRecord[], wanted: string): bigint | undefined {
  const record = records.find(({ quantity, modifiers, storage, tariff, subunit }) => {
    const isOfNow = storage === 0 && tariff === 0 && subunit === 0;
    return quantity === wanted && isOfNow && modifiers.length === 0;
  });
  return record?.value?.kind === "number" && record.value.count >= 0n
    ? record.value.count
    : undefined;
}

/** Whether anything could be a status that may not wait, whatever a file says of it. */
export function hasOwnStatus(telegram: MbusTelegram): boolean {
  const [status = 0, ...others] = statusBytes(telegram);
  return status !== 0 || others.some((byte) => byte !== undefined && byte !== 0);
}

/** DSMR: output 1 is the valve. A released valve waits for a person and is neither open nor surely closed. */
const valveByState: Readonly<Record<string, ValvePosition>> = { 0: "closed", 1: "open" };

/** Where the valve is, by the meter's own word; null: the telegram does not say, or nobody knows how. */
export function valveOf(telegram: MbusTelegram, rules: StatusRules): ValvePosition | null {
  const map = rules.statusMap?.valve ?? null;
  const byte = map === null ? undefined : statusBytes(telegram)[map.byte];
  if (map !== null && byte !== undefined) {
    const state = String(byte & map.mask);
    return Object.hasOwn(map.positions, state) ? (map.positions[state] ?? "unknown") : "unknown";
  }
  return rules.companion === "dsmrP2" ? valveOutput(telegram.records) : null;
}

function valveOutput(records: readonly MbusRecord[]): ValvePosition | null {
  const output = records.find(({ quantity, subunit, storage, modifiers }) => {
    const isOutput = quantity === "digital output" && subunit === 1 && storage === 0;
    return isOutput && modifiers.length === 0;
  });
  if (output?.value?.kind !== "number") return null;
  return valveByState[String(output.value.count)] ?? "unknown";
}
