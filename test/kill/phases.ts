/** Points at which the hooks end the process, and the file that names the next one. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Each before or behind one step that a crash must not tear: a write, a rename, a commit, a removal. */
const phasePoints = {
  flush: ["writing", "written", "renamed", "listing", "listed"],
  merge: ["writing", "written", "renamed", "listing", "listed", "removing"],
  remake: ["writing", "written", "renamed", "listing", "listed", "putting", "put"],
  archive: ["writing", "written", "renamed", "listing", "listed", "removing", "removed"],
  backup: ["writing", "written", "renamed", "telling", "told", "pruning"],
} as const;

/** Once each, for there is no more to let go then: files of frames, and two months of readings. */
const retentionPoints = [
  ...["retention.listing", "retention.listed", "retention.removing"],
  ...["retiring.writing", "retiring.written", "retiring.renamed"],
  ...["retiring.listing", "retiring.listed", "retiring.removing"],
];

export type Phase = keyof typeof phasePoints | "retention";

export function isPhase(name: string): name is Phase {
  return name === "retention" || Object.hasOwn(phasePoints, name);
}

/** A point of retention, after which there is nothing left to let go: only its process is told to. */
export function isOnce(point: string): boolean {
  return retentionPoints.includes(point);
}

/** A damaged roll-up is made again: somebody must have damaged it before. */
export function isRemake(point: string): boolean {
  return point.startsWith("remake.");
}

/**
 * The points of the phases, one of each phase in turn, so that a short run touches all of them. Those of
 * retention come first, while all of its data are old.
 */
export function pointsOf(phases: readonly Phase[]): readonly string[] {
  const others = phases.filter((phase) => phase !== "retention");
  const first = phases.includes("retention") ? retentionPoints : [];
  const longest = Math.max(0, ...others.map((phase) => phasePoints[phase].length));
  const places = Array.from({ length: longest }, (_none, place) => place);
  const rest = places.flatMap((place) =>
    others.flatMap((phase) => {
      const point = phasePoints[phase][place];
      return point === undefined ? [] : [`${phase}.${point}`];
    }),
  );
  return [...first, ...rest];
}

const hooks = new URL("phaseHooks.ts", import.meta.url).href;

export class PhaseTrap {
  readonly #folder = mkdtempSync(join(tmpdir(), "mercaptan-trap-"));

  get #file(): string {
    return join(this.#folder, "armed");
  }

  /** Environment of a process that is to be ended at a point. */
  get settings(): Readonly<Record<string, string>> {
    return { KILL_TEST_ARM: this.#file, NODE_OPTIONS: `--import=${hooks}` };
  }

  arm(point: string): void {
    writeFileSync(this.#file, point);
  }

  disarm(): void {
    rmSync(this.#file, { force: true });
  }

  /** True when the process that is armed for it has ended itself; false: it did not come there in time. */
  async sprung(withinMs: number): Promise<boolean> {
    const untilMs = Date.now() + withinMs;
    while (existsSync(this.#file) && Date.now() < untilMs) await delay(5);
    const isSprung = !existsSync(this.#file);
    this.disarm();
    return isSprung;
  }

  /** How often a process ended at each point, as it wrote down itself. */
  hits(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    const path = `${this.#file}.hits`;
    const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    for (const line of lines) counts[line] = (counts[line] ?? 0) + 1;
    return counts;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
