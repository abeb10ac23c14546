/**
 * The first administrator's key: somebody must be able to come in, and nobody by a default
 * password.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import type { ApiKeyRow } from "#ports/ledger.ts";
import type { Rng } from "#ports/rng.ts";
import { hashOfKey, makeApiKey } from "./apiKeys.ts";

/** Shorter keys could be guessed. */
const givenKeyCharactersMin = 32;

export interface FirstKey {
  readonly key: string;
  readonly row: ApiKeyRow;
  /** True: nobody knows it yet, so it must be printed, once. */
  readonly mustPrint: boolean;
}

export type FirstKeyFault = {
  readonly kind: "keyTooShort";
  readonly characters: number;
  readonly charactersMin: number;
};

/**
 * Which key to install at start: none when there are keys already, else the content of the file
 * that the operator of the machine named, else a new one.
 */
export function firstKey(
  existing: readonly ApiKeyRow[],
  fileContent: string | null,
  rng: Rng,
): Result<FirstKey | null, FirstKeyFault> {
  if (existing.length > 0) return ok(null);
  const made = makeApiKey(rng, "admin", "first administrator");
  if (fileContent === null) return ok({ ...made, mustPrint: true });
  const key = fileContent.trim();
  if (key.length < givenKeyCharactersMin) {
    return fail({
      kind: "keyTooShort",
      characters: key.length,
      charactersMin: givenKeyCharactersMin,
    });
  }
  return ok({ key, row: { ...made.row, keyHash: hashOfKey(key) }, mustPrint: false });
}
