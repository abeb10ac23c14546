/** A real vault on a key of this run, the profiles that come along, and files of meters made of both. */
import { fileURLToPath } from "node:url";
import { loadProfiles } from "#config/loadProfiles.ts";
import { keyVault } from "#vault/keyVault.ts";
import { meterFiles } from "../../src/meterFiles.ts";
import { systemRng } from "../../src/systemRng.ts";

export const testProfiles = loadProfiles([
  fileURLToPath(new URL("../../profiles", import.meta.url)),
]);
export const testVault = keyVault(systemRng.bytes(32), systemRng);
export const testFiles = meterFiles(testVault, testProfiles);
