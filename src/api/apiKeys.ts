/** API keys: made by us, shown once, kept as a hash, found by that hash. */
import type { Role } from "#domain/role.ts";
import type { ApiKeyRow } from "#ports/ledger.ts";
import type { Rng } from "#ports/rng.ts";
import { createHash } from "node:crypto";

/** The keys as the API sees them, kept current by the engine's commits. */
export interface ApiKeyDirectory {
  /** Equal hashes mean equal keys, so a plain look-up leaks no part of a key by its timing. */
  byHash(keyHash: string): ApiKeyRow | undefined;
  list(): readonly ApiKeyRow[];
}

export class ApiKeys implements ApiKeyDirectory {
  readonly #byHash = new Map<string, ApiKeyRow>();

  constructor(rows: Iterable<ApiKeyRow>) {
    for (const row of rows) this.put(row);
  }

  put(row: ApiKeyRow): void {
    this.#byHash.set(row.keyHash, row);
  }

  drop(id: string): void {
    for (const row of this.#byHash.values()) {
      if (row.id === id) this.#byHash.delete(row.keyHash);
    }
  }

  byHash(keyHash: string): ApiKeyRow | undefined {
    return this.#byHash.get(keyHash);
  }

  list(): readonly ApiKeyRow[] {
    return [...this.#byHash.values()];
  }
}

/** A key is at least 128 bits of randomness, so one round of SHA-256 is enough. */
export function hashOfKey(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** A new key and what is kept of it. */
export function makeApiKey(
  rng: Rng,
  role: Role,
  label: string,
): { readonly key: string; readonly row: ApiKeyRow } {
  const id = Buffer.from(rng.bytes(6)).toString("hex");
  const key = `mk_${id}_${Buffer.from(rng.bytes(32)).toString("hex")}`;
  return { key, row: { id, keyHash: hashOfKey(key), role, label } };
}
