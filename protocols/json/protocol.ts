/** JSON version 1 (CONTRACT section 2) as a protocol. */
import { ok } from "#domain/result.ts";
import { statusToNames, urgentStatus } from "#domain/status.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { FieldTrace, Protocol } from "../contract.ts";
import { encodeJsonCommand } from "./command.ts";
import { readWhole } from "./read.ts";
import { telegramOf, uplinkObject, uplinkRecord } from "./uplink.ts";

/**
 * A backslash may hide any of the words (`\u006ceak`), so it counts as one of them. An answer to a
 * command is urgent too: people wait for it.
 */
const urgentMarks = [...statusToNames(urgentStatus), '"reply"', "\\"].map((word) =>
  Buffer.from(word),
);

export const jsonProtocol: Protocol = {
  name: "json",
  decode(bytes) {
    const read = readWhole(uplinkObject, bytes, null);
    return read.ok ? telegramOf(read.value) : read;
  },
  explain(bytes) {
    const fields: FieldTrace[] = [];
    const read = readWhole(uplinkObject, bytes, fields);
    const telegram = read.ok ? telegramOf(read.value) : read;
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  mayBeUrgent(bytes) {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return urgentMarks.some((mark) => view.includes(mark));
  },
  encodeCommand: (order) => ok(encodeJsonCommand(order)),
};

/** An uplink as a meter sends it; for simulated meters. The first reading is the present one. */
export function encodeJsonUplink(telegram: Telegram): Uint8Array {
  return new TextEncoder().encode(uplinkObject.write(uplinkRecord(telegram)));
}
