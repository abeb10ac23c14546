/** Wired M-Bus as a protocol: telegrams of meters in. The standard defines no valve command. */
import { fail, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { DecodeFault, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { telegramOf, type MbusRules } from "./readings.ts";
import type { MbusKeys } from "./security.ts";
import { decodeMbusTelegram } from "./telegram.ts";

/** Keys on file of the meter, and what its profile knows. */
export interface MbusOptions extends MbusKeys, MbusRules {}

/** Wired M-Bus: one frame, or the frames of one readout behind each other. */
export const mbusProtocol = {
  name: "mbus",
  hasWeakChecksum: true,
  decode(bytes: Uint8Array, options: MbusOptions = {}): Result<Telegram, DecodeFault> {
    const telegram = decodeMbusTelegram(bytes, options, null);
    return telegram.ok ? { ok: true, value: telegramOf(telegram.value, options) } : telegram;
  },
  explain(bytes: Uint8Array, options: MbusOptions = {}) {
    const fields: FieldTrace[] = [];
    const telegram = decodeMbusTelegram(bytes, options, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  /** No bit of the standard is one of the statuses that may not wait. */
  mayBeUrgent(_bytes: Uint8Array): boolean {
    return false;
  },
  encodeCommand(): Result<Uint8Array, EncodeFault> {
    return fail({ kind: "unsupported", what: "M-Bus defines no command for a valve" });
  },
} as const satisfies Protocol;
