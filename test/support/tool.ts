/** Programs from Debian as real peers. Missing ones skip a test visibly; in CI they fail it. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Path of the program, or null where it is not installed. Under CI=true a missing one is an error. */
export function requireTool(name: string, debianPackage: string): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(":").filter((entry) => entry !== "")) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  if (process.env["CI"] === "true") {
    throw new Error(`${name} is missing; install the Debian package ${debianPackage}`);
  }
  console.warn(`skipped: ${name} is missing (Debian package ${debianPackage})`);
  return null;
}
