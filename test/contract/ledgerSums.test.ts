/** The sums of the ledger's pages: nothing that the program does breaks them, and no damage goes unnoticed. */
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LedgerError } from "#ledger/ledgerError.ts";
import { LedgerFile, unwatched } from "#ledger/sums/ledgerFile.ts";
import { LedgerKeeper } from "#ledger/sums/ledgerKeeper.ts";
import { verifyLedger } from "#ledger/sums/verifyLedger.ts";
import type { Disk, DiskFile } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { expect, onTestFinished, test } from "vitest";
import { chanceOf } from "../support/random.ts";
import { temporaryDirectory } from "../support/ledgerFiles.ts";
import { failingDisk } from "../support/readingRows.ts";

const name = "ledger.sqlite";
const pageBytes = 4_096;
const frameBytes = pageBytes + 24;
const verdict = (directory: string) => verifyLedger(nodeDisk, directory, name, () => undefined);

/** A ledger's file with one table, and what is in it as far as it was committed. */
class Rig {
  directory = temporaryDirectory();
  damage: DamagedPlace[] = [];
  file: LedgerFile;
  rows = new Map<number, number>();

  constructor() {
    this.file = this.#open(nodeDisk);
    this.file.db.exec("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, size INT, v BLOB)");
    onTestFinished(() => this.file.abandon());
  }

  get path(): string {
    return join(this.directory, name);
  }

  #open(disk: Disk): LedgerFile {
    const onDamage = (places: readonly DamagedPlace[]) => this.damage.push(...places);
    return new LedgerFile(this.path, { ...unwatched, onDamage }, disk);
  }

  commit(ids: readonly number[], size: number): void {
    const { db } = this.file;
    db.exec("BEGIN IMMEDIATE");
    const put = db.prepare("INSERT OR REPLACE INTO t VALUES (?, ?, randomblob(?))");
    for (const id of ids) put.run(id, size, size);
    db.exec("COMMIT");
    for (const id of ids) this.rows.set(id, size);
    this.file.committed();
  }

  remove(below: number): void {
    this.file.db.prepare("DELETE FROM t WHERE id < ?").run(below);
    for (const id of [...this.rows.keys()]) if (id < below) this.rows.delete(id);
  }

  reopen(disk: Disk = nodeDisk): void {
    this.file.close();
    this.file = this.#open(disk);
  }

  /** The directory as kill -9 would leave it at this moment. */
  killed(): string {
    const directory = temporaryDirectory();
    cpSync(this.directory, directory, { recursive: true });
    rmSync(join(directory, `${name}-shm`), { force: true });
    return directory;
  }

  /** Goes on in what a kill left. */
  kill(disk: Disk = nodeDisk): void {
    const directory = this.killed();
    this.file.abandon();
    this.directory = directory;
    this.file = this.#open(disk);
  }

  expectWhole(): void {
    expect(verdict(this.directory)).toMatchObject({ ok: true, damage: [] });
    expect(this.damage).toEqual([]);
    const stored = this.file.db.prepare("SELECT id, length(v) AS size FROM t ORDER BY id").all();
    const rows = [...this.rows].sort(([one], [other]) => one - other);
    expect(stored.map(({ id, size }) => [id, size])).toEqual(rows);
  }
}

const someIds = (chance: ReturnType<typeof chanceOf>): number[] =>
  Array.from({ length: chance.whole(1, 40) }, () => chance.whole(1, 400));

test("commits, checkpoints, readers that hold back, kills and failing disks in any order leave it whole", () => {
  for (let seed = 1; seed <= 3; seed += 1) {
    const chance = chanceOf(seed);
    const rig = new Rig();
    let reader: DatabaseSync | undefined;
    const release = (): void => {
      reader?.close();
      reader = undefined;
    };
    let keeper: LedgerKeeper | undefined;
    const withdraw = (): void => {
      keeper?.close();
      keeper = undefined;
      rig.file.takeBack();
    };
    const acts: Readonly<Record<string, () => void>> = {
      few: () => rig.commit(someIds(chance), 100),
      many: () => rig.commit(someIds(chance), chance.whole(1, 30_000)),
      remove: () => rig.remove(chance.whole(1, 200)),
      vacuum: () => rig.file.db.exec("VACUUM"),
      close: () => {
        withdraw();
        rig.reopen();
      },
      kill: () => {
        release();
        rig.kill();
        keeper?.close();
        keeper = undefined;
      },
      read: () => {
        release();
        reader = new DatabaseSync(rig.path, { readOnly: true });
        reader.exec("BEGIN");
        reader.prepare("SELECT count(*) FROM t").get();
      },
      release,
      hand: () => {
        if (keeper !== undefined) return;
        const onDamage = (places: readonly DamagedPlace[]) => rig.damage.push(...places);
        keeper = new LedgerKeeper({ ...rig.file.handOver(), onDamage });
      },
      look: () => keeper?.look(chance.whole(0, 10) * 100_000_000),
      withdraw,
    };
    const names = Object.keys(acts);
    const done: string[] = [];
    try {
      for (let step = 0; step < 60; step += 1) {
        const act = chance.any(names) ?? "few";
        done.push(act);
        acts[act]?.();
        rig.expectWhole();
      }
    } catch (cause) {
      throw new Error(`seed ${seed}: ${done.join(" ")}`, { cause });
    }
    release();
    keeper?.close();
    rig.file.abandon();
  }
}, 240_000);

test("a disk that fails at any write of the sums, and a kill then, leave it whole", () => {
  let failed = 0;
  for (let failAt = 1; failAt <= 14; failAt += 1) {
    const rig = new Rig();
    rig.commit([1, 2, 3], 9_000);
    rig.reopen();
    rig.commit([2, 4], 9_000);
    const { disk } = failingDisk(nodeDisk, failAt);
    try {
      rig.kill(disk);
      rig.commit([1, 5, 6], 20_000);
      rig.file.close();
    } catch {
      failed += 1;
    }
    expect(verdict(rig.directory)).toMatchObject({ ok: true, damage: [] });
    const again = new LedgerFile(rig.path, {
      ...unwatched,
      onDamage: (it) => rig.damage.push(...it),
    });
    rig.file = again;
    rig.expectWhole();
    again.close();
    expect(verdict(rig.directory)).toMatchObject({ ok: true, damage: [] });
  }
  expect(failed).toBeGreaterThan(8);
}, 240_000);

test("what is committed while a checkpoint runs has its sums, and so has what was there before", () => {
  const rig = new Rig();
  const all = Array.from({ length: 40 }, (_none, place) => place + 1);
  rig.commit(all, 5_000);
  let between: (() => void) | undefined;
  const create = (path: string): DiskFile => {
    const file = nodeDisk.create(path);
    const sync = (): void => {
      const act = between;
      between = undefined;
      act?.();
      file.sync();
    };
    return { ...file, sync };
  };
  rig.reopen({ ...nodeDisk, create });
  // Pages that have sums are written again, so that former sums would not fit.
  rig.commit(all.slice(0, 20), 5_000);
  between = () => rig.commit(all.slice(20, 30), 5_000);
  rig.reopen();
  expect(between).toBeUndefined();
  rig.expectWhole();
}, 60_000);

/** Some pages settled and in no log, some settled and still in the log, some only in the log. */
function killedInMidst(): string {
  const rig = new Rig();
  for (let id = 1; id <= 40; id += 1) rig.commit([id], 5_000);
  rig.reopen();
  for (let id = 20; id <= 30; id += 1) rig.commit([id], 5_000);
  const reader = new DatabaseSync(rig.path, { readOnly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM t").get();
  rig.commit([31], 5_000);
  const keeper = new LedgerKeeper({ ...rig.file.handOver(), onDamage: () => undefined });
  keeper.look(0);
  rig.commit([25, 50, 51], 5_000);
  // Nothing is due so soon: it only notes what is durable.
  keeper.look(1);
  const directory = rig.killed();
  reader.close();
  keeper.close();
  rig.file.abandon();
  return directory;
}

function flip(path: string, at: number, bit: number, act: () => void): void {
  const bytes = readFileSync(path);
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  writeFileSync(path, changed);
  act();
  writeFileSync(path, bytes);
}

test("a flipped bit in any page of the main file is found, and the page is named", () => {
  const directory = killedInMidst();
  const path = join(directory, name);
  const { pages, ok } = verdict(directory);
  expect(ok).toBe(true);
  expect(pages).toBeGreaterThan(50);
  const onMedium = readFileSync(path).length / pageBytes;
  const chance = chanceOf(5);
  for (let page = 1; page <= onMedium; page += 1) {
    flip(path, (page - 1) * pageBytes + chance.whole(0, pageBytes - 1), chance.whole(0, 7), () => {
      expect(verdict(directory).damage).toMatchObject([{ file: path, chunk: page }]);
    });
  }
  truncateSync(path, (onMedium - 3) * pageBytes);
  expect(verdict(directory).damage).toHaveLength(3);
}, 240_000);

test("a flipped bit anywhere in the log is found, and no start drops what stands behind it", () => {
  const directory = killedInMidst();
  const path = join(directory, name);
  const log = `${path}-wal`;
  const { frames } = verdict(directory);
  expect(frames).toBeGreaterThan(20);
  const before = readFileSync(log);
  const chance = chanceOf(6);
  const places = [...Array(32).keys(), ...[...Array(24).keys()].map((at) => 32 + at)];
  for (let frame = 0; frame < frames; frame += 1) {
    for (let time = 0; time < 2; time += 1) {
      places.push(32 + frame * frameBytes + chance.whole(0, time === 0 ? 23 : frameBytes - 1));
    }
  }
  for (const at of places) {
    flip(log, at, chance.whole(0, 7), () => {
      const frame = at < 32 ? 0 : 1 + Math.floor((at - 32) / frameBytes);
      const { ok, damage } = verdict(directory);
      expect([at, ok]).toEqual([at, false]);
      expect(damage[0]).toMatchObject({ file: log, chunk: frame });
    });
  }
  flip(log, before.length - 1, 0, () => {
    expect(() => new LedgerFile(path, unwatched)).toThrow(LedgerError);
    expect(existsSync(log)).toBe(true);
    expect(readFileSync(log).length).toBe(before.length);
  });
}, 240_000);

test("a tail of the log that was torn is no damage; what was durable before it is", () => {
  const rig = new Rig();
  rig.reopen();
  rig.commit([1], 3_000);
  const first = readFileSync(`${rig.path}-wal`).length;
  rig.commit([2, 3], 9_000);
  const directory = rig.killed();
  const log = join(directory, `${name}-wal`);
  const all = readFileSync(log);
  for (const length of [first, first + 1, first + 30, first + frameBytes, all.length - 1]) {
    writeFileSync(log, all.subarray(0, length));
    expect(verdict(directory)).toMatchObject({ ok: true });
  }
  // In any order: the last frame of the transaction is there, one before it is not.
  const holed = Buffer.from(all);
  holed.fill(0, first, first + frameBytes);
  writeFileSync(log, holed);
  expect(verdict(directory)).toMatchObject({ ok: true });
  const file = new LedgerFile(join(directory, name), unwatched);
  expect(file.db.prepare("SELECT id FROM t").all()).toEqual([{ id: 1 }]);
  file.close();
  // The first transaction: the second one was begun behind it.
  const other = rig.killed();
  const damagedLog = Buffer.from(all);
  damagedLog[first - 100] = (damagedLog[first - 100] ?? 0) ^ 1;
  writeFileSync(join(other, `${name}-wal`), damagedLog);
  expect(verdict(other)).toMatchObject({ ok: false });
});

test("what another program wrote is told, and taken as it is when the sums are removed", () => {
  const rig = new Rig();
  rig.commit([1, 2], 5_000);
  rig.file.close();
  const beside = new DatabaseSync(rig.path);
  beside.exec("UPDATE t SET size = 7 WHERE id = 1");
  beside.close();
  expect(verdict(rig.directory).ok).toBe(false);
  const told: DamagedPlace[] = [];
  const file = new LedgerFile(rig.path, { ...unwatched, onDamage: (it) => told.push(...it) });
  expect(file.opening).toEqual({ origin: "kept", isTouched: true });
  file.db.exec("UPDATE t SET size = 8");
  file.close();
  // Before it was overwritten.
  expect(told.length).toBeGreaterThan(0);
  rmSync(join(rig.directory, "ledger.sums"));
  expect(verdict(rig.directory).ok).toBe(null);
  const accepted = new LedgerFile(rig.path, unwatched);
  expect(accepted.opening).toEqual({ origin: "made", isTouched: false });
  accepted.close();
  expect(verdict(rig.directory).ok).toBe(true);
});

test("a keeper's walk finds what nobody reads", () => {
  const rig = new Rig();
  rig.commit([...Array(600).keys()], 5_000);
  rig.reopen();
  const bytes = readFileSync(rig.path);
  const page = bytes.length / pageBytes - 9;
  bytes[(page - 1) * pageBytes + 77] = (bytes[(page - 1) * pageBytes + 77] ?? 0) ^ 4;
  writeFileSync(rig.path, bytes);
  const damage: DamagedPlace[] = [];
  const onDamage = (places: readonly DamagedPlace[]) => damage.push(...places);
  const keeper = new LedgerKeeper({ ...rig.file.handOver(), onDamage });
  for (let look = 0; look < 20; look += 1) keeper.look(look);
  expect(damage).toMatchObject([{ file: rig.path, chunk: page }]);
  keeper.close();
  rig.file.takeBack();
});
