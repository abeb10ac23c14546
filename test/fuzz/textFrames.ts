/** P1 telegrams with their checksum right, and JSON whose values were changed and which is still JSON. */
import { crc16Arc } from "#protocols/codec/crc16.ts";
import type { Chance } from "../support/random.ts";
import { anyBytes } from "./bytes.ts";

const codes = [
  "1-3:0.2.8",
  "0-0:1.0.0",
  "0-1:24.1.0",
  "0-1:96.1.0",
  "0-1:24.2.1",
  "0-2:24.1.0",
  "0-2:24.2.3",
  "0-1:24.3.0",
  "0-1:24.4.0",
  "1-0:1.8.1",
];
const values = [
  "(003)",
  "(50)",
  "(101209112500W)(12785.123*m3)",
  "(260714183000S)(04711.042*m3)",
  "(632525252525S)(00000.000)",
  "(4730303039)",
  "()",
  "(1)",
  "(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)",
  "(999999999999999999.999*m3)",
];

/** Lines of codes and values that telegrams have, and of some that none has. */
export function p1Telegram(chance: Chance): Uint8Array {
  const lines = Array.from({ length: chance.whole(0, 14) }, () => {
    const odd = () => Buffer.from(anyBytes(chance, chance.whole(0, 12))).toString("latin1");
    const code = chance.once(12) ? odd() : chance.any(codes);
    const value = chance.once(8) ? `(${odd()})` : chance.any(values);
    return `${code}${value}`;
  });
  const text = `/MCP5METER\r\n\r\n${lines.map((line) => `${line}\r\n`).join("")}!`;
  return closed(Buffer.from(text, "latin1"));
}

function closed(body: Uint8Array): Uint8Array {
  const sum = crc16Arc(body, 0, body.length).toString(16).toUpperCase().padStart(4, "0");
  return Buffer.concat([body, Buffer.from(`${sum}\r\n`)]);
}

/** A changed telegram under the checksum of its new bytes. */
export function mendedP1(bytes: Uint8Array): Uint8Array {
  const end = bytes.lastIndexOf(0x21);
  const from = Math.max(0, bytes.indexOf(0x2f));
  return end <= from ? bytes : closed(bytes.slice(from, end + 1));
}

const oddValues: readonly unknown[] = [
  null,
  true,
  0,
  -0,
  1e308,
  -1,
  2 ** 53,
  1e-9,
  "",
  "0",
  "-1.5",
  "12345678901234567890.123",
  "2026-03-01T06:00:00Z",
  "__proto__",
  "\u0000",
  "阀门",
  [],
  {},
  ["leak"],
  [[[[]]]],
  { __proto__: null, constructor: 1 },
];

/** The text with some of its values replaced, doubled or taken out; what is no JSON stays as it is. */
export function changedJson(chance: Chance, bytes: Uint8Array): Uint8Array {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return bytes;
  }
  return Buffer.from(JSON.stringify(changed(chance, value, 0)));
}

function changed(chance: Chance, value: unknown, depth: number): unknown {
  if (chance.once(depth === 0 ? 200 : 12)) return chance.any(oddValues);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => changed(chance, item, depth + 1));
    return chance.once(12) ? [...items, ...items] : items;
  }
  if (typeof value === "object" && value !== null) {
    const kept = Object.entries(value).filter(() => !chance.once(15));
    const renamed = kept.map(([name, inner]) => {
      const key = chance.once(40) ? `${name}x` : name;
      return [key, changed(chance, inner, depth + 1)];
    });
    return Object.fromEntries(renamed);
  }
  if (typeof value === "number" && chance.once(4)) return value + chance.whole(-2, 2);
  if (typeof value === "string" && chance.once(6)) return value.slice(0, chance.whole(0, 12));
  return value;
}
