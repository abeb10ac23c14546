/** Raw frames in the archive: found by their numbers as before, removed from the ledger only when a file holds them. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archiveFrames, type ArchiveWork } from "#archive/archiveFrames.ts";
import { FrameKeeper } from "#archive/frameKeeper.ts";
import { FrameList } from "#archive/frameList.ts";
import { hourMs } from "#domain/units.ts";
import type { OpenLedger } from "#ledger/openLedger.ts";
import { answersFrom, frameArchive, openForReading } from "#ledger/queries.ts";
import type { Disk } from "#ports/disk.ts";
import type { UplinkRow } from "#ports/ledger.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { fileDisk } from "../../src/fileDisk.ts";
import { openedLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import { inTransaction, meterRow, startMs, uplinkRow } from "../support/ledgerRows.ts";
import { chanceOf } from "../support/random.ts";

let directory: string;
let ledger: OpenLedger;
let disk: Disk;
const settings = { afterMs: hourMs, fileRows: 1_500 };
const frames = 4_000;
const nowMs = startMs + 3 * 24 * hourMs;

beforeEach(() => {
  directory = temporaryDirectory();
  ledger = openedLedger(directory);
  disk = nodeDisk;
});

/** Every hundredth frame was refused and lies in the quarantine. */
function isRefused(seq: number): boolean {
  return seq % 100 === 0;
}

function store(): readonly UplinkRow[] {
  const rows = Array.from({ length: frames }, (_none, place) => {
    const seq = place + 1;
    const bytes = Uint8Array.from({ length: seq % 40 }, (_byte, at) => (seq * 31 + at * 7) & 0xff);
    const outcome = isRefused(seq) ? "quarantined" : "accepted";
    return uplinkRow(seq, { bytes, outcome, meterNo: seq % 3 === 0 ? null : 1 });
  });
  inTransaction(ledger, () => {
    ledger.putMeter(meterRow(1));
    for (const row of rows) {
      ledger.putUplink(row);
      if (!isRefused(row.seq)) continue;
      const { seq: uplinkSeq, meterNo, receivedAtMs } = row;
      const why = { protocol: "json", reason: "TRUNCATED", detail: "" } as const;
      ledger.putQuarantine({ uplinkSeq, meterNo, receivedAtMs, ...why });
    }
  });
  return rows;
}

function keeper(archive?: (work: ArchiveWork) => ReturnType<typeof archiveFrames>): FrameKeeper {
  const folder = join(directory, "frames");
  const make = (work: ArchiveWork) => {
    const db = openForReading(directory);
    const made = archiveFrames(disk, folder, new FrameList(db), work);
    db.close();
    return made;
  };
  return new FrameKeeper({
    disk,
    folder,
    list: ledger.frames,
    settings,
    archive: (work) => Promise.resolve((archive ?? make)(work)),
    onFailure: (cause) => {
      throw cause;
    },
  });
}

/** All frames in pages of a size, as the API gives them. */
function seen(limit: number): readonly UplinkRow[] {
  const db = openForReading(directory);
  const answers = answersFrom(db, disk);
  const rows: UplinkRow[] = [];
  for (;;) {
    const page = answers.uplinks(rows.at(-1)?.seq ?? 0, limit);
    expect(page.length).toBeLessThanOrEqual(limit);
    for (const { meterId, ...row } of page) {
      expect(meterId).toBe(row.meterNo === null ? null : "M0001");
      rows.push({ ...row, bytes: new Uint8Array(row.bytes) });
    }
    if (page.length === 0) break;
  }
  db.close();
  return rows;
}

function inLedger(): number {
  const db = openForReading(directory);
  const row = db.prepare("SELECT count(*) AS n FROM uplink").get();
  db.close();
  return Number(row?.["n"]);
}

async function looks(of: FrameKeeper, count: number): Promise<void> {
  for (let look = 0; look < count; look += 1) await of.look(nowMs);
}

test("frames that are old go to files, and are found as before; refused ones and the newest stay", async () => {
  const rows = store();
  const kept = keeper();
  await kept.look(startMs + hourMs);
  expect(readdirSync(join(directory, "frames"))).toEqual([]);
  await looks(kept, 30);
  expect(inLedger()).toBe(frames / 100);
  for (const limit of [7, 999, 10_000]) expect(seen(limit)).toEqual(rows);
  expect(ledger.uplink(100)).toEqual(rows[99]);
  const db = openForReading(directory);
  onTestFinished(() => db.close());
  expect(frameArchive(db, nodeDisk).verify()).toMatchObject({
    ok: true,
    files: 3,
    frames: frames - 40,
  });
  expect(ledger.sequences().uplink).toBe(frames);
});

test("a process that ends at any moment leaves every frame once", async () => {
  const rows = store();
  // Made and not listed; listed and nothing removed; some removed.
  const unlisted = keeper((work) => {
    const db = openForReading(directory);
    archiveFrames(nodeDisk, join(directory, "frames"), new FrameList(db), work);
    db.close();
    throw new TypeError("killed");
  });
  await expect(unlisted.look(nowMs)).rejects.toThrow("killed");
  expect(seen(1_000)).toEqual(rows);
  for (let life = 0; life < 12; life += 1) {
    await looks(keeper(), 2);
    expect(seen(1_000)).toEqual(rows);
  }
  expect(inLedger()).toBe(frames / 100);
  const aside = readdirSync(join(directory, "frames", "unlisted"));
  expect(aside).toHaveLength(1);
});

test("a flipped byte anywhere is found, costs at most its chunk, and no frame is wrong", async () => {
  const rows = store();
  await looks(keeper(), 30);
  const byNo = new Map(rows.map((row) => [row.seq, row]));
  const random = chanceOf(7).next;
  const folder = join(directory, "frames");
  const names = readdirSync(folder);
  for (let turn = 0; turn < 60; turn += 1) {
    const path = join(folder, names[Math.floor(random() * names.length)] ?? "");
    const whole = readFileSync(path);
    const bytes = Buffer.from(whole);
    const place = turn < 5 ? turn * 4 : Math.floor(random() * bytes.length);
    bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(random() * 8));
    writeFileSync(path, bytes);
    const db = openForReading(directory);
    const archive = frameArchive(db, nodeDisk);
    expect(archive.verify().ok, `${path} byte ${place}`).toBe(false);
    const found = archive.after(0, frames);
    archive.close();
    db.close();
    expect(found.length).toBeGreaterThanOrEqual(frames - 40 - 1_024);
    for (const row of found) expect(row).toEqual(byNo.get(row.seq));
    writeFileSync(path, whole);
  }
});

test("retention lets whole files go", async () => {
  store();
  const kept = keeper();
  await looks(kept, 30);
  const dropped = (beforeMs: number) => {
    let deleted = 0;
    inTransaction(ledger, () => {
      deleted = ledger.dropOld("uplinks", beforeMs, 0, 10_000).deleted;
    });
    return deleted;
  };
  expect(dropped(startMs)).toBe(0);
  expect(dropped(startMs + 2_000)).toBe(1_485);
  await keeper().look(nowMs);
  expect(readdirSync(join(directory, "frames"))).toHaveLength(2);
  expect(seen(10_000).find(({ seq }) => !isRefused(seq))?.seq).toBe(1_501);
});

test("under a key nothing of a frame is readable, and all of them are found with it", async () => {
  disk = fileDisk([new Uint8Array(32).fill(7)]);
  const rows = store();
  await looks(keeper(), 30);
  const folder = join(directory, "frames");
  for (const name of readdirSync(folder)) {
    expect(readFileSync(join(folder, name)).subarray(0, 8).toString()).toBe("MERCSEAL");
  }
  expect(seen(1_000)).toEqual(rows);
  const db = openForReading(directory);
  onTestFinished(() => db.close());
  expect(frameArchive(db, disk).verify()).toMatchObject({ ok: true, files: 3 });
  // Without it that is said, and not taken for damage.
  expect(() => frameArchive(db, fileDisk(null)).after(0, 10)).toThrow("READINGS_KEY");
});
