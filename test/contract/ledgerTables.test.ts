/** What the engine writes is what it finds again. */
import { commandStates } from "#domain/command.ts";
import { readingFlags } from "#domain/reading.ts";
import { dayMs, hourMs, timestampMs } from "#domain/units.ts";
import type { OpenLedger } from "#ledger/openLedger.ts";
import { isEnded } from "#valves/commandTable.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { codeOf, openedLedger, rawLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import {
  alarmRow,
  commandRow,
  inTransaction,
  meterRow,
  readingRow,
  startMs,
  uplinkRow,
} from "../support/ledgerRows.ts";

let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
});

const opened = (): OpenLedger => openedLedger(directory);

describe("readings", () => {
  test("come back in time order, whatever the order of arrival and the generation", () => {
    const ledger = opened();
    const far = 3 * 2 ** 15;
    inTransaction(ledger, () => {
      ledger.putReading(readingRow(1, 5 * hourMs));
      ledger.putReading(readingRow(2, 2 * hourMs));
      ledger.putReading(readingRow(3, 3 * hourMs, { meterNo: 2 }));
      ledger.putReading(readingRow(far, 4 * hourMs));
      ledger.putReading(readingRow(far + 1, 3 * hourMs));
      ledger.putReading(readingRow(far + 2, 3 * hourMs));
    });
    const after = ledger.readingsAfter(1, startMs + 2 * hourMs);
    expect(after.map((reading) => reading.seq)).toEqual([far + 1, far + 2, far, 1]);
    const at = ledger.readingsAt(1, startMs + 3 * hourMs);
    expect(at.map((reading) => reading.seq)).toEqual([far + 1, far + 2]);
  });

  test("one transaction finds what is months apart, and what it has put itself, in any order", () => {
    const ledger = opened();
    const days = Array.from({ length: 60 }, (_none, day) => day);
    const rows = days.map((day) => readingRow(day + 1, day * dayMs));
    const others = days.map((day) => readingRow(day + 101, day * dayMs, { meterNo: 2 }));
    const seqsAt = (day: number, meterNo = 1): readonly number[] =>
      ledger.readingsAt(meterNo, startMs + day * dayMs).map(({ seq }) => seq);
    inTransaction(ledger, () => {
      for (const row of [...rows, ...others]) ledger.putReading(row);
    });
    inTransaction(ledger, () => {
      expect([seqsAt(5), seqsAt(50), seqsAt(0), seqsAt(30), seqsAt(30, 2)]).toEqual([
        [6],
        [51],
        [1],
        [31],
        [131],
      ]);
      ledger.putReading(readingRow(201, 30 * dayMs));
      expect([seqsAt(30), seqsAt(30, 2), seqsAt(59)]).toEqual([[31, 201], [131], [60]]);
      ledger.putReading(readingRow(202, 2 * dayMs));
      const seqs = ledger.readingsAfter(1, startMs + dayMs).map(({ seq }) => seq);
      const late = [3, 202, ...days.slice(3, 31).map((day) => day + 1), 201];
      expect(seqs).toEqual([...late, ...days.slice(31).map((day) => day + 1)]);
    });
    inTransaction(ledger, () => {
      ledger.putReading(readingRow(203, 2 * dayMs));
      expect([seqsAt(30), seqsAt(2)]).toEqual([
        [31, 201],
        [3, 202, 203],
      ]);
    });
  });

  test("a revised reading keeps its former version with the reason", () => {
    const ledger = opened();
    inTransaction(ledger, () => ledger.putReading(readingRow(1, 0)));
    const suspect = readingRow(1, 0, { quality: "suspect", flags: readingFlags.RANGE });
    inTransaction(ledger, () => ledger.reviseReading(suspect, "a spike", startMs + 9));
    expect(ledger.readingsAt(1, startMs)).toEqual([suspect]);
    const [versions] = ledger.readings.range(1, startMs - 1, startMs).readings;
    expect(versions?.counts).toMatchObject({ quality: "suspect", revisedAtMs: startMs + 9 });
    expect(versions?.others).toMatchObject([{ ...readingRow(1, 0), revision: null }]);
    const reasons = rawLedger(directory).prepare("SELECT no, reason FROM reading_reason").all();
    expect(reasons).toEqual([{ no: versions?.counts.reasonNo, reason: "a spike" }]);
  });
});

describe("alarms and occurrences", () => {
  test("one live alarm per meter and rule, by the index", () => {
    const ledger = opened();
    const second = (differing: Parameters<typeof alarmRow>[1]) => {
      ledger.begin();
      ledger.putAlarm(alarmRow("A1"));
      const code = codeOf(() => ledger.putAlarm(alarmRow("A2", differing)));
      ledger.rollback();
      return code;
    };
    expect(second({})).toBe("LEDGER_WRITE_FAILED");
    expect(second({ state: "shelved" })).toBe("LEDGER_WRITE_FAILED");
    expect(second({ state: "normal" })).toBe("no error");
    expect(second({ historical: true })).toBe("no error");
    expect(second({ rule: "R2" })).toBe("no error");
    expect(second({ meterNo: 2 })).toBe("no error");
  });

  test("the system's own alarms have one life at a time as well", () => {
    const ledger = opened();
    ledger.begin();
    ledger.putAlarm(alarmRow("A1", { meterNo: null, rule: "BLIND" }));
    const blind = alarmRow("A2", { meterNo: null, rule: "BLIND" });
    expect(codeOf(() => ledger.putAlarm(blind))).toBe("LEDGER_WRITE_FAILED");
    ledger.rollback();
  });

  test("an alarm is put again under its id and comes back whole", () => {
    const ledger = opened();
    const later = alarmRow("A1", {
      state: "acknowledged",
      acknowledgedAtMs: timestampMs(startMs + 5),
      acknowledgedBy: "a.operator",
      occurrence: 2,
    });
    inTransaction(ledger, () => {
      ledger.putAlarm(alarmRow("A1"));
      ledger.putAlarm(later);
    });
    expect(ledger.alarm(later.id)).toEqual(later);
  });

  test("occurrences: open or ended later, and not retracted", () => {
    const ledger = opened();
    const { id: alarm } = alarmRow("A1");
    const occurrence = (id: number, returned: number | null) => ({
      id,
      rule: "R1" as const,
      raisedAtMs: timestampMs(startMs + id),
      returnedAtMs: returned === null ? null : timestampMs(startMs + returned),
      level: 1 as const,
      proof: { seen: id },
      alarmId: alarm,
    });
    inTransaction(ledger, () => {
      ledger.putOccurrence(1, occurrence(1, 10));
      ledger.putOccurrence(1, occurrence(2, null));
      ledger.putOccurrence(1, occurrence(3, null));
      ledger.putOccurrence(1, occurrence(4, null));
      ledger.putOccurrence(2, occurrence(5, null));
      ledger.putOccurrence(1, occurrence(3, 20));
      ledger.retractOccurrence(4, startMs + 30);
    });
    const ids = (fromMs: number) =>
      ledger.occurrencesAfter(1, startMs + fromMs).map((row) => row.id);
    expect(ids(9)).toEqual([1, 2, 3]);
    expect(ids(10)).toEqual([2, 3]);
    expect(ids(20)).toEqual([2]);
    expect(ledger.occurrencesAfter(1, startMs + 10)).toEqual([
      occurrence(2, null),
      occurrence(3, 20),
    ]);
  });
});

describe("commands", () => {
  test("are put again under their id; every step stays", () => {
    const ledger = opened();
    const at = timestampMs(startMs);
    const step = (state: "requested" | "authorised" | "sent") => ({
      command: commandRow("C1", { state }),
      transitions: [{ state, atMs: at, by: "engine", detail: null }],
    });
    inTransaction(ledger, () => {
      ledger.putCommand(step("requested"));
      ledger.putCommand(step("authorised"));
    });
    inTransaction(ledger, () => ledger.putCommand(step("sent")));
    expect(ledger.command(commandRow("C1").id)).toEqual(commandRow("C1", { state: "sent" }));
    const steps = rawLedger(directory)
      .prepare("SELECT n, state FROM command_transition ORDER BY n")
      .all();
    expect(steps).toEqual([
      { n: 1, state: "requested" },
      { n: 2, state: "authorised" },
      { n: 3, state: "sent" },
    ]);
  });

  test("the ledger and the valve room agree on which commands have ended", () => {
    const ledger = opened();
    inTransaction(ledger, () => {
      for (const state of commandStates) {
        ledger.putCommand({ command: commandRow(state, { state }), transitions: [] });
      }
    });
    const open = ledger.openCommands().map((command) => command.state);
    expect(open.toSorted()).toEqual(commandStates.filter((state) => !isEnded(state)).toSorted());
  });

  test("the breaker remembers automatic closes that were authorised, by their request", () => {
    const ledger = opened();
    const put = (id: string, requestedMs: number, state: "authorised" | "held", person = false) => {
      const requestedAtMs = timestampMs(startMs + requestedMs);
      const cause = person ? ({ kind: "person", ref: "op" } as const) : commandRow(id).cause;
      ledger.putCommand({
        command: commandRow(id, { requestedAtMs, cause, state: "verified" }),
        transitions: [{ state, atMs: requestedAtMs, by: "engine", detail: null }],
      });
    };
    inTransaction(ledger, () => {
      put("C1", 1_000, "authorised");
      put("C2", 2_000, "authorised");
      put("C3", 3_000, "held");
      put("C4", 4_000, "authorised", true);
    });
    const closesSince = (atMs: number) =>
      ledger.automaticClosesSince(atMs).map((close) => close.atMs);
    expect(closesSince(startMs)).toEqual([startMs + 1_000, startMs + 2_000]);
    expect(closesSince(startMs + 1_500)).toEqual([startMs + 2_000]);
  });
});

describe("what the engine finds after a restart", () => {
  test("sequences, contexts, settings and the directory", () => {
    const ledger = opened();
    const meters = [meterRow(1), meterRow(7, { position: null, critical: true })];
    inTransaction(ledger, () => {
      for (const meter of meters) ledger.putMeter(meter);
      ledger.putUplink(uplinkRow(41));
      ledger.putReading(readingRow(42, 0));
      ledger.putEvent({ seq: 43, json: "{}" }, startMs, "system.started", null);
      ledger.putContext(1, `{"version":1}`);
      ledger.putContext(1, `{"version":2}`);
      ledger.putGateway({ id: "G1", meterIds: ["M0007"] });
      ledger.putGateway({ id: "G1", meterIds: ["M0001", "M0007"] });
      ledger.putGateway({ id: "G2", meterIds: [] });
      ledger.putCredential({ username: "M0001", kind: "meter", secretHash: "aa" });
      ledger.putCredential({ username: "M0001", kind: "meter", secretHash: "bb" });
      ledger.putCredential({ username: "M0007", kind: "meter", secretHash: "cc" });
      ledger.dropCredentials("M0007");
      ledger.putApiKey({ id: "k1", keyHash: "dd", role: "admin", label: "first" });
      ledger.putApiKey({ id: "k2", keyHash: "ee", role: "viewer", label: "second" });
      ledger.dropApiKey("k2");
      ledger.putSetting("automation", "stopped");
      ledger.putSetting("automation", "running");
    });
    ledger.close();
    const again = opened();
    expect(again.sequences()).toEqual({
      uplink: 41,
      reading: 42,
      event: 43,
      occurrence: 0,
      meter: 7,
    });
    expect([...again.contexts()]).toEqual([{ meterNo: 1, json: `{"version":2}` }]);
    expect(again.setting("automation")).toBe("running");
    expect(again.setting("nothing")).toBeUndefined();
    expect([...again.meters()]).toEqual(meters);
    expect(again.access()).toEqual({
      gateways: [
        { id: "G1", meterIds: ["M0001", "M0007"] },
        { id: "G2", meterIds: [] },
      ],
      credentials: [
        { username: "M0001", kind: "meter", secretHash: "aa" },
        { username: "M0001", kind: "meter", secretHash: "bb" },
      ],
      apiKeys: [{ id: "k1", keyHash: "dd", role: "admin", label: "first" }],
      webhooks: [],
      recipients: [],
    });
  });

  test("the newest eight checkpoints of each meter", () => {
    const ledger = opened();
    inTransaction(ledger, () => {
      for (let at = 1; at <= 9; at += 1) {
        ledger.putCheckpoint(1, at * hourMs, `{"at":${at}}`);
      }
      ledger.putCheckpoint(2, 1 * hourMs, "{}");
    });
    expect(ledger.checkpointBefore(1, 10 * hourMs)).toEqual({ atMs: 9 * hourMs, json: `{"at":9}` });
    expect(ledger.checkpointBefore(1, 3 * hourMs)).toEqual({ atMs: 2 * hourMs, json: `{"at":2}` });
    expect(ledger.checkpointBefore(1, 2 * hourMs)).toBeUndefined();
    expect(ledger.checkpointBefore(2, 2 * hourMs)).toBeDefined();
  });

  test("answers by Idempotency-Key, for a day", () => {
    const ledger = opened();
    inTransaction(ledger, () => ledger.putIdempotent("k1", "hash", `{"a":1}`, startMs));
    expect(ledger.idempotent("k1")).toEqual({ requestHash: "hash", responseJson: `{"a":1}` });
    inTransaction(ledger, () => ledger.putIdempotent("k2", "hash", "{}", startMs + dayMs + 1));
    expect(ledger.idempotent("k1")).toBeUndefined();
    expect(ledger.idempotent("k2")).toBeDefined();
  });
});
