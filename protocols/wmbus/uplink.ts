/** What a gas meter sends by radio, as frames: for simulated meters. Decoded by the same tables. */
import type { DecodedReading } from "#domain/telegram.ts";
import { shortHeader, type MbusAddress } from "#protocols/mbus/header.ts";
import { blockBytes, closeCbc, linkAddress, mode5Iv } from "#protocols/mbus/security.ts";
import { encodeRecords, statusByte } from "#protocols/mbus/uplink.ts";
import { encodeFrameA } from "./link.ts";

/** Who speaks, under which number, and with which key. */
export interface WmbusSender {
  readonly address: MbusAddress;
  readonly accessNumber: number;
  /** How far east of UTC the meter's clock stands. */
  readonly clockOffsetMs: number;
  /** null: in plain. */
  readonly key: Uint8Array | null;
}

const report = 0x44;
const shortHeaderData = 0x7a;
const mode5 = 0x0500;
const filler = 0x2f;

/** A report of one reading: kind A, short header, in plain or in security mode 5. */
export function encodeWmbusUplink(sender: WmbusSender, reading: DecodedReading): Uint8Array {
  const { address, accessNumber, clockOffsetMs, key } = sender;
  const records = encodeRecords(reading, clockOffsetMs);
  const blocks = Math.ceil((records.length + 2) / blockBytes);
  const padded = new Uint8Array(blocks * blockBytes).fill(filler);
  padded.set(records, 2);
  const content = key === null ? records : closeCbc(key, mode5Iv(address, accessNumber), padded);
  const header = shortHeader.encode({
    accessNumber,
    status: statusByte(reading),
    configuration: key === null ? 0 : mode5 | (blocks << 4),
  });
  return encodeFrameA(
    Uint8Array.from([
      report,
      ...linkAddress.encode(address),
      shortHeaderData,
      ...header,
      ...content,
    ]),
  );
}
