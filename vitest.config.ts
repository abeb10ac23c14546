import { configDefaults, defineConfig } from "vitest/config";

/** Collections of frames with known answers that may not be passed on: scored where somebody has them. */
const hasCorpora = process.env["MERCAPTAN_CORPORA"] !== undefined;
if (!hasCorpora) console.warn("no score on collections of frames: MERCAPTAN_CORPORA names none");

/** Fast and pure first; `wire` uses real sockets and processes, so its files run one after another. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...(hasCorpora ? [] : ["**/corpus.test.ts"])],
        },
      },
      { test: { name: "tidy", include: ["test/tidy/**/*.test.ts"], testTimeout: 60_000 } },
      { test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 30_000 } },
      {
        test: {
          name: "wire",
          include: ["test/wire/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "scenarios",
          include: ["test/scenarios/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
