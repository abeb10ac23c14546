/** Puts a meter's file together: the keys that the vault opens, and the profile of its model. */
import { createHash } from "node:crypto";
import { emptyMeterFile, type MeterFile, type MeterKeys } from "#domain/meterFile.ts";
import type { Meter } from "#domain/meter.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { Profile, Profiles } from "#domain/profile.ts";
import type { KeyVault } from "#ports/keyVault.ts";
import type { MeterFiles } from "#ports/meterFiles.ts";

/**
 * Opened keys stay in this thread's memory; without a vault every ciphered frame waits in quarantine. A profile that
 * is not there, or of another protocol, counts as none: the standard as it is, and nothing closes by itself.
 */
export function meterFiles(vault: KeyVault | null, profiles: Profiles): MeterFiles {
  const opened = new WeakMap<readonly SealedKey[], MeterKeys>();
  const byProfile = new Map(
    Object.values(profiles).map((profile) => [profile.id, partOf(profile)]),
  );
  return {
    profile: (id) => (Object.hasOwn(profiles, id) ? profiles[id] : undefined),
    confirmed: () =>
      Object.fromEntries(
        Object.values(profiles).flatMap((profile) =>
          profile.isConfirmed ? [[profile.id, contentOf(profile)] as const] : [],
        ),
      ),
    of(meter, keys) {
      const known = meter.profile === null ? undefined : byProfile.get(meter.profile);
      const profile = known?.protocol === meter.protocol ? known.file : emptyMeterFile;
      if (keys.length === 0 || vault === null) return profile;
      const meterKeys = opened.get(keys) ?? openAll(vault, meter, keys);
      opened.set(keys, meterKeys);
      return { ...profile, ...meterKeys };
    },
  };
}

/** What its bits mean; a title or a version may change without a consequence. */
function contentOf({ protocol, dialect }: Profile): string {
  return createHash("sha256")
    .update(JSON.stringify([protocol, dialect]))
    .digest("hex");
}

function partOf({ protocol, dialect, functions, isConfirmed, actuationsRated }: Profile) {
  const file: MeterFile = Object.freeze({ ...dialect, functions, isConfirmed, actuationsRated });
  return { protocol, file };
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
