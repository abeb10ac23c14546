import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { configDefaults, defineConfig } from "vitest/config";

/**
 * Collections of frames with known answers are not ours to pass on: they are scored where they stand beside the
 * repository or where MERCAPTAN_CORPORA says, and left out with this line elsewhere.
 */
const corpora = resolve(process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora");
const hasCorpora = existsSync(corpora);
if (!hasCorpora) console.warn(`SKIPPED: no score on collections of frames, there is no ${corpora}`);

/** Vitest would leave one core idle, which on two cores is half of the machine. */
const maxWorkers = availableParallelism();

/** Properties try the same cases in every run; `npm run properties` looks for others. */
const setupFiles = ["test/support/propertySeed.ts"];

/** Fast and pure first; `wire` uses real sockets and processes, so its files run one after another. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          maxWorkers,
          // Milliseconds on a quiet machine; a busy one is no fault of the code.
          testTimeout: 30_000,
          setupFiles,
          include: ["test/unit/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...(hasCorpora ? [] : ["**/corpus*.test.ts"])],
        },
      },
      {
        test: {
          name: "tidy",
          maxWorkers,
          include: ["test/tidy/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "contract",
          maxWorkers,
          setupFiles,
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "wire",
          // Real sockets beside other work on the machine: a second try is reported as such.
          retry: 1,
          include: ["test/wire/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "scenarios",
          retry: 1,
          include: ["test/scenarios/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          // Tests of one file that mostly wait: more at a time would only slow one another.
          maxConcurrency: 3,
        },
      },
    ],
  },
});
