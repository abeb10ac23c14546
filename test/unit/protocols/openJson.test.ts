/** JSON of strangers, and bytes as text: strict where two readers could differ. */
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { readOpen, textOrSource } from "#protocols/codec/json/open.ts";
import { bytesOfBase64, bytesOfHex } from "#protocols/codec/textBytes.ts";
import { reasonOf } from "#protocols/contract.ts";
import { utf8 } from "./cards.ts";

describe("bytes as text", () => {
  propertyTest.prop([fc.uint8Array({ minLength: 1, maxLength: 300 })])(
    "every spelling of base64 and hexadecimal comes back",
    (bytes) => {
      const standard = Buffer.from(bytes).toString("base64");
      for (const text of [
        standard,
        standard.replaceAll("=", ""),
        Buffer.from(bytes).toString("base64url"),
        standard.replaceAll("+", "-").replaceAll("/", "_"),
      ]) {
        expect(bytesOfBase64(text)).toEqual(bytes);
      }
      const digits = Buffer.from(bytes).toString("hex");
      expect(bytesOfHex(digits)).toEqual(bytes);
      expect(bytesOfHex(digits.toUpperCase())).toEqual(bytes);
    },
  );

  test.each(["", "=", "A", "AB===", "A=B=", "+-AA", "aB==", "aGk", "a Gk=", "aGk=\n", "é==="])(
    "%j is no base64, or the one way to write it",
    (text) => {
      const bytes = bytesOfBase64(text);
      expect(bytes).toEqual(text === "aGk" ? utf8("hi") : undefined);
    },
  );
});

describe("JSON that is passed over", () => {
  const value = fc.json({ maxDepth: 3 });
  const noise = fc.oneof(
    value,
    fc.string({ maxLength: 40 }),
    value.map((json) => json.slice(1)),
  );

  propertyTest.prop([noise])("is JSON and nothing else", (text) => {
    const read = readOpen(textOrSource, utf8(text));
    const isJson = (() => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    })();
    // Stricter than JSON in three points: NUL, half surrogates and keys that say the same twice.
    if (read.ok) expect(isJson).toBe(true);
    else if (isJson) expect(["ENCODING", "SCHEMA"]).toContain(reasonOf(read.fault));
  });
});
