/** `npm run disk-test`: a small disk that fills up under load, again and again. Needs the right to mount a tmpfs. */
import { parseArgs } from "node:util";
import { smallDisk } from "../support/smallDisk.ts";
import { runDisk } from "./diskRun.ts";

const help = `npm run disk-test -- [options]

  --rounds 20     times that the disk fills up: slowly to the edge, and at once, in turn
  --rate 300      reports a second of all meters together
  --seed N        the ports; the default is another one each time
  --json          one JSON object at the end, progress on standard error
`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    rate: { type: "string", default: "300" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const progress = values.json ? process.stderr : process.stdout;
const diskMib = 256;

async function main(): Promise<void> {
  const disk = smallDisk(diskMib);
  if (disk === null) {
    process.exitCode = 1;
    return;
  }
  const rounds = Number(values.rounds);
  try {
    const report = await runDisk(disk, {
      rounds,
      meters: 2 * rounds + 40,
      rate: Number(values.rate),
      seed: Number(values.seed ?? Date.now() % 86_400),
      say: (line) => progress.write(`${line}\n`),
    });
    const { violations, lost, storedTwice, alarmMs } = report;
    const ok = violations.length === 0;
    for (const violation of violations.slice(0, 10)) progress.write(`  ${violation}\n`);
    const slowest = Math.max(...alarmMs);
    const line =
      `${ok ? "kept" : "BROKEN"}: ${rounds} rounds, ${lost} lost, ${storedTwice} stored twice, ` +
      `slowest leak ${slowest} ms`;
    const json = JSON.stringify({ ok, rounds, ...report });
    process.stdout.write(`${values.json ? json : line}\n`);
    process.exitCode = ok ? 0 : 1;
  } finally {
    disk.remove();
  }
}

if (values.help) process.stdout.write(help);
else await main();
