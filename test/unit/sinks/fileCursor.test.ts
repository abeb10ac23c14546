import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fileCursor } from "#sinks/fileCursor.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "mercaptan-cursor-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("a cursor survives, leaves no draft behind, and belongs to one target", async () => {
  const path = join(folder, "influx.cursor");
  const cursor = fileCursor(path, "http://a org bucket");
  expect(await cursor.load()).toBe(0);
  await cursor.store(41);
  await cursor.store(42);
  expect(await fileCursor(path, "http://a org bucket").load()).toBe(42);
  expect(await fileCursor(path, "http://b org bucket").load()).toBe(0);
  expect(readdirSync(folder)).toEqual(["influx.cursor"]);
});

test.for([
  "",
  "{",
  "7",
  "null",
  '{"target":"t"}',
  '{"target":"t","seq":"9"}',
  '{"target":"t","seq":-4}',
])("a damaged cursor counts from the start: %s", async (text) => {
  const path = join(folder, "damaged");
  writeFileSync(path, text);
  expect(await fileCursor(path, "t").load()).toBe(0);
});

test("a folder that cannot be written is an error with its code", async () => {
  await expect(fileCursor(join(folder, "none", "c"), "t").store(1)).rejects.toMatchObject({
    code: "ENOENT",
  });
});
