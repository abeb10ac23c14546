/** Meters without keys and profiles: the standards as they are. */
import { emptyMeterFile } from "#domain/meterFile.ts";
import type { MeterFiles } from "#ports/meterFiles.ts";

export const noMeterFiles: MeterFiles = { of: () => emptyMeterFile };
