/**
 * Reads bodies: strict UTF-8, bounded depth, no prototype tricks. What a body means is the schemas'
 * work.
 */
import type { FastifyInstance } from "fastify";
import { ProblemError } from "./problems.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The bytes as text, or a problem: broken UTF-8 would make two different names equal. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ProblemError("invalid-request", "the body is not UTF-8", {}, { cause });
  }
}

/**
 * How deep a JSON text nests; counted before parsing, because parsing 500,000 levels is the harm
 * itself.
 */
export function jsonDepth(json: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    else if (character === "]" || character === "}") depth--;
  }
  return deepest;
}

/** `__proto__` and `constructor.prototype` are refused: nobody means well with them. */
function refusePoison(key: string, value: unknown): unknown {
  if (key === "__proto__" || (key === "constructor" && hasPrototype(value))) {
    throw new ProblemError("malformed-json", `the key ${key} is not accepted`);
  }
  return value;
}

function hasPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

/** JSON text as plain data, or a problem. */
export function parseJson(json: string, depthMax: number): unknown {
  if (jsonDepth(json) > depthMax) {
    throw new ProblemError("too-deep", `more than ${depthMax} levels`);
  }
  try {
    return JSON.parse(json, refusePoison);
  } catch (cause) {
    if (cause instanceof ProblemError) throw cause;
    const detail = cause instanceof Error ? cause.message : "not JSON";
    throw new ProblemError("malformed-json", detail, {}, { cause });
  }
}

/** JSON is the only body, but for the bulk import. An empty one is no body. */
export function installBodies(app: FastifyInstance, depthMax: number): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    async (_request: unknown, bytes: Buffer) =>
      bytes.length === 0 ? undefined : parseJson(decodeUtf8(bytes), depthMax),
  );
}
