/** Wired M-Bus as a protocol: telegrams of meters in. The standard defines no valve command. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { DecodeFault, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { telegramOf, type MbusRules } from "./readings.ts";
import type { MbusKeys } from "./security.ts";
import { hasOwnStatus, unexplainedAlarm } from "./status.ts";
import { decodeMbusTelegram, mbusAddressOf } from "./telegram.ts";

/** Keys on file of the meter, and what its profile knows. */
export interface MbusOptions extends MbusKeys, MbusRules {}

/** Wired M-Bus: one frame, or the frames of one readout behind each other. */
export const mbusProtocol = {
  name: "mbus",
  hasWeakChecksum: true,
  decode(bytes: Uint8Array, options: MbusOptions = {}): Result<Telegram, DecodeFault> {
    const telegram = decodeMbusTelegram(bytes, options, null);
    if (!telegram.ok) return telegram;
    const alarm = unexplainedAlarm(telegram.value, options);
    return alarm === null ? ok(telegramOf(telegram.value, options)) : fail(alarm);
  },
  explain(bytes: Uint8Array, options: MbusOptions = {}) {
    const fields: FieldTrace[] = [];
    const telegram = decodeMbusTelegram(bytes, options, fields);
    const fault = telegram.ok ? unexplainedAlarm(telegram.value, options) : telegram.fault;
    return { fields, fault };
  },
  addressOf(bytes: Uint8Array): string | null {
    return mbusAddressOf(bytes);
  },
  /** No bit of the standard may not wait; those of a maker can, and what is ciphered nobody has seen. */
  mayBeUrgent(bytes: Uint8Array): boolean {
    const telegram = decodeMbusTelegram(bytes, {}, null);
    return telegram.ok ? hasOwnStatus(telegram.value) : telegram.fault.kind === "keyMissing";
  },
  encodeCommand(): Result<Uint8Array, EncodeFault> {
    return fail({ kind: "unsupported", what: "M-Bus defines no command for a valve" });
  },
} as const satisfies Protocol;
