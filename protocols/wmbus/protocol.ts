/** Wireless M-Bus and OMS as a protocol: telegrams of meters in. */
import { fail, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { DecodeFault, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { telegramOf, type MbusRules } from "#protocols/mbus/readings.ts";
import { decodeWmbusTelegram, type WmbusContext } from "./telegram.ts";

/** Keys and formats on file of the meter, and what its profile knows. */
export interface WmbusOptions extends WmbusContext, MbusRules {}

/** Wireless M-Bus: one radio frame, with or without its block checksums. */
export const wmbusProtocol = {
  name: "wmbus",
  hasWeakChecksum: false,
  decode(bytes: Uint8Array, options: WmbusOptions = {}): Result<Telegram, DecodeFault> {
    const telegram = decodeWmbusTelegram(bytes, options, null);
    return telegram.ok ? { ok: true, value: telegramOf(telegram.value, options) } : telegram;
  },
  explain(bytes: Uint8Array, options: WmbusOptions = {}) {
    const fields: FieldTrace[] = [];
    const telegram = decodeWmbusTelegram(bytes, options, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  /** No bit of the standard is one of the statuses that may not wait. */
  mayBeUrgent(_bytes: Uint8Array): boolean {
    return false;
  },
  encodeCommand(): Result<Uint8Array, EncodeFault> {
    return fail({ kind: "unsupported", what: "no downlink to radio meters" });
  },
} as const satisfies Protocol;
