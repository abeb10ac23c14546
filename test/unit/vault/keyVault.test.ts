import { describe, expect, test } from "vitest";
import type { SealedKey } from "#domain/meterKey.ts";
import { timestampMs } from "#domain/units.ts";
import { keyVault } from "#vault/keyVault.ts";
import { systemRng } from "../../../src/systemRng.ts";

const vault = keyVault(systemRng.bytes(32), systemRng);
const key = Buffer.from("000102030405060708090a0b0c0d0e0f", "hex");

function sealedFor(meterId: string): SealedKey {
  const made = vault.seal(meterId, "encryption", key);
  return { ...made, purpose: "encryption", algorithm: "aes-128", setAtMs: timestampMs(0) };
}

describe("a sealed key", () => {
  test("opens for its meter and its purpose, and for nothing else", () => {
    const sealed = sealedFor("M1");
    expect(vault.open("M1", sealed)).toEqual(key);
    expect(vault.open("M2", sealed)).toBeNull();
    expect(vault.open("M1", { ...sealed, purpose: "authentication" })).toBeNull();
  });

  test("does not open under another master key, and says whose it is", () => {
    const other = keyVault(systemRng.bytes(32), systemRng);
    const sealed = sealedFor("M1");
    expect(other.open("M1", sealed)).toBeNull();
    const claimed = { ...sealed, masterId: other.seal("M1", "encryption", key).masterId };
    expect(other.open("M1", claimed)).toBeNull();
  });

  test("holds nothing of the key, and no two look alike", () => {
    const [one, two] = [sealedFor("M1"), sealedFor("M1")];
    expect(Buffer.from(one.sealed).includes(key)).toBe(false);
    expect(one.sealed).not.toEqual(two.sealed);
  });

  test("every flipped bit and every length is refused", () => {
    const sealed = sealedFor("M1");
    for (let bit = 0; bit < sealed.sealed.length * 8; bit += 1) {
      const damaged = sealed.sealed.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(vault.open("M1", { ...sealed, sealed: damaged })).toBeNull();
    }
    for (let length = 0; length < sealed.sealed.length; length += 1) {
      expect(vault.open("M1", { ...sealed, sealed: sealed.sealed.slice(0, length) })).toBeNull();
    }
  });
});
