/**
 * One byte of a stored directory is changed at a time, and the real verification and the real answers are asked: it
 * must be found, and no answer may differ from the right one with nothing told.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { frameFolderName } from "#archive/frameList.ts";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { answersFrom, followReadings, frameArchive, openForReading } from "#ledger/queries.ts";
import { verifyLedger } from "#ledger/sums/verifyLedger.ts";
import { dayMs } from "#domain/units.ts";
import type { Disk, DiskFile } from "#ports/disk.ts";
import type { Page } from "#ports/queries.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { segmentFolder } from "#readings/openReadings.ts";
import { loopStartMs, planLeaks } from "../loop/loopPlan.ts";
import { chanceOf, type Chance } from "../support/random.ts";

/** What came of the flips in one kind of file. */
export interface FlipCounts {
  readonly places: number;
  readonly found: number;
  /** Answers differed, and damage was told. */
  readonly told: number;
  /** Answers differed, and nothing was told: must be 0. */
  readonly silent: number;
}

export interface FlipReport {
  readonly files: Readonly<Record<"segments" | "rollUps" | "archive", FlipCounts>>;
  readonly ledger: Readonly<Record<"mainFile" | "log", FlipCounts>>;
  /** What was found in no place, or answered silently, to be tried again. */
  readonly failures: readonly string[];
}

export interface FlipPlan {
  readonly places: number;
  readonly ledgerPlaces: number;
  readonly seed: number;
  readonly meters: number;
  readonly days: number;
}

/** A byte of a file, and what is done to it. */
interface Flip {
  readonly path: string;
  readonly at: number;
  readonly mask: number;
}

const farMs = Date.UTC(2027, 0, 1);
const anyAlarm = { states: null, priorities: null, area: null, meterId: null, historical: null };

type Answer = readonly string[];
type Answers = Readonly<Record<string, Answer | undefined>>;

interface Said {
  readonly answers: Answers;
  /** Names of what was asked; what is missing among the answers failed, aloud. */
  readonly asked: readonly string[];
  readonly isTold: boolean;
}

/** What is answered from files of a kind. */
const names = [
  ...["meters", "registers", "early", "readings"],
  ...["alarms", "commands", "frames", "events"],
] as const;
const fromFiles = {
  segments: ["registers", "early", "readings"],
  rollUps: ["registers", "early", "readings"],
  archive: ["frames"],
} as const;
type FileKind = keyof typeof fromFiles;

const walHeaderBytes = 32;
const frameBytes = 4_096 + 24;
const pageRows = 1_000;
const placesBetweenChecks = 100;
const noPause = () => undefined;

/** Of the city, whose places are another matter. */
const citySeed = 1;

/** A directory that a killed program left. */
export async function makeDirectory(
  directory: string,
  meters: number,
  days: number,
): Promise<void> {
  // What is wrong with the plan is thrown here, not in the child.
  planLeaks({ meters, days, seed: citySeed });
  const child = spawn(
    process.execPath,
    [`${import.meta.dirname}/flipChild.ts`, directory, ...[meters, days, citySeed].map(String)],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new TypeError(`the directory was not made: ${code ?? signal}`);
}

export function runFlips(
  plan: FlipPlan,
  directory: string,
  say: (done: number, of: number) => void,
): FlipReport {
  const chance = chanceOf(plan.seed);
  const world = new FlipWorld(directory);
  const of = plan.places + plan.ledgerPlaces;
  for (let done = 0; done < of; done += 1) {
    if (done < plan.places) world.flipFile(chance);
    else world.flipLedger(chance);
    if ((done + 1) % placesBetweenChecks === 0 || done + 1 === of) world.expectWhole();
    say(done + 1, of);
  }
  return world.report();
}

class FlipWorld {
  readonly #directory: string;
  readonly #ledger: string;
  readonly #right: Answers = {};
  readonly #known: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #files: readonly string[];
  readonly #log: { readonly path: string; readonly bytes: number };
  readonly #counts = new Map<
    string,
    { places: number; found: number; told: number; silent: number }
  >();
  readonly #failures: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
    this.#ledger = join(directory, ledgerFileName);
    const { frames, ok } = verifyLedger(nodeDisk, directory, ledgerFileName, noPause);
    const whole = this.#verifiedFiles("segments", null) && this.#verifiedFiles("archive", null);
    if (ok !== true || !whole || frames === 0) throw new TypeError("not whole before any flip");
    this.#log = { path: `${this.#ledger}-wal`, bytes: walHeaderBytes + frames * frameBytes };
    this.#files = [segmentFolder(directory), join(directory, frameFolderName)].flatMap((folder) =>
      nodeDisk.list(folder).map((name) => join(folder, name)),
    );
    this.#right = this.#answers(names).answers;
    this.#known = new Map(Object.entries(this.#right).map(([name, rows]) => [name, new Set(rows)]));
    for (const [name, rows] of Object.entries(this.#right)) {
      if (rows === undefined || rows.length === 0)
        throw new TypeError(`nothing to compare: ${name}`);
    }
  }

  /** Without a flip everything is whole and answered as at first: what was found is no fault of the test's. */
  expectWhole(): void {
    const { ok } = verifyLedger(nodeDisk, this.#directory, ledgerFileName, noPause);
    const isWhole =
      this.#verifiedFiles("segments", null) && this.#verifiedFiles("archive", null) && ok === true;
    const said = this.#answers(names);
    if (!isWhole || said.isTold || this.#differs(said)) throw new TypeError("not whole any more");
  }

  #differs({ asked, answers }: Said): boolean {
    return asked.some((name) => {
      const rows = this.#right[name] ?? [];
      const got = answers[name] ?? [];
      return got.length !== rows.length || got.some((row, place) => row !== rows[place]);
    });
  }

  /** Of segments, roll-ups and the archive: nothing on the disk is changed, only what is read of it. */
  flipFile(chance: Chance): void {
    const path = chance.any(this.#files) ?? "";
    const flip = { path, at: chance.whole(0, statSync(path).size - 1), mask: maskBy(chance) };
    const kind = kindOf(path);
    const isFound = !this.#verifiedFiles(kind, flip);
    this.#judge(kind, flip, isFound, this.#answers(fromFiles[kind], flip));
  }

  flipLedger(chance: Chance): void {
    const isLog = chance.once(4);
    const path = isLog ? this.#log.path : this.#ledger;
    const size = isLog ? this.#log.bytes : statSync(path).size;
    const flip = { path, at: chance.whole(0, size - 1), mask: maskBy(chance) };
    flipOnDisk(flip);
    try {
      const { ok } = verifyLedger(nodeDisk, this.#directory, ledgerFileName, noPause);
      // Told by the verification, by the keeper's walk and at a start: answers are compared for the count.
      const said = { ...this.#answers(names), isTold: ok === false };
      this.#judge(isLog ? "log" : "mainFile", flip, ok === false, said);
    } finally {
      flipOnDisk(flip);
      rmSync(`${this.#ledger}-shm`, { force: true });
    }
  }

  #judge(kind: string, { path, at, mask }: Flip, isFound: boolean, said: Said): void {
    const counts = this.#counts.get(kind) ?? { places: 0, found: 0, told: 0, silent: 0 };
    this.#counts.set(kind, counts);
    counts.places += 1;
    if (isFound) counts.found += 1;
    const { answers, isTold } = said;
    const differs = this.#differs(said);
    if (differs && isTold) counts.told += 1;
    const isFalse = kind !== "log" && kind !== "mainFile" && this.#saysNewThings(answers);
    if ((differs && !isTold) || isFalse) counts.silent += 1;
    if (isFound && !(differs && !isTold) && !isFalse) return;
    this.#failures.push(`${path} byte ${at} by ${mask}${isFound ? "" : ", not found"}`);
  }

  /** Damage may take answers away; what is left was there before. Registers may be older ones, which is told. */
  #saysNewThings(answers: Answers): boolean {
    return ["readings", "frames"].some((name) =>
      (answers[name] ?? []).some((row) => this.#known.get(name)?.has(row) !== true),
    );
  }

  #verifiedFiles(kind: FileKind, flip: Flip | null): boolean {
    const db = openForReading(this.#directory);
    const files = new FlippedDisk(flip);
    const store =
      kind === "archive" ? frameArchive(db, files.disk) : followReadings(db, files.disk);
    try {
      return store.verify().ok;
    } finally {
      store.close();
      files.close();
      db.close();
    }
  }

  /** Every register, reading, frame, alarm, order and event, as the API's answers have them. */
  #answers(asked: readonly string[], flip: Flip | null = null): Said {
    const answers: Record<string, Answer | undefined> = {};
    const files = new FlippedDisk(flip);
    let isTold = false;
    let db: DatabaseSync | undefined;
    try {
      // Where the schema's own text is changed it cannot be opened at all.
      db = openForReading(this.#directory);
      const ask = answersFrom(db, files.disk);
      const parts: Record<string, () => readonly unknown[]> = {
        meters: () => pagesOf((after) => ask.meters(after, pageRows, null)),
        registers: () => pagesOf((after) => ask.registersAt(farMs, null, after, pageRows)),
        early: () =>
          pagesOf((after) => ask.registersAt(loopStartMs + 3 * dayMs, null, after, pageRows)),
        readings: () => pagesOf((after) => ask.readingsOfAll(0, farMs, null, after, pageRows)),
        alarms: () => pagesOf((after) => ask.alarms(anyAlarm, after, pageRows)),
        commands: () => pagesOf((after) => ask.commands(null, null, after, pageRows)),
        frames: () => follow((after) => ask.uplinks(after, pageRows)),
        events: () => follow((after) => ask.events(after, pageRows)),
      };
      for (const name of asked) {
        try {
          answers[name] = parts[name]?.().map((row) => JSON.stringify(row, plainly));
        } catch {
          // No answer is no wrong answer.
          isTold = true;
        }
      }
      isTold ||= ask.readingDamage().length > 0;
    } catch {
      isTold = true;
    } finally {
      files.close();
      db?.close();
    }
    return { answers, asked, isTold };
  }

  report(): FlipReport {
    const of = (kind: string) =>
      this.#counts.get(kind) ?? { places: 0, found: 0, told: 0, silent: 0 };
    return {
      files: { segments: of("segments"), rollUps: of("rollUps"), archive: of("archive") },
      ledger: { mainFile: of("mainFile"), log: of("log") },
      failures: this.#failures,
    };
  }
}

function kindOf(path: string): FileKind {
  if (path.endsWith(".rollup")) return "rollUps";
  return path.includes(`/${frameFolderName}/`) ? "archive" : "segments";
}

/** One bit, or any byte for another. */
function maskBy(chance: Chance): number {
  return chance.once(2) ? 1 << chance.whole(0, 7) : chance.whole(1, 255);
}

/** The real disk with one changed byte, and what was opened on it, for queries leave their files open. */
class FlippedDisk {
  readonly #open = new Set<DiskFile>();
  readonly disk: Disk;

  constructor(flip: Flip | null) {
    this.disk = {
      ...nodeDisk,
      open: (path) => {
        const file = nodeDisk.open(path);
        this.#open.add(file);
        return {
          ...file,
          read(into, atByte) {
            const count = file.read(into, atByte);
            const place = path === flip?.path ? flip.at - atByte : -1;
            if (place >= 0 && place < count) into[place] = (into[place] ?? 0) ^ (flip?.mask ?? 0);
            return count;
          },
          close: () => {
            if (this.#open.delete(file)) file.close();
          },
        };
      },
    };
  }

  close(): void {
    for (const file of this.#open) file.close();
    this.#open.clear();
  }
}

/** Twice is as before. */
function flipOnDisk({ path, at, mask }: Flip): void {
  const file = openSync(path, "r+");
  const byte = new Uint8Array(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ mask;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}

function pagesOf<Item>(page: (cursor: string | null) => Page<Item>): readonly Item[] {
  const items: Item[] = [];
  for (let cursor: string | null = null; ;) {
    const { items: more, next }: Page<Item> = page(cursor);
    items.push(...more);
    if (next === null) return items;
    cursor = next;
  }
}

function follow<Item extends { readonly seq: number }>(
  after: (seq: number) => readonly Item[],
): readonly Item[] {
  const items: Item[] = [];
  for (;;) {
    const more = after(items.at(-1)?.seq ?? 0);
    if (more.length === 0) return items;
    items.push(...more);
  }
}

function plainly(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
