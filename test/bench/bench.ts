/** `npm run bench -- --scenario NAME`: figures as one JSON line a run. Compare in one run, never across machines. */
import { parseArgs } from "node:util";
import { runSmartMeter } from "./smartMeter.ts";

const help = `npm run bench -- --scenario NAME [options]

  smart-meter   meters that report one after the other; uplinks a second, latencies, CPU, memory
                --connections 1000  --in-flight 1  --seconds 60  --rate 0 (0: as fast as acknowledged)
                --vs mosquitto      the same generator against Debian's mosquitto, and the ratio
`;

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "" },
    connections: { type: "string", default: "1000" },
    "in-flight": { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    rate: { type: "string", default: "0" },
    vs: { type: "string", default: "" },
    help: { type: "boolean", default: false },
  },
});

const options = {
  connections: Number(values.connections),
  inFlight: Number(values["in-flight"]),
  seconds: Number(values.seconds),
  rate: Number(values.rate),
};

if (values.help || values.scenario === "") {
  process.stdout.write(help);
} else if (values.scenario === "smart-meter") {
  process.stdout.write(`${JSON.stringify(await runSmartMeter(options))}\n`);
} else {
  process.stderr.write(`no scenario ${values.scenario}\n${help}`);
  process.exitCode = 2;
}
