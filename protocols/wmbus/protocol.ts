/** Wireless M-Bus and OMS as a protocol: telegrams of meters in. */
import type { Learned } from "#domain/meterFile.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { DecodeFault, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { telegramOf, type MbusRules } from "#protocols/mbus/readings.ts";
import { hasOwnStatus, unexplainedAlarm } from "#protocols/mbus/status.ts";
import { compactFrame } from "./compact.ts";
import {
  decodeWmbusTelegram,
  wmbusAddressOf,
  type WmbusContext,
  type WmbusTelegram,
} from "./telegram.ts";

/** Keys and formats on file of the meter, and what its profile knows. */
export interface WmbusOptions extends WmbusContext, MbusRules {}

/** Wireless M-Bus: one radio frame, with or without its block checksums. */
export const wmbusProtocol = {
  name: "wmbus",
  hasWeakChecksum: false,
  decode(bytes: Uint8Array, options: WmbusOptions = {}): Result<Telegram, DecodeFault> {
    const read = decodeWmbusTelegram(bytes, options, null);
    if (!read.ok) return read;
    const alarm = unexplainedAlarm(read.value, options);
    if (alarm !== null) return fail(alarm);
    const learned = learnedFrom(read.value, options);
    const telegram = telegramOf(read.value, options);
    return ok(learned === null ? telegram : { ...telegram, learned });
  },
  explain(bytes: Uint8Array, options: WmbusOptions = {}) {
    const fields: FieldTrace[] = [];
    const read = decodeWmbusTelegram(bytes, options, fields);
    return { fields, fault: read.ok ? unexplainedAlarm(read.value, options) : read.fault };
  },
  addressOf(bytes: Uint8Array): string | null {
    return wmbusAddressOf(bytes);
  },
  /** No bit of the standard may not wait; those of a maker can, and what is ciphered nobody has seen. */
  mayBeUrgent(bytes: Uint8Array): boolean {
    const read = decodeWmbusTelegram(bytes, { checksums: "absent" }, null);
    return read.ok ? hasOwnStatus(read.value) : isUnseen(read.fault);
  },
  encodeCommand(): Result<Uint8Array, EncodeFault> {
    return fail({ kind: "unsupported", what: "no downlink to radio meters" });
  },
} as const satisfies Protocol;

/** Without the meter's file neither ciphers nor compact frames can be read. */
function isUnseen(fault: DecodeFault): boolean {
  const isCompact = fault.kind === "unsupported" && fault.what.startsWith(compactFrame);
  return fault.kind === "keyMissing" || isCompact;
}

/** What the meter's file does not have yet; null: nothing. */
function learnedFrom(
  { learnt, provedCounter }: WmbusTelegram,
  { formats, messageCounterSeen }: WmbusOptions,
): Learned | null {
  const isNewFormat = learnt !== null && formats?.[learnt.signature] !== learnt.format;
  const isNewCounter = provedCounter !== null && provedCounter !== messageCounterSeen;
  if (!isNewFormat && !isNewCounter) return null;
  return {
    ...(isNewCounter ? { messageCounter: provedCounter } : {}),
    ...(isNewFormat ? { formats: { [learnt.signature]: learnt.format } } : {}),
  };
}
