/** A real vault on a key of this run, and files of meters that open with it. */
import { keyVault } from "#vault/keyVault.ts";
import { meterFiles } from "../../src/meterFiles.ts";
import { systemRng } from "../../src/systemRng.ts";

export const testVault = keyVault(systemRng.bytes(32), systemRng);
export const testFiles = meterFiles(testVault);
