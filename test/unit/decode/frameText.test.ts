/** Bytes as people have them at hand, and texts in a terminal. */
import { describe, expect, test } from "vitest";
import { hexTrouble, inputsOf, inputsOfText } from "#decode/frameText.ts";
import { padTo, piecesOf, shown, widthOf } from "#decode/width.ts";
import { bytesOfHex } from "../protocols/cards.ts";

const first = (text: string) => {
  const [input] = inputsOfText(text);
  return input === undefined ? null : [input.form, Buffer.from(input.bytes).toString("hex")];
};

describe("what a text may mean", () => {
  test.each([
    ["681030", "hex", "681030"],
    [" 68 10\n30 ", "hex", "681030"],
    ["68:10:30", "hex", "681030"],
    ["0x68, 0x10, 0x30", "hex", "681030"],
    ["{0x68,0x10,0x30}", "hex", "681030"],
    ["[0x68 0x10]", "hex", "6810"],
    ["68-10-FE", "hex", "6810fe"],
    [`"681030"`, "hex", "681030"],
    [String.raw`\x68\x10\x30`, "escapes", "681030"],
    [String.raw`b'h\x10\n\\0\x00'`, "escapes", "68100a5c3000"],
    ["aBAw/wD+", "base64", "681030ff00fe"],
    ["aBAw\n_wD-", "base64", "681030ff00fe"],
    ["00000000: 6810 30ff 0016  h.0...", "dump", "681030ff0016"],
    ["00000000  68 10 30 ff 00 16  |h.0...|\n00000006", "dump", "681030ff0016"],
    ["000000 68 10\n000002 16\n000003", "dump", "681016"],
    ["\t0x0000:  6810 30", "dump", "681030"],
    [`{"v":1}`, "text", "7b2276223a317d"],
    ["leaking gas", "text", "6c65616b696e6720676173"],
  ])("%j is %s", (text, form, hex) => {
    expect(first(text)).toEqual([form, hex]);
  });

  test("a dump with a hole in it is no dump", () => {
    expect(first("00000000: 6810\n00000010: 3016")?.[0]).not.toBe("dump");
  });

  test("nothing is nothing", () => {
    expect(inputsOf(new Uint8Array())).toEqual([]);
    expect(inputsOfText(" \n")).toEqual([]);
  });

  test("bytes that no terminal shows are binary, and kept as they are", () => {
    const bytes = bytesOfHex("68003116");
    expect(inputsOf(bytes)).toEqual([{ form: "binary", bytes }]);
  });

  test("a telegram that lost its line ends is offered with and without them", () => {
    const forms = inputsOfText("/MCP5X\n\n1-0:1.8.1(1)\n!").map(({ bytes }) => Buffer.from(bytes));
    expect(forms.map(String)).toEqual([
      "/MCP5X\n\n1-0:1.8.1(1)\n!",
      "/MCP5X\r\n\r\n1-0:1.8.1(1)\r\n!\r\n",
    ]);
  });

  test("half a byte is seen", () => {
    expect(hexTrouble("68 10 30 42 0")).toBe("oddDigits");
    expect(hexTrouble("68 10 30 42 00")).toBeNull();
    expect(hexTrouble("leak")).toBeNull();
  });
});

describe("texts in a terminal", () => {
  test("Chinese characters are two columns wide, marks none", () => {
    expect(widthOf("阀门 a")).toBe(6);
    expect(widthOf("e\u0301")).toBe(1);
    expect(padTo("阀门", 6)).toBe("阀门  ");
  });

  test.each([
    ["one two three", 8, ["one two", "three"]],
    ["one two", 7, ["one two"]],
    ["abcdefghij", 4, ["abcd", "efgh", "ij"]],
    ["阀门已关", 4, ["阀门", "已关"]],
    ["", 4, [""]],
  ])("%j in %d columns", (text, columns, pieces) => {
    expect(piecesOf(text, columns)).toEqual(pieces);
  });

  test("what a meter sends cannot move the cursor or turn the line around", () => {
    expect(shown("a\u001b[2Jb\u202ec\nd")).toBe(String.raw`a\x1b[2Jb\u{202e}c\x0ad`);
  });
});
