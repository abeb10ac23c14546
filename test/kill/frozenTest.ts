/** `npm run frozen-test`: meters and followers that stop reading under load, and what it does to the others. */
import { parseArgs } from "node:util";
import { frozenFaults } from "./frozenFaults.ts";
import { runFrozen } from "./frozenRun.ts";

const help = `npm run frozen-test -- [options]

  --seconds 120   how long two followers of the live feed and two meters do not read
  --meters 300    meters that report meanwhile
  --rate 3000     uplinks a second of all of them
  --json          one JSON object at the end, progress on standard error
`;

/** The kernel takes megabytes of answers to the talking meter before the service can feel it. */
const chattyCutAfterSeconds = 110;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "120" },
    meters: { type: "string", default: "300" },
    rate: { type: "string", default: "3000" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(help);
} else {
  const progress = values.json ? process.stderr : process.stdout;
  const seconds = Number(values.seconds);
  const report = await runFrozen({
    meters: Number(values.meters),
    rate: Number(values.rate),
    seconds,
    say: (line) => progress.write(`${line}\n`),
  });
  const faults = frozenFaults(report, { mustCutChatty: seconds > chattyCutAfterSeconds });
  const { before, meanwhile, ...figures } = report;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ok: faults.length === 0, ...report, faults })}\n`);
  } else {
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    for (const fault of faults) process.stdout.write(`  ${fault}\n`);
    process.stdout.write(
      `${faults.length === 0 ? "unaffected" : "AFFECTED"}: ` +
        `PUBACK p99 ${before.pubackMs.p99} → ${meanwhile.pubackMs.p99} ms, ` +
        `leak to live p99 ${before.leakToLiveMs.p99} → ${meanwhile.leakToLiveMs.p99} ms, ` +
        `order to meter p99 ${before.orderToMeterMs.p99} → ${meanwhile.orderToMeterMs.p99} ms, ` +
        `${before.uplinksPerSecond} → ${meanwhile.uplinksPerSecond} uplinks/s, ` +
        `RSS ${before.rssMb} → ${meanwhile.rssMb} MB (peak ${report.rssPeakMb})\n`,
    );
  }
  process.exitCode = faults.length === 0 ? 0 : 1;
}
