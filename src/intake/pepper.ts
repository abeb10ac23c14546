/** The key of the secrets' hashes: a file beside the ledger, so that a copied ledger alone tells nothing. */
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { Rng } from "#ports/rng.ts";

const pepperBytes = 32;
const pepperPattern = /^[0-9a-f]{64}\n$/;

/** The pepper cannot be read, or is not what was written. */
export class PepperError extends Error {
  override readonly name = "PepperError";
  readonly code: "PEPPER_UNREADABLE" | "PEPPER_DAMAGED";
  constructor(code: PepperError["code"], message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}

/** Reads the pepper, or makes it when there is none yet. */
export function readOrCreatePepper(file: string, rng: Rng): Uint8Array {
  try {
    return readPepper(file) ?? createPepper(file, rng);
  } catch (error) {
    if (error instanceof PepperError) throw error;
    throw new PepperError("PEPPER_UNREADABLE", "no secret can be checked", { cause: error });
  }
}

function readPepper(file: string): Uint8Array | undefined {
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
  // A new pepper in its place would make every credential of the fleet worthless: say so instead.
  if (!pepperPattern.test(text)) throw new PepperError("PEPPER_DAMAGED", "64 hexadecimal digits");
  return Buffer.from(text.trim(), "hex");
}

/** Written beside and linked into place: the file is never seen half-written, nor replaced. */
function createPepper(file: string, rng: Rng): Uint8Array {
  const suffix = Buffer.from(rng.bytes(8)).toString("hex");
  const draft = `${file}.${suffix}`;
  const pepper = Buffer.from(rng.bytes(pepperBytes));
  const handle = openSync(draft, "wx", 0o600);
  try {
    writeSync(handle, `${pepper.toString("hex")}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
  } finally {
    rmSync(draft);
  }
  syncFolder(dirname(file));
  return readPepper(file) ?? pepper;
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
