/** A panel that asks for a metric which nobody counts stays empty for ever, and looks like all is well. */
import { expect, test } from "vitest";
import { allFiles, textOf } from "./repository.ts";
import { tokensOf } from "./tokens.ts";

const boards = allFiles.filter((file) => /^grafana\/.*\.(json|ts|ya?ml)$/.test(file));
const texts = tokensOf(textOf("src/observability/metrics.ts"))
  .filter(({ kind }) => kind === "text")
  .map(({ text }) => text);
const known = new Set(texts.filter((text) => /^mercaptan_[a-z_]+$/.test(text)));

/** Metrics that a dashboard names and the code does not have. */
function unknownMetrics(board: string): readonly string[] {
  const named = new Set(board.match(/\bmercaptan_[a-z_]+/g));
  return [...named].filter((name) => {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    return !known.has(name) && !known.has(base);
  });
}

test("the code names its metrics", () => {
  expect(known.size).toBeGreaterThan(10);
});

test.each(boards)("%s asks only for metrics that exist", (file) => {
  expect(unknownMetrics(textOf(file))).toEqual([]);
});

test("a metric that does not exist is seen", () => {
  const board = "rate(mercaptan_commit_seconds_bucket[5m]) / mercaptan_mistakes_total";
  expect(unknownMetrics(board)).toEqual(["mercaptan_mistakes_total"]);
});
