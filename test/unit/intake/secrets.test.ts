import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readOrCreatePepper } from "#intake/pepper.ts";
import { hashSecret, makeSecret, sameHash } from "#intake/secrets.ts";

const rng = { bytes: (length: number) => randomBytes(length), uuidV7: () => "" };
const folder = mkdtempSync(join(tmpdir(), "pepper-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a secret has 144 bits in letters that any meter can be given", () => {
  const secrets = new Set(Array.from({ length: 100 }, () => makeSecret(rng)));
  expect(secrets.size).toBe(100);
  for (const secret of secrets) expect(secret).toMatch(/^[0-9A-Za-z_-]{24}$/);
});

test("the hash is HMAC-SHA-256: RFC 4231, test case 2", () => {
  expect(hashSecret(Buffer.from("Jefe"), "what do ya want for nothing?")).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

test("hashes are equal or not, of whatever length", () => {
  const hash = hashSecret(Buffer.from("k"), "a");
  expect(sameHash(hash, hash)).toBe(true);
  expect(sameHash(hash, hashSecret(Buffer.from("k"), "b"))).toBe(false);
  expect(sameHash(hash, "")).toBe(false);
});

test("the pepper is made once, for the owner's eyes only", () => {
  const file = join(folder, "pepper");
  const pepper = readOrCreatePepper(file, rng);
  expect(pepper).toHaveLength(32);
  expect(readOrCreatePepper(file, rng)).toEqual(pepper);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["pepper"]);
});

test("a damaged pepper is never replaced: all secrets hang on it", () => {
  const file = join(folder, "damaged");
  writeFileSync(file, "half of it");
  expect(() => readOrCreatePepper(file, rng)).toThrow(/^PEPPER_DAMAGED/);
  expect(readFileSync(file, "utf8")).toBe("half of it");
});

test("an unreadable place is said", () => {
  expect(() => readOrCreatePepper(join(folder, "no", "pepper"), rng)).toThrow(/^PEPPER_UNREADABLE/);
});
