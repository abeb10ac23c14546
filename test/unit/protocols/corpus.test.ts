/**
 * Frames with known answers, where a directory of them is at hand: MERCAPTAN_CORPORA. They measure; the cards are
 * what this repository stands on. `npm run corpus` prints the same score.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { kindNames } from "../../corpus/kinds.ts";
import { summaryOf } from "../../corpus/print.ts";
import { scoreFile } from "../../corpus/score.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const directory = path.resolve(root, process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora");

describe.each(kindNames)("frames with known answers: %s", (kind) => {
  const file = path.join(directory, `${kind}.jsonl`);
  if (!existsSync(file)) console.warn(`SKIPPED: no frames with known answers at ${file}`);

  test.skipIf(!existsSync(file))(
    "every value as it must be, or counted apart with its reason",
    () => {
      const score = scoreFile(file, kind);
      console.info(`CORPUS ${kind}: ${summaryOf(score)}`);
      expect(score.different).toEqual([]);
      expect(score.malformed).toEqual([]);
      const { encoded, keyed } = score;
      expect(encoded.equal).toBe(encoded.of);
      expect([keyed.opened, keyed.refusedUnderAnother]).toEqual([keyed.of, keyed.of]);
      // Nothing hides behind what is counted apart.
      const judged = score.equal + score.refusedRightly;
      expect(judged).toBeGreaterThanOrEqual((score.rows - score.notApplicable.length) * 0.8);
    },
  );
});
