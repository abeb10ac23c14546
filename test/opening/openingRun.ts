/** Tries to open valves, as often as asked, and looks at everything that leaves for a meter. */
import { loadConfig } from "#config/loadConfig.ts";
import { ConfigError } from "#config/configError.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";
import { chanceOf } from "../support/random.ts";
import { attemptOf, meterIds, type Attempt } from "./attempts.ts";

export interface OpeningReport {
  readonly attempts: number;
  readonly byWay: Readonly<Record<string, number>>;
  /** Orders that left, by action. */
  readonly left: Readonly<Record<string, number>>;
  /** What left that is not to close, set a clock or read a history. */
  readonly passes: number;
  /** Permissions that were written down, and every one of them still waits, was refused or has ended. */
  readonly permits: number;
}

const harmless = ["close", "set_clock", "read_history"];
const framesKept = 500;

/** Runs so many attempts by single persons; nobody ever gets a second one's yes. */
export async function runOpenings(attempts: number, seed: number): Promise<OpeningReport> {
  const rate = Number.MAX_SAFE_INTEGER;
  const limits = { requestsPerWindowAndKey: rate, requestsPerWindowAndAddress: rate };
  const rig = await startApiRig({ limits });
  try {
    const chance = chanceOf(seed);
    const byWay: Record<string, number> = {};
    const left: Record<string, number> = {};
    const frames: Uint8Array<ArrayBuffer>[] = [];
    let commandIds: readonly string[] = [];
    for (const id of meterIds) {
      await rig.json("POST", "/v1/meters", { body: { id, size: "G4", protocol: "json" } });
    }
    for (let n = 0; n < attempts; n += 1) {
      // Shut now and then, or no permission would ever get as far as waiting.
      if (n % 25 === 0) shutAll(rig);
      if (n % 20 === 0) commandIds = await newestIds(rig);
      const attempt = attemptOf(chance, commandIds);
      byWay[attempt.via] = (byWay[attempt.via] ?? 0) + 1;
      await carryOut(rig, attempt, frames, chance.whole(1, meterIds.length));
      for (const { bytes } of rig.downlinks.splice(0)) {
        const read = decodeJsonCommand(bytes);
        const action = read.ok ? read.value.action : "damaged";
        left[action] = (left[action] ?? 0) + 1;
        frames.push(new Uint8Array(bytes));
      }
      if (frames.length > framesKept) frames.splice(0, frames.length - framesKept);
    }
    const passes = Object.entries(left)
      .filter(([action]) => !harmless.includes(action))
      .reduce((sum, [, count]) => sum + count, 0);
    return { attempts, byWay, left, passes, permits: await countPermits(rig) };
  } finally {
    await rig.close();
  }
}

function shutAll(rig: ApiRig): void {
  for (const [place] of meterIds.entries()) {
    rig.uplink(place + 1, {
      measuredAt: Date.now(),
      volumeM3: "100.000",
      valve: "closed",
      status: [],
    });
  }
}

async function newestIds(rig: ApiRig): Promise<readonly string[]> {
  const { items } = await rig.queries.commands(null, null, null, 20);
  return items.map(({ command }) => command.id);
}

async function countPermits(rig: ApiRig): Promise<number> {
  let permits = 0;
  let cursor: string | null = null;
  do {
    const page = await rig.queries.commands(null, null, cursor, 500);
    permits += page.items.filter(({ command }) => command.action === "permit_opening").length;
    cursor = page.next;
  } while (cursor !== null);
  return permits;
}

async function carryOut(
  rig: ApiRig,
  attempt: Attempt,
  frames: Uint8Array<ArrayBuffer>[],
  meterNo: number,
): Promise<void> {
  switch (attempt.via) {
    case "api":
    case "import": {
      const { method, path, role, body } = attempt;
      const headers = { "if-match": "*" };
      const answer = await rig.call(method, path, { role, body, headers });
      await answer.arrayBuffer();
      return;
    }
    case "rules": {
      const bytes = new Uint8Array(Buffer.from(JSON.stringify({ v: 1, ...attempt.uplink })));
      frames.push(bytes);
      rig.frame(meterNo, bytes);
      return;
    }
    case "replay": {
      const frame = frames[attempt.place % Math.max(1, frames.length)];
      if (frame === undefined) return;
      const bytes = frame.slice();
      if (attempt.at >= 0 && attempt.at < bytes.length) bytes[attempt.at] = attempt.byte;
      rig.frame(meterNo, bytes);
      return;
    }
    case "configuration":
      tryConfiguration(attempt.yaml);
  }
}

/** A setting that does not exist is refused; what exists has no word for opening. */
function tryConfiguration(yaml: string): void {
  try {
    loadConfig({ env: {}, flags: { config: "x.yaml" }, readFile: () => yaml });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
}
