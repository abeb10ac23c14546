/** Tables that grow are only entered by an index: the plan of every statement of the ledger. */
import { dirname, join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { ledgerOn } from "#ledger/ledgerOn.ts";
import { answersFrom } from "#ledger/queries.ts";
import { openReadings } from "#readings/openReadings.ts";
import type { AlarmFilter } from "#ports/queries.ts";
import { expect, onTestFinished, test } from "vitest";
import { auditTable } from "#ledger/audit.ts";
import { openedLedger, temporaryDirectory } from "../support/ledgerFiles.ts";

/** Remembers what was prepared on it. */
class RecordingDatabase extends DatabaseSync {
  readonly prepared = new Set<string>();
  override prepare(sql: string): StatementSync {
    this.prepared.add(sql);
    return super.prepare(sql);
  }
  /** The steps of all plans, with the statement that each belongs to. */
  plans(): { readonly step: string; readonly sql: string }[] {
    return [...this.prepared]
      .filter((sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE)/.test(sql))
      .flatMap((sql) =>
        super
          .prepare(`EXPLAIN QUERY PLAN ${sql}`)
          .all()
          .map((row) => ({ step: String(row["detail"]), sql })),
      );
  }
}

function recordingDatabase(): RecordingDatabase {
  const directory = temporaryDirectory();
  openedLedger(directory).close();
  const db = new RecordingDatabase(join(directory, "ledger.sqlite"));
  onTestFinished(() => db.close());
  return db;
}

/** Small, or read whole on purpose: the registry, the list of segments, lists in JSON. */
const readWhole = [
  /^SCAN (m|g|credential|meter_key|edge_node|api_key|setting|context|webhook|recipient)( USING .*)?$/,
  /^SCAN (reading_file|reading_batch_damaged|CONSTANT ROW)$/,
  /^SCAN (p|json_each) VIRTUAL TABLE/,
  /^SCAN c USING INDEX command_open$/,
  /^SCAN campaign USING INDEX campaign_open$/,
  /^SCAN notification USING INDEX notification_waiting$/,
  /^SCAN work_order USING INDEX work_order_open$/,
  /^SCAN planned_work USING INDEX planned_work_open$/,
  /^SCAN register_gap USING COVERING INDEX register_gap_requested$/,
];

test("no statement walks through a table that grows", () => {
  const db = recordingDatabase();
  const { record } = openReadings(db, dirname(db.location() ?? ""), auditTable(db).putAudit);
  ledgerOn(db, record, { release: () => undefined });
  const answers = answersFrom(db);
  const filter: AlarmFilter = {
    states: ["unacknowledged"],
    priorities: [1],
    area: "binhai-3",
    meterId: null,
    historical: false,
  };
  answers.alarms(filter, null, 1);
  answers.alarms({ ...filter, meterId: "M0001" }, null, 1);
  const scans = db.plans().filter(({ step }) => step.startsWith("SCAN"));
  expect(scans.filter(({ step }) => !readWhole.some((form) => form.test(step)))).toEqual([]);
});
