/** Seals and opens meters' keys with a master key that is not in the data directory. */
import type { KeyPurpose, SealedKey } from "#domain/meterKey.ts";

export interface KeyVault {
  /** Bound to the meter and the purpose: under another meter's name it does not open. */
  seal(
    meterId: string,
    purpose: KeyPurpose,
    key: Uint8Array,
  ): Pick<SealedKey, "masterId" | "sealed">;
  /** null: sealed by another master key, damaged, or somebody else's. */
  open(meterId: string, key: SealedKey): Uint8Array | null;
}
