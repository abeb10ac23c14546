/** Migrations are numbered one after the other: two of one number, and no ledger can be opened. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

test("every migration has the next number", () => {
  const folder = join(import.meta.dirname, "../../src/ledger/migrations");
  const numbers = readdirSync(folder)
    .sort()
    .map((file) => Number(file.slice(0, 4)));
  expect(numbers).toEqual(numbers.map((_number, place) => place + 1));
});
