/** `npm run fuzz -- --decoder all|NAME --count N --seed S`: random, changed and generated frames for each decoder. */
import { parseArgs } from "node:util";
import { startProgress } from "../bench/progress.ts";
import { minimised, writeCard } from "./cards.ts";
import { runFuzz, type FuzzReport } from "./run.ts";
import { targets, type FuzzTarget } from "./targets.ts";

const help = `npm run fuzz -- [options]

Gives each decoder random bytes, frames of test/cards that were changed, cut or joined, and generated frames whose
lengths, checksums and ciphers are right around anything. Everything follows from the seed.

  --decoder all      or one of ${targets.map(({ name }) => name).join(", ")}
  --count 1000000    inputs for each decoder
  --seed 1           the same seed gives the same inputs
  --out DIR          where failing inputs are written as cards; default test/cards/found
  --json             one JSON line for each decoder
  --help             this text

A failure is a throw, an input that takes more than 50 ms of the processor each of four times, an explanation that differs from
the decoding, a number that is none, or a changed Object.prototype. Ends with 1 when there is one.
`;

/** No uplink may hold the engine longer. */
const limitMicros = 50_000;
const shownBytesMax = 64;

const { values } = parseArgs({
  options: {
    decoder: { type: "string", default: "all" },
    count: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: "test/cards/found" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const asked = targets.filter(({ name }) => values.decoder === "all" || values.decoder === name);
const [count, seed] = [Number(values.count), Number(values.seed)];
const isUsable = [count, seed].every((number) => Number.isSafeInteger(number) && number >= 0);
if (values.help) {
  process.stdout.write(help);
} else if (asked.length === 0 || !isUsable) {
  process.stderr.write(`no decoder ${values.decoder}, or no such count or seed\n\n${help}`);
  process.exitCode = 2;
} else {
  const failures = asked.map((target) => fuzz(target));
  process.exitCode = failures.every((number) => number === 0) ? 0 : 1;
}

/** One decoder; how many failures there were. */
function fuzz(target: FuzzTarget): number {
  let done = 0;
  const stopProgress = startProgress(target.name, "inputs", () => done);
  const onProgress = (now: number) => (done = now);
  const report = runFuzz(target, { count, seed, limitMicros, onProgress });
  stopProgress();
  const cards = report.failures.map((failure) =>
    writeCard(values.out, target.name, failure, minimised(target, failure)),
  );
  const paths = [...new Set(cards)];
  const text = values.json ? JSON.stringify(plain(report, paths)) : line(report, paths);
  process.stdout.write(`${text}\n`);
  return report.failures.length;
}

function plain(
  { slowest, heapGrowthBytes, failures, ...rest }: FuzzReport,
  cards: readonly string[],
) {
  const hex = Buffer.from(slowest?.input.bytes ?? []).toString("hex");
  return {
    ...rest,
    slowestMicros: Math.round(slowest?.micros ?? 0),
    slowestHex: hex,
    heapGrowthMiB: Number((heapGrowthBytes / 2 ** 20).toFixed(2)),
    isPrototypeUnchanged: failures.every(({ kind }) => kind !== "polluted"),
    failures: failures.map(({ kind, what }) => `${kind}: ${what}`),
    cards,
  };
}

function line(report: FuzzReport, cards: readonly string[]): string {
  const { decoder, perSecond, answers, slowestMicros, slowestHex, heapGrowthMiB, failures } = {
    ...plain(report, cards),
  };
  const told = Object.entries(answers).map(([answer, times]) => `${answer} ${times}`);
  const hex = slowestHex.slice(0, 2 * shownBytesMax) + (slowestHex.length > 128 ? "…" : "");
  return [
    `${decoder}: ${report.count} inputs, ${perSecond}/s, ${failures.length} failures, ` +
      `heap +${heapGrowthMiB} MiB, slowest ${slowestMicros} µs`,
    `  ${told.join(", ")}`,
    `  slowest input ${hex}`,
    ...failures.slice(0, 10).map((failure) => `  FAILED ${failure}`),
    ...cards.map((card) => `  card ${card}`),
  ].join("\n");
}
