/** JSON version 1 (CONTRACT section 2) as a protocol. */
import { fail, ok, type Result } from "#domain/result.ts";
import { isStatusName, statusFromNames, statusToNames, urgentStatus } from "#domain/status.ts";
import type { Telegram } from "#domain/telegram.ts";
import { noHours, saysHours, telegramOf, uploadOf } from "#protocols/codec/upload.ts";
import type { DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { encodeJsonCommand } from "./command.ts";
import { readWhole } from "#protocols/codec/json/read.ts";
import { uplink } from "./uplink.ts";

/**
 * A backslash may hide any of the words (`\u006ceak`), so it counts as one of them. An answer to a
 * command is urgent too: people wait for it.
 */
const urgentMarks = new RegExp([...statusToNames(urgentStatus), '"reply"', "\\\\"].join("|"));

/** JSON version 1: uploads of meters in, orders out. */
export const jsonProtocol: Protocol = {
  name: "json",
  hasWeakChecksum: false,
  decode: (bytes) => read(bytes, null),
  explain(bytes) {
    const fields: FieldTrace[] = [];
    const telegram = read(bytes, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  mayBeUrgent(bytes) {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // One pass over the text instead of one per word: every uplink of every meter comes through here.
    return urgentMarks.test(view.toString("latin1"));
  },
  encodeCommand: (order) => (saysHours(order) ? noHours : ok(encodeJsonCommand(order))),
};

function read(bytes: Uint8Array, trace: FieldTrace[] | null): Result<Telegram, DecodeFault> {
  const upload = readWhole(uplink, bytes, trace);
  if (!upload.ok) return fail(withHeard(upload.fault, bytes));
  const telegram = telegramOf(upload.value);
  return telegram === undefined ? saysNothing : ok(telegram);
}

/** A list of status words, wherever the text is broken otherwise: `NaN` in a register must not hide a leak. */
const statusList = /"status"\s{0,16}:\s{0,16}\[([^\][{}]{0,1024})\]/;

function withHeard(fault: DecodeFault, bytes: Uint8Array): DecodeFault {
  if (fault.kind === "tooLarge" || fault.kind === "tooDeep") return fault;
  const [, list] = statusList.exec(Buffer.from(bytes).toString("latin1")) ?? [];
  if (list === undefined) return fault;
  const words = list.split(",").map((word) => word.trim().replaceAll('"', ""));
  const status = statusFromNames(words.filter(isStatusName));
  return { ...fault, heard: { address: null, status, valve: null } };
}

const saysNothing = fail<DecodeFault>({
  kind: "schema",
  path: "",
  problem: "neither a reading nor a reply",
});

/** An uplink as a meter sends it; for simulated meters. The first reading is the present one. */
export function encodeJsonUplink(telegram: Telegram): Uint8Array {
  return new TextEncoder().encode(uplink.write(uploadOf(telegram)));
}
