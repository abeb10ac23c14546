/** A line on standard error now and then, so that a long run is seen to be alive. */
import { performance } from "node:perf_hooks";

const everyMs = 5_000;

/** Says how far the count is and how fast it grows, until it is stopped. */
export function startProgress(label: string, unit: string, count: () => number): () => void {
  const startedMs = performance.now();
  let before = count();
  const timer = setInterval(() => {
    const now = count();
    const perSecond = Math.round(((now - before) * 1_000) / everyMs);
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    process.stderr.write(`${label}: ${seconds} s, ${now} ${unit}, ${perSecond}/s\n`);
    before = now;
  }, everyMs);
  return () => clearInterval(timer);
}
