/** The log as SQLite's own code reads it, whichever machine began it. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { readWal, type WalPart } from "#ledger/sums/walFile.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { temporaryDirectory } from "../support/ledgerFiles.ts";

const pageBytes = 4_096;
const frameBytes = pageBytes + 24;
const rows = 300;

const read = (path: string): WalPart =>
  readWal(nodeDisk, path, { salts: 0n, settled: 0, durable: 0 }, "whole");

/** A main file with more in its log than is read at once; the log is never in the main file. */
function written(): string {
  const path = join(temporaryDirectory(), "log.sqlite");
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL`);
  db.exec("PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (v BLOB)");
  const put = db.prepare("INSERT INTO t VALUES (randomblob(1000))");
  for (let row = 0; row < rows; row += 1) put.run();
  const copy = join(temporaryDirectory(), "log.sqlite");
  for (const end of ["", "-wal"]) copyFileSync(path + end, copy + end);
  db.close();
  return copy;
}

/** The checksums as a big-endian machine writes them (sqlite.org/fileformat2.html, 4.2), word by word. */
function asBigEndian(bytes: Buffer): Buffer {
  let [first, second] = [0n, 0n];
  const sum = (from: number, to: number): void => {
    for (let at = from; at < to; at += 8) {
      first = BigInt.asUintN(32, first + BigInt(bytes.readUInt32BE(at)) + second);
      second = BigInt.asUintN(32, second + BigInt(bytes.readUInt32BE(at + 4)) + first);
    }
  };
  const store = (at: number): void => {
    bytes.writeUInt32BE(Number(first), at);
    bytes.writeUInt32BE(Number(second), at + 4);
  };
  bytes.writeUInt32BE(0x377f0683, 0);
  sum(0, 24);
  store(24);
  for (let at = 32; at + frameBytes <= bytes.length; at += frameBytes) {
    sum(at, at + 8);
    sum(at + 24, at + frameBytes);
    store(at + 16);
  }
  return bytes;
}

test("a log of a machine with the other order of bytes is the same log, for SQLite too", () => {
  const path = written();
  const wal = `${path}-wal`;
  const little = read(wal);
  expect(little.damagedFrame).toBeNull();
  expect(little.pages.length).toBe(Math.floor(readFileSync(wal).length / frameBytes));
  expect(little.pages.length).toBeGreaterThan(rows);

  const big = asBigEndian(readFileSync(wal));
  writeFileSync(wal, big);
  expect(read(wal)).toEqual(little);
  const frame = 200;
  const flipped = Buffer.from(big);
  const at = 32 + (frame - 1) * frameBytes + 24 + 77;
  flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
  writeFileSync(wal, flipped);
  expect(read(wal)).toMatchObject({ damagedFrame: frame });
  writeFileSync(wal, big);
  const db = new DatabaseSync(path);
  expect(db.prepare("SELECT count(*) AS rows FROM t").get()).toEqual({ rows });
  db.close();
});
