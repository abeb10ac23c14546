/** `npm run properties`: all property tests again and again, each time with another seed, which is printed. */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const help = `npm run properties -- [options]

  --runs 1     times that all property tests are run, each time with a seed by chance
  --seed S     the first run's seed, to see again what was found
  --only TEXT  test files whose path contains this
`;
const root = fileURLToPath(new URL("../../", import.meta.url));
const seedsBelow = 2 ** 31;
const folders = ["test/unit", "test/contract"];

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1" },
    seed: { type: "string" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const firstSeed = values.seed === undefined ? randomInt(seedsBelow) : Number(values.seed);

/** Test files that state a property. */
function propertyFiles(only: string): readonly string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((file) => file.endsWith(".test.ts") && file.includes(only))
    .filter((file) => readFileSync(join(root, file), "utf8").includes("fast-check"))
    .toSorted();
}

async function runWith(seed: number, files: readonly string[]): Promise<boolean> {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const env = { ...process.env, MERCAPTAN_PROPERTY_SEED: String(seed) };
  const args = [vitest, "run", "--reporter=dot", ...files];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: "inherit" });
  const [code] = await once(child, "exit");
  return code === 0;
}

async function explore(files: readonly string[]): Promise<void> {
  const broken: number[] = [];
  for (let no = 0; no < runs; no += 1) {
    const seed = no === 0 ? firstSeed : randomInt(seedsBelow);
    process.stdout.write(`run ${no + 1} of ${runs}: seed ${seed}\n`);
    if (!(await runWith(seed, files))) broken.push(seed);
  }
  const found = broken.map((seed) => ` --seed ${seed}`).join(",");
  const word = broken.length === 0 ? "kept" : `BROKEN with${found}`;
  process.stdout.write(`${word}: ${files.length} files, ${runs} runs\n`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

const isUsable = Number.isInteger(runs) && runs > 0 && Number.isInteger(firstSeed);
if (values.help || !isUsable) {
  process.stdout.write(help);
  process.exitCode = values.help ? 0 : 2;
} else {
  await explore(propertyFiles(values.only));
}
