/** What the ledger must hold in the end, read from its file with nothing in between. */
import { existsSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { uplinkOutcomes, type UplinkOutcome } from "#domain/quarantine.ts";
import { verifyAudit } from "#ledger/audit.ts";
import { plainDisk } from "#readings/openReadings.ts";
import { answersFrom, followReadings, frameArchive, openForReading } from "#ledger/queries.ts";
import type { UplinkRow } from "#ports/ledger.ts";
import { storedReadings } from "../support/storedReadings.ts";
import type { KeeperMeter } from "./keeperMeter.ts";

/** Everything that is not as it should be, one line each; empty is what we want. */
export interface Findings {
  lost: number;
  storedTwice: number;
  secondMovements: number;
  readonly violations: string[];
  readonly facts: Record<string, unknown>;
}

const uplinksPerPage = 10_000;

type Check = (
  db: DatabaseSync,
  meters: readonly KeeperMeter[],
  found: Findings,
  dataDir: string,
) => void;

/** Compares the ledger of a stopped service with what the meters were promised. */
export function checkLedger(
  dataDir: string,
  meters: readonly KeeperMeter[],
  ordered: ReadonlySet<string>,
): Findings {
  const found: Findings = {
    lost: 0,
    storedTwice: 0,
    secondMovements: 0,
    violations: [],
    facts: {},
  };
  const db = new DatabaseSync(join(dataDir, "ledger.sqlite"), { readOnly: true });
  try {
    for (const check of [checkReadings, checkStore, checkUplinks, checkAlarms, checkLogs]) {
      check(db, meters, found, dataDir);
    }
    checkCommands(db, meters, ordered, found);
  } finally {
    db.close();
  }
  return found;
}

const checkReadings: Check = (db, meters, found, dataDir) => {
  const stored = new Map<string, { indexMl: number | null; rows: number }>();
  const named = db.prepare("SELECT no, id FROM meter").all();
  const ids = new Map(named.map(({ no, id }) => [Number(no), String(id)]));
  const qualities: Record<string, number> = {};
  for (const { meterNo, measuredAtMs, indexMl, quality } of storedReadings(dataDir)) {
    const instant = `${ids.get(meterNo)} ${measuredAtMs}`;
    qualities[quality] = (qualities[quality] ?? 0) + 1;
    stored.set(instant, { indexMl, rows: (stored.get(instant)?.rows ?? 0) + 1 });
  }
  for (const [instant, { rows: count }] of stored) {
    if (count === 1) continue;
    found.storedTwice += 1;
    found.violations.push(`stored twice: ${instant} has ${count} rows`);
  }
  let owed = 0;
  const retired = retiredReadings(db);
  let isGone = 0;
  for (const meter of meters) {
    for (const { measuredAtMs, indexMl } of meter.obligations) {
      if (measuredAtMs === null) continue;
      owed += 1;
      const kept = stored.get(`${meter.id} ${measuredAtMs}`);
      if (kept === undefined && measuredAtMs <= retired.toMs) isGone += 1;
      else if (kept === undefined) {
        found.lost += 1;
        found.violations.push(`lost: ${meter.id} at ${measuredAtMs}`);
      } else if (kept.indexMl !== indexMl) {
        found.violations.push(
          `wrong index: ${meter.id} at ${measuredAtMs} has ${kept.indexMl}, sent ${indexMl}`,
        );
      }
    }
  }
  if (isGone !== retired.readings) {
    found.lost += Math.max(0, isGone - retired.readings);
    found.violations.push(`lost: ${isGone} old ones, of which ${retired.readings} were retired`);
  }
  // Everything is acknowledged by now, so nothing else may be there either.
  if (found.lost === 0 && stored.size + isGone !== owed) {
    found.violations.push(`${stored.size} instants are stored, ${owed} were sent`);
  }
  found.facts["readings"] = { owed, retired: isGone, qualities };
};

/** How many the list says that retention let go, and of which time. */
function retiredReadings(db: DatabaseSync): { readonly toMs: number; readonly readings: number } {
  const last = db
    .prepare(
      "SELECT to_ms AS toMs, row_count AS kept FROM reading_file WHERE kind = 'last' AND replaced_by = 0",
    )
    .get();
  const retired = db
    .prepare(
      "SELECT sum(row_count) AS n FROM reading_file WHERE retired_at > 0 AND kind IN ('day', 'month')",
    )
    .get();
  const readings = Number(retired?.["n"] ?? 0) - Number(last?.["kept"] ?? 0);
  return { toMs: Number(last?.["toMs"] ?? -Infinity), readings };
}

/** Every file opens and is whole, every batch and flush follows the one before, and no row was lost between them. */
const checkStore: Check = (db, _meters, found, dataDir) => {
  const followed = followReadings(db, plainDisk);
  const { files, batches, damage } = followed.verify();
  followed.close();
  for (const { file, chunk, fault } of damage) {
    found.violations.push(`readings: ${file} ${chunk ?? ""} ${fault.kind} ${fault.what}`);
  }
  const count = (sql: string): number => Number(db.prepare(sql).get()?.["n"]);
  const flushes = count("SELECT count(*) AS n FROM reading_flush");
  const merges = count("SELECT count(*) AS n FROM reading_file WHERE reason = 'merge'");
  const aside = join(dataDir, "readings", "unlisted");
  const unlisted = existsSync(aside) ? readdirSync(aside).length : 0;
  found.facts["store"] = { files, batches, flushes, merges, unlisted };
  const archive = frameArchive(db, plainDisk);
  const archived = archive.verify();
  archive.close();
  for (const { file, chunk, fault } of archived.damage) {
    found.violations.push(`archive: ${file} ${chunk ?? ""} ${fault.kind} ${fault.what}`);
  }
  found.facts["archive"] = { files: archived.files, frames: archived.frames };
};

/** Every received uplink has one row and one outcome: received = sum of outcomes, without gaps. */
const checkUplinks: Check = (db, meters, found, dataDir) => {
  const outcomes: Partial<Record<UplinkOutcome, number>> = {};
  const seqs = new Set<number>();
  for (const { seq, outcome } of allUplinks(dataDir)) {
    if (seqs.has(seq)) found.violations.push(`uplink ${seq} is stored twice`);
    seqs.add(seq);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  const known = uplinkOutcomes.map((outcome) => outcomes[outcome] ?? 0);
  const sum = known.reduce((one, other) => one + other, 0);
  const last = Number(db.prepare("SELECT max(seq) AS n FROM uplink").get()?.["n"]);
  const swept = sweptUplinks(db);
  if (sum + swept !== last) {
    found.violations.push(`conservation: ${last} uplinks, ${sum} outcomes, ${swept} removed`);
  }
  if ((outcomes["quarantined"] ?? 0) > 0) found.violations.push("a good uplink is quarantined");
  const acknowledged = meters.reduce((all, { obligations }) => all + obligations.length, 0);
  const sent = meters.reduce((all, meter) => all + meter.sent, 0);
  // With readings lost this follows, and says nothing new.
  if (found.lost === 0 && (sum + swept < acknowledged || sum + swept > sent)) {
    found.violations.push(
      `${sum + swept} uplinks of ${acknowledged} acknowledged and ${sent} sent`,
    );
  }
  found.facts["uplinks"] = { sent, acknowledged, outcomes, swept };
};

/** What retention says that it has removed: in the audit when a sweep has ended, else in the sweep under way. */
function sweptUplinks(db: DatabaseSync): number {
  const ended = db
    .prepare(
      `SELECT sum(json_extract(detail, '$.deleted')) AS n FROM audit
       WHERE act = 'retention.sweep' AND subject = 'uplinks'`,
    )
    .get();
  const kept = db.prepare("SELECT value FROM setting WHERE name = 'retention.sweeps'").get();
  const states = JSON.parse(String(kept?.["value"] ?? "{}")) as {
    readonly uplinks?: { readonly sweep: { readonly deleted: number } | null };
  };
  return Number(ended?.["n"] ?? 0) + (states.uplinks?.sweep?.deleted ?? 0);
}

/** Rows of uplinks that were received since the instant. */
export function uplinksSince(dataDir: string, atMs: number): number {
  return allUplinks(dataDir).filter(({ receivedAtMs }) => receivedAtMs >= atMs).length;
}

/** From ledger and archive, as the API gives them. */
function allUplinks(dataDir: string): readonly UplinkRow[] {
  const db = openForReading(dataDir);
  const answers = answersFrom(db);
  const rows: UplinkRow[] = [];
  for (;;) {
    const page = answers.uplinks(rows.at(-1)?.seq ?? 0, uplinksPerPage);
    rows.push(...page);
    if (page.length === 0) break;
  }
  db.close();
  return rows;
}

/** A leak that was acknowledged is one alarm with one occurrence, over any number of restarts. */
const checkAlarms: Check = (db, meters, found) => {
  const alarms = db.prepare(
    `SELECT count(*) AS n, max(occurrence) AS last FROM alarm JOIN meter ON meter.no = meter_no
     WHERE rule = 'R1' AND meter.id = ?`,
  );
  const occurrences = db.prepare(
    `SELECT count(*) AS n FROM occurrence JOIN meter ON meter.no = meter_no
     WHERE rule = 'R1' AND retracted_at IS NULL AND meter.id = ?`,
  );
  let leaks = 0;
  for (const meter of meters) {
    const isOwed = meter.obligations.some(({ isLeak }) => isLeak);
    const wanted = isOwed ? 1 : 0;
    leaks += wanted;
    const alarm = alarms.get(meter.id);
    const rows = [Number(alarm?.["n"]), Number(occurrences.get(meter.id)?.["n"])];
    if (rows.every((n) => n === wanted) && Number(alarm?.["last"] ?? 0) === wanted) continue;
    found.violations.push(
      `${meter.id}: ${wanted} leaks, ${rows[0]} alarms R1 (occurrence ${String(alarm?.["last"])}), ` +
        `${rows[1]} occurrences`,
    );
  }
  const byRule = db.prepare("SELECT rule, count(*) AS n FROM alarm GROUP BY rule").all();
  const rules = Object.fromEntries(byRule.map(({ rule, n }) => [String(rule), Number(n)]));
  for (const rule of ["PARKED", "BLIND"]) {
    if (rules[rule] !== undefined) found.violations.push(`an alarm ${rule}: a fault of our own`);
  }
  found.facts["leaks"] = leaks;
  found.facts["alarms"] = rules;
};

const checkLogs: Check = (db, _meters, found) => {
  const events = db.prepare("SELECT count(*) AS n, max(seq) AS last FROM event").get();
  if (events?.["n"] !== events?.["last"]) found.violations.push("the event sequence has gaps");
  const audit = verifyAudit(db);
  if (!audit.ok) found.violations.push(`audit: entry ${audit.seq} is ${audit.problem}`);
  const integrity = db.prepare("PRAGMA integrity_check").get()?.["integrity_check"];
  if (integrity !== "ok") found.violations.push(`ledger: ${String(integrity)}`);
  found.facts["events"] = events?.["n"];
  found.facts["audit"] = audit.ok ? audit.entries : 0;
};

/** Ended well: the motor ran. Never left, or withdrawn: it did not. Everything else is not known. */
const ran = new Set(["executed", "verified"]);
const rested = new Set(["requested", "refused", "authorised", "held", "superseded", "cancelled"]);

function checkCommands(
  db: DatabaseSync,
  meters: readonly KeeperMeter[],
  ordered: ReadonlySet<string>,
  found: Findings,
): void {
  const rows = db
    .prepare(
      `SELECT meter.id AS id, state, detail, cause_kind AS cause
       FROM command JOIN meter ON meter.no = meter_no`,
    )
    .all() as unknown as readonly CommandFact[];
  const states: Record<string, number> = {};
  for (const { state, detail } of rows) {
    const name = detail === null ? state : `${state} (${detail})`;
    states[name] = (states[name] ?? 0) + 1;
  }
  for (const meter of meters) {
    const own = rows.filter(({ id }) => id === meter.id);
    const authorised = own.filter(({ state }) => !rested.has(state)).length;
    const executed = own.filter(({ state }) => ran.has(state)).length;
    const asked = own.filter(({ cause }) => cause === "person").length;
    if (meter.movements > Math.min(1, authorised)) {
      found.secondMovements += meter.movements - Math.min(1, authorised);
      found.violations.push(
        `${meter.id}: valve ran ${meter.movements} times for ${authorised} commands`,
      );
    }
    if (executed > meter.movements) {
      found.violations.push(`${meter.id}: ${executed} executed, ran ${meter.movements} times`);
    }
    const wanted = ordered.has(meter.id) ? 1 : 0;
    if (asked !== wanted) {
      found.violations.push(`${meter.id}: ordered ${wanted} times, ${asked} commands`);
    }
  }
  found.facts["commands"] = states;
  found.facts["movements"] = meters.reduce((all, { movements }) => all + movements, 0);
}

interface CommandFact {
  readonly id: string;
  readonly state: string;
  readonly detail: string | null;
  readonly cause: "alarm" | "person";
}
