/** `npm run blindness-test`: ways in which the system may not see, at the real program; a JSON line for each sign. */
import { parseArgs } from "node:util";
import { faults, type Fault } from "./faults.ts";

const help = `npm run blindness-test -- [options]

  --only TEXT    faults whose name has this text; all of them take twelve minutes, for arrivals must be usual first

Ends with 1 when a sign took more than 30 s, did not come, or could not be tried on this machine (root, prlimit, mount).
`;

const withinMs = 30_000;
const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, help: { type: "boolean", default: false } },
});

async function show({ name, run }: Fault): Promise<boolean> {
  try {
    const sights = await run();
    if (sights === null) throw new TypeError("this machine does not allow it");
    for (const { sign, afterMs } of sights) {
      const line = { fault: name, sign, afterMs, ok: afterMs <= withinMs };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
    return sights.every(({ afterMs }) => afterMs <= withinMs);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stdout.write(`${JSON.stringify({ fault: name, ok: false, reason })}\n`);
    return false;
  }
}

if (values.help) process.stdout.write(help);
else {
  const chosen = faults.filter(({ name }) => name.includes(values.only));
  // The longest is last in the list and begins at once: it mostly waits.
  const [longest] = chosen.slice(-1);
  const kept = [longest === undefined ? Promise.resolve(true) : show(longest)];
  for (const fault of chosen.slice(0, -1)) kept.push(Promise.resolve(await show(fault)));
  const results = await Promise.all(kept);
  process.exitCode = results.every(Boolean) && chosen.length > 0 ? 0 : 1;
}
