/** `npm run bench -- --scenario NAME`: figures as JSON lines. Compare in one run, never across machines. */
import { parseArgs } from "node:util";
import { PlanTooSmallError } from "../loop/loopPlan.ts";
import { runBackup } from "./backup.ts";
import { runBackTestBench } from "./backTest.ts";
import { runClosedLoop } from "./closedLoop.ts";
import { runDecode } from "./decode.ts";
import { runInfluxCatchUp } from "./influxCatchUp.ts";
import { runLeakClose } from "./leakClose.ts";
import { runLeakLatency } from "./leakLatency.ts";
import { runOutage } from "./outage.ts";
import { judged } from "./readingGoals.ts";
import { runReadings } from "./readings.ts";
import { medianReports, type Report } from "./report.ts";
import { runRules } from "./rules.ts";
import { runSleepy } from "./sleepy.ts";
import { runSmartMeter } from "./smartMeter.ts";
import { runStart } from "./start.ts";

const help = `npm run bench -- --scenario NAME [options]

Prints one JSON line per figure on standard output; how far it is, every 5 s, on standard error.

  smart-meter    meters that report one value after the other
                 --connections 1000  --in-flight 1  --rate 0 (uplinks a second; 0: as acknowledged)
                 --vs mosquitto      then the same load against Debian's mosquitto, and the ratio
  sleepy         meters that wake, connect, tell a day (24 hours, 5 freezes), take a command, leave
                 --meters 3000  --concurrency 50  --commands 1 (percent with a close waiting)
  leak-latency   leak in to event on the live feed, paced, and again during a flood of old data
                 --connections 500 (as many again flood)  --rate 5000
                 --history 0 (old values beside the newest of each flooding uplink)
  leak-close     leak in to the order to close at the meter's socket, paced; the clock of the service runs fast, so
                 that the breaker's windows pass and every one of these leaks is closed within its limits
                 --connections 500  --rate 5000  --factor 1000 (leaks every 4.4 s at 1000)
  outage         a network falls silent with all its meters, and some of them come through with a leak: what rings, and
                 how soon the leaks are on top of the list and of the live feed; with what is promised
                 --meters 5000  --leaks 3  --days 3.5 (of the outage; after three each silence would ring)
                 --factor 3600 (how much faster than time the service's clock runs)
  closed-loop    from a leak to the proof that gas has stopped, over a city, faster than time; by protocol and
                 sleep habit, with losses, repetitions, delays and old values
                 --meters 5000  --days 8 (leaks from the second day to the fifth from the end)  --seed 1
  decode         frames to telegrams on one core, a line for each protocol, the median of five rounds;
                 the frames are those of test/cards
  rules          the whole pack of rules over contexts in memory, one core: cost of a reading, weight of a meter;
                 1,000,000 meters need NODE_OPTIONS=--max-old-space-size=6000
                 --meters 100000
  start          the program from its start to the first durable uplink, over a fleet that has lived: after a stop and
                 after a kill -9
                 --meters 100000
  back-test      rule documents tried on stored days, a thread per processor: the factory's rules, other thresholds,
                 and with an expression of one's own
                 --meters 10000  --days 30
  readings       the reading store alone: durable intake, bytes, reads by meter and over the fleet, commits beside
                 the worker, ready after a kill; each line with its goal and whether this load meets it
                 --meters 10000  --days 3  --origin (with receipt times and numbers of the uplinks)
                 --uploads hourly|daily (with origin: one reading an upload, or those of a day)
                 --encrypted (segments under a key; the ledger's batches are as they are)
                 --figures all|intake (intake: the durable intake alone, and nothing after it)
                 --seconds 20 (of each of the two paced measurements)
  backup         backup beside intake, again with what is new, restore to an empty directory, verify: the real
                 commands; the last line is backup and restore against their goal. 100,000 meters of 30 days
                 need 3 GiB in the folder of temporary files
                 --meters 5000  --days 10  --rate 10000 (readings a second meanwhile; 0: none)
  influx         the copy in a time-series server after an outage, against Debian's VictoriaMetrics and InfluxDB 1.6
                 --readings 200000

  --seconds 60   of each measurement, after warming up
  --runs 1       repeats everything and prints medians; of what was lost, the worst
  --json         JSON lines, which is what is printed anyway
  --help         this text
`;

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "" },
    seconds: { type: "string" },
    runs: { type: "string", default: "1" },
    connections: { type: "string" },
    "in-flight": { type: "string", default: "1" },
    rate: { type: "string" },
    vs: { type: "string", default: "" },
    meters: { type: "string" },
    readings: { type: "string", default: "200000" },
    days: { type: "string" },
    seed: { type: "string", default: "1" },
    origin: { type: "boolean", default: false },
    uploads: { type: "string", default: "hourly" },
    encrypted: { type: "boolean", default: false },
    figures: { type: "string", default: "all" },
    concurrency: { type: "string", default: "50" },
    commands: { type: "string", default: "1" },
    factor: { type: "string" },
    leaks: { type: "string", default: "3" },
    history: { type: "string", default: "0" },
    json: { type: "boolean" },
    help: { type: "boolean", default: false },
  },
});

const seconds = Number(values.seconds ?? 60);

const scenarios: Readonly<Record<string, () => Promise<readonly Report[]>>> = {
  "smart-meter": () =>
    runSmartMeter({
      connections: Number(values.connections ?? 1_000),
      inFlight: Number(values["in-flight"]),
      rate: Number(values.rate ?? 0),
      seconds,
      vs: values.vs,
    }),
  sleepy: () =>
    runSleepy({
      meters: Number(values.meters ?? 3_000),
      concurrency: Number(values.concurrency),
      commands: Number(values.commands),
      seconds,
    }),
  decode: () => runDecode({ seconds }),
  "leak-latency": () =>
    runLeakLatency({
      connections: Number(values.connections ?? 500),
      rate: Number(values.rate ?? 5_000),
      history: Number(values.history),
      seconds,
    }),
  "leak-close": () =>
    runLeakClose({
      connections: Number(values.connections ?? 500),
      rate: Number(values.rate ?? 5_000),
      factor: Number(values.factor ?? 1_000),
      seconds,
    }),
  outage: () =>
    runOutage({
      meters: Number(values.meters ?? 5_000),
      leaks: Number(values.leaks),
      days: Number(values.days ?? 3.5),
      factor: Number(values.factor ?? 3_600),
    }),
  "closed-loop": () =>
    runClosedLoop({
      meters: Number(values.meters ?? 5_000),
      days: Number(values.days ?? 8),
      seed: Number(values.seed),
    }),
  influx: () => runInfluxCatchUp({ readings: Number(values.readings) }),
  rules: async () => runRules({ meters: Number(values.meters ?? 100_000), seconds }),
  start: () => runStart({ meters: Number(values.meters ?? 100_000) }),
  "back-test": () =>
    runBackTestBench({
      meters: Number(values.meters ?? 10_000),
      days: Number(values.days ?? 30),
    }),
  backup: () =>
    runBackup({
      meters: Number(values.meters ?? 5_000),
      days: Number(values.days ?? 10),
      rate: Number(values.rate ?? 10_000),
    }),
  readings: () =>
    runReadings({
      figures: values.figures === "intake" ? "intake" : "all",
      meters: Number(values.meters ?? 10_000),
      days: Number(values.days ?? 3),
      withOrigin: values.origin,
      uploads: values.uploads === "daily" ? "daily" : "hourly",
      isEncrypted: values.encrypted,
      seconds: Number(values.seconds ?? 20),
    }),
};

const run = scenarios[values.scenario];
const isKnownYardstick = values.vs === "" || values.vs === "mosquitto";
const areKnownFigures = values.figures === "all" || values.figures === "intake";
if (values.help) {
  process.stdout.write(help);
} else if (run === undefined || !isKnownYardstick) {
  refuse(`no scenario ${values.scenario} ${values.vs}`);
} else if (!areKnownFigures) {
  refuse(`no figures ${values.figures}`);
} else {
  await report(run);
}

async function report(scenario: () => Promise<readonly Report[]>): Promise<void> {
  const runs: (readonly Report[])[] = [];
  try {
    while (runs.length < Number(values.runs)) runs.push(await scenario());
  } catch (cause) {
    if (!(cause instanceof PlanTooSmallError)) throw cause;
    process.stderr.write(`${cause.message}\n`);
    process.exitCode = 2;
    return;
  }
  for (const line of medianReports(runs)) {
    process.stdout.write(`${JSON.stringify(judged(line))}\n`);
  }
}

function refuse(why: string): void {
  process.stderr.write(`${why}\n\n${help}`);
  process.exitCode = 2;
}
