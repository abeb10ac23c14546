/** What must be true of a ledger after every batch, read from its file and from nowhere else. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import type { Command, CommandState } from "#domain/command.ts";
import { uplinkOutcomes } from "#domain/quarantine.ts";
import { readingFlags } from "#domain/reading.ts";
import { statusBits } from "#domain/status.ts";
import { dayMs, minuteMs } from "#domain/units.ts";
import { reviveContext } from "#engine/context.ts";
import { verifyAudit } from "#ledger/audit.ts";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { commandTable, isEnded } from "#valves/commandTable.ts";
import { automationLimits, breakerAllowance } from "#valves/judge.ts";
import { timestampMs } from "#domain/units.ts";
import type { EngineUnderTest } from "./engine.ts";

const followers = new Set(commandTable.map(({ from, to }) => `${from} ${to}`));
const timeFlags = readingFlags.TIME_INVALID | readingFlags.TIME_FUTURE | readingFlags.LATE;
const leakBits = statusBits.leak | statusBits.external_alarm;

/** Every invariant at once. */
export function checkLedger(engine: EngineUnderTest): void {
  const db = new DatabaseSync(join(engine.directory, ledgerFileName), { readOnly: true });
  try {
    checkAlarms(db);
    checkEvents(db);
    checkOutcomes(db);
    checkCommands(db);
    checkAutomation(db, engine);
    checkContexts(db, engine);
    expect(verifyAudit(db)).toMatchObject({ ok: true });
  } finally {
    db.close();
  }
}

/** How much is in every table; a failed batch leaves it as it was. */
export function sizesOf(engine: EngineUnderTest): unknown {
  const tables = engine.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  return tables.map(({ name }) => {
    const [row] = engine.rows(`SELECT count(*) AS count FROM "${String(name)}"`);
    return [name, row?.["count"]];
  });
}

function checkAlarms(db: DatabaseSync): void {
  const twice = db.prepare(
    `SELECT meter_no, rule FROM alarm WHERE state <> 'normal' AND historical = 0
     GROUP BY ifnull(meter_no, 0), rule HAVING count(*) > 1`,
  );
  expect(twice.all()).toEqual([]);
  const ringing = db.prepare("SELECT id FROM alarm WHERE historical = 1 AND state <> 'normal'");
  expect(ringing.all()).toEqual([]);
  const open = db.prepare(
    `SELECT meter_no, rule FROM occurrence WHERE returned_at IS NULL AND retracted_at IS NULL
     GROUP BY meter_no, rule HAVING count(*) > 1`,
  );
  expect(open.all()).toEqual([]);
}

function checkEvents(db: DatabaseSync): void {
  const rows = db.prepare("SELECT seq, kind, json FROM event ORDER BY seq").all();
  for (const [place, { seq, kind, json }] of rows.entries()) {
    expect(seq).toBe(place + 1);
    expect(JSON.parse(String(json))).toMatchObject({ seq, kind });
  }
}

function checkOutcomes(db: DatabaseSync): void {
  const rows = db.prepare("SELECT seq, outcome FROM uplink ORDER BY seq").all();
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, place) => place + 1));
  const known: readonly string[] = uplinkOutcomes;
  expect(rows.filter(({ outcome }) => !known.includes(String(outcome)))).toEqual([]);
  const stray = db.prepare(
    `SELECT u.seq FROM uplink AS u LEFT JOIN quarantine AS q
       ON q.uplink_seq = u.seq AND q.settled_at IS NULL
     WHERE (u.outcome = 'quarantined') <> (q.id IS NOT NULL)`,
  );
  expect(stray.all()).toEqual([]);
}

function checkCommands(db: DatabaseSync): void {
  const steps = db.prepare(
    `SELECT t.command_id AS id, t.n, t.state, t.at, c.state AS last, c.expires_at AS expiresAt,
       c.attempts, c.action, c.meter_no AS meterNo
     FROM command_transition AS t JOIN command AS c ON c.id = t.command_id ORDER BY t.command_id, t.n`,
  );
  const histories = Map.groupBy(steps.all(), ({ id }) => String(id));
  const open: unknown[] = [];
  for (const history of histories.values()) {
    const states = history.map(({ state }) => String(state));
    expect(states[0]).toBe("requested");
    for (const [place, state] of states.entries()) {
      if (place > 0) expect(followers).toContain(`${states[place - 1]} ${state}`);
    }
    const [first] = history;
    expect(first).toMatchObject({ last: states.at(-1), n: 1 });
    for (const { state, at } of history) {
      if (state === "sent") expect(Number(at)).toBeLessThan(Number(first?.["expiresAt"]));
    }
    expect(Number(first?.["attempts"])).toBeLessThanOrEqual(2);
    if (!isEnded(states.at(-1) as CommandState)) open.push(first?.["meterNo"]);
  }
  expect(open).toEqual([...new Set(open)]);
  const lost = db.prepare(
    "SELECT id FROM command WHERE id NOT IN (SELECT command_id FROM command_transition)",
  );
  expect(lost.all()).toEqual([]);
}

/** No close by itself but on a fresh leak of an ordinary meter in service, within the breaker, while allowed. */
function checkAutomation(db: DatabaseSync, engine: EngineUnderTest): void {
  const events = db.prepare(
    `SELECT seq, at, kind, meter_no AS meterNo, json FROM event
     WHERE kind IN ('automation.stopped', 'automation.resumed', 'command.authorised') ORDER BY seq`,
  );
  const isNear = (one: number, other: number): boolean =>
    Math.abs(one - other) <= automationLimits.freshWithinMs;
  const proofs = (meterNo: number, atMs: number) =>
    engine.ledger
      .readingsAfter(meterNo, atMs - automationLimits.freshWithinMs - 1)
      .filter(
        ({ status, flags, receivedAtMs, measuredAtMs }) =>
          ((status ?? 0) & leakBits) !== 0 &&
          (flags & timeFlags) === 0 &&
          isNear(receivedAtMs, atMs) &&
          isNear(measuredAtMs, atMs),
      );
  const critical = db.prepare("SELECT critical FROM meter WHERE no = ?");
  const fleetSize = Number(engine.rows("SELECT count(*) AS count FROM meter")[0]?.["count"]);
  let stopped = false;
  let recentClosesMs: number[] = [];
  for (const { at, kind, meterNo, json } of events.all()) {
    if (kind !== "command.authorised") {
      stopped = kind === "automation.stopped";
      continue;
    }
    const { command } = JSON.parse(String(json)) as { readonly command: Pick<Command, "cause"> };
    if (command.cause.kind !== "alarm") continue;
    const atMs = Number(at);
    expect(stopped).toBe(false);
    expect(critical.get(Number(meterNo))).toEqual({ critical: 0 });
    expect(proofs(Number(meterNo), atMs)).not.toEqual([]);
    const before = { stopped, recentClosesMs, fleetSize };
    expect(breakerAllowance(before, timestampMs(atMs))).toBeGreaterThan(0);
    recentClosesMs = [...recentClosesMs.filter((ms) => ms > atMs - dayMs - minuteMs), atMs];
  }
}

/** What the engine wrote of a meter agrees with the rows of that meter. */
function checkContexts(db: DatabaseSync, engine: EngineUnderTest): void {
  const live = db.prepare(
    "SELECT id FROM alarm WHERE meter_no = ? AND state <> 'normal' AND historical = 0 ORDER BY id",
  );
  const openRows = db.prepare(
    `SELECT id, rule FROM occurrence WHERE meter_no = ? AND returned_at IS NULL
       AND retracted_at IS NULL ORDER BY rule`,
  );
  const checkpoints = db.prepare("SELECT at FROM checkpoint WHERE meter_no = ? ORDER BY at");
  const openCommands = engine.ledger.openCommands();
  for (const { meterNo, json } of engine.ledger.contexts()) {
    const context = reviveContext(json);
    const alarms = Object.values(context.live);
    const ids = alarms.map(({ id }) => id).sort();
    expect(live.all(meterNo).map(({ id }) => id)).toEqual(ids);
    for (const alarm of [...alarms, ...Object.values(context.silent)]) {
      expect(engine.ledger.alarm(alarm.id)).toEqual(alarm);
    }
    const rows = openRows.all(meterNo);
    expect(rows.map(({ rule }) => rule)).toEqual(Object.keys(context.head.open).sort());
    const known = Object.fromEntries(rows.map(({ rule, id }) => [String(rule), id]));
    expect(context.occurrenceIds).toEqual(known);
    const open = openCommands.find((command) => command.meterNo === meterNo);
    expect(context.valve.outstanding?.command).toEqual(open);
    expect(checkpoints.all(meterNo).map(({ at }) => at)).toEqual(context.checkpointsMs);
    expect(context.recent.length).toBeLessThanOrEqual(8);
  }
}
