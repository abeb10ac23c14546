/** Puts a meter's file together: the keys that the vault opens, and the profile of its model. */
import { emptyMeterFile, type MeterFile, type MeterKeys } from "#domain/meterFile.ts";
import type { Meter } from "#domain/meter.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { KeyVault } from "#ports/keyVault.ts";
import type { MeterFiles } from "#ports/meterFiles.ts";

/** Opened keys stay in this thread's memory; without a vault every ciphered frame waits in quarantine. */
export function meterFiles(vault: KeyVault | null): MeterFiles {
  const opened = new WeakMap<readonly SealedKey[], MeterFile>();
  return {
    of(meter, keys) {
      if (keys.length === 0 || vault === null) return emptyMeterFile;
      const known = opened.get(keys) ?? openAll(vault, meter, keys);
      opened.set(keys, known);
      return known;
    },
  };
}

const fileNames = { encryption: "key", authentication: "authKey" } as const;

function openAll(vault: KeyVault, meter: Meter, keys: readonly SealedKey[]): MeterKeys {
  const entries = keys.flatMap((sealed) => {
    // No decoder uses SM4 yet: its key must not be tried as another cipher's.
    const key = sealed.algorithm === "aes-128" ? vault.open(meter.id, sealed) : null;
    return key === null ? [] : [[fileNames[sealed.purpose], key] as const];
  });
  return Object.fromEntries(entries);
}
