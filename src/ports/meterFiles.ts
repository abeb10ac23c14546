/** Keys and profiles of meters, as the engine asks for them. */
import type { Meter } from "#domain/meter.ts";
import type { MeterFile } from "#domain/meterFile.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { Profile } from "#domain/profile.ts";

export interface MeterFiles {
  /** The profile of this id, when it was loaded. */
  profile(id: string): Profile | undefined;
  /** Profiles whose status bits may close a valve by id, each with what names its content. */
  confirmed(): Readonly<Record<string, string>>;
  /** What is on file of a meter apart from what its uplinks taught. */
  of(meter: Meter, keys: readonly SealedKey[]): MeterFile;
}
