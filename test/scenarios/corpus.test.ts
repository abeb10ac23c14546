/** `npm run corpus` as a process: what it prints for a directory, and how it ends. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { rootFolder } from "../tidy/repository.ts";
import { loadCard } from "../unit/protocols/cards.ts";

const folder = mkdtempSync(join(tmpdir(), "mercaptan-corpus-"));
afterAll(() => rmSync(folder, { recursive: true }));

function corpus(args: readonly string[]): Promise<readonly [code: number, stdout: string]> {
  return new Promise((resolve) => {
    const options = { cwd: rootFolder };
    const all = ["test/corpus/corpus.ts", ...args];
    execFile(process.execPath, all, options, (error, stdout) => {
      resolve([error === null ? 0 : Number(error.code), stdout]);
    });
  });
}

const hex = Buffer.from(loadCard("cjt188/gasLeak").bytes).toString("hex");
const row = { id: "own/leak", protocol: "cjt188", hex, expected: { currentCumulative: "1234.56" } };
const wrong = { ...row, id: "own/wrong", expected: { currentCumulative: "1234.57" } };
const file = join(folder, "cjt188.jsonl");

test("everything right ends with 0, and a line that is no row is told", async () => {
  writeFileSync(file, `${JSON.stringify(row)}\n{\n`);
  const [code, stdout] = await corpus(["--dir", folder]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^cjt188\.jsonl {2}2 rows, 1 decoded, 1 equal \(1 values\), 0 different, .*1 malformed\n/,
  );
  expect(stdout).toContain("    line 2 is no row: ");
});

test("one wrong digit ends with 1, and says which", async () => {
  writeFileSync(file, [row, wrong].map((one) => JSON.stringify(one)).join("\n"));
  const [code, stdout] = await corpus(["--dir", folder, "--show-different"]);
  expect(code).toBe(1);
  expect(stdout.split("\n").slice(1, 4)).toEqual([
    "    DIFFERENT own/wrong (line 2)",
    "      currentCumulative: expected 1234.57, found 1234.56",
    `      ${hex}`,
  ]);
  const [jsonCode, json] = await corpus(["--dir", folder, "--json"]);
  expect(jsonCode).toBe(1);
  expect(JSON.parse(json)).toMatchObject({
    isRight: false,
    files: [{ kind: "cjt188", rows: 2, equal: 1, different: [{ id: "own/wrong", line: 2 }] }],
  });
});

test.each([[["--dir", "/nowhere/at/all"]], [["--protocol", "modem"]]])(
  "%j is bad usage",
  async (args) => {
    const [code] = await corpus(args);
    expect(code).toBe(2);
  },
);
