/** Tries to open valves, as often as asked, and looks at everything that leaves for a meter. */
import { loadConfig } from "#config/loadConfig.ts";
import { ConfigError } from "#config/configError.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { startApiRig, type ApiRig } from "../support/apiRig.ts";
import { chanceOf } from "../support/random.ts";
import { attemptOf, type Aims, type Attempt } from "./attempts.ts";

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
/**
 * So many attempts are aimed at the same meters, then at others. No gate stands before this engine, and a meter that
 * reports every few milliseconds, some of it an hour late, has its whole hour folded again for each late report.
 */
const attemptsPerRound = 500;
const metersPerRound = 3;
const progressEvery = 5_000;
const roundNos = Array.from({ length: metersPerRound }, (_, place) => place + 1);

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
    const rounds = Math.ceil(attempts / attemptsPerRound);
    for (let no = 1; no <= rounds * metersPerRound; no += 1) {
      const body = { id: `M${no}`, size: "G4", protocol: "json" };
      await rig.json("POST", "/v1/meters", { body });
    }
    for (let n = 0; n < attempts; n += 1) {
      // Shut now and then, or no permission would ever get as far as waiting.
      const meterNos = meterNosAt(n);
      if (n % 25 === 0) shutAll(rig, meterNos);
      if (n % 20 === 0) commandIds = await newestIds(rig);
      if (n > 0 && n % progressEvery === 0) process.stderr.write(`${n} of ${attempts} tried\n`);
      const meterIds = meterNos.map((no) => `M${no}`) as unknown as Aims["meterIds"];
      const attempt = attemptOf(chance, { meterIds, commandIds });
      byWay[attempt.via] = (byWay[attempt.via] ?? 0) + 1;
      await carryOut(rig, attempt, frames, chance.pick(meterNos as [number]));
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

/** The meters that the attempts are aimed at by then. */
function meterNosAt(attempt: number): readonly number[] {
  const before = Math.floor(attempt / attemptsPerRound) * metersPerRound;
  return roundNos.map((no) => before + no);
}

function shutAll(rig: ApiRig, meterNos: readonly number[]): void {
  for (const no of meterNos) {
    rig.uplink(no, {
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
