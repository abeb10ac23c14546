/** Randomness of the operating system, behind the port. */
import { randomBytes } from "node:crypto";
import type { Rng } from "#ports/rng.ts";

export const systemRng: Rng = {
  bytes: (length) => randomBytes(length),
  uuidV7(nowMs) {
    const bytes = randomBytes(16);
    bytes.writeUIntBE(Math.max(0, Math.floor(nowMs)), 0, 6);
    bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
    bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
    const hex = bytes.toString("hex");
    const ends = [8, 12, 16, 20, 32];
    return ends.map((end, place) => hex.slice(ends[place - 1] ?? 0, end)).join("-");
  },
};
