/** Reads against a naive reference, on generated histories. */
import { fc, test } from "@fast-check/vitest";
import { alarmStates, type Alarm } from "#domain/alarm.ts";
import type { StoredReading } from "#domain/reading.ts";
import { hourMs, timestampMs } from "#domain/units.ts";
import { answersFrom, openForReading, type Answers } from "#ledger/queries.ts";
import { QueryError } from "#ledger/queryError.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { AlarmFilter, AlarmView, Page, Queries } from "#ports/queries.ts";
import { describe, expect, onTestFinished, test as plainTest } from "vitest";
import { openedLedger, temporaryDirectory } from "../support/ledgerFiles.ts";
import {
  alarmRow,
  commandRow,
  inTransaction,
  meterRow,
  readingRow,
  startMs,
  uplinkRow,
} from "../support/ledgerRows.ts";

interface Opened {
  readonly ledger: Ledger;
  readonly answers: Answers<Queries>;
}

function opened(): Opened {
  const directory = temporaryDirectory();
  const ledger = openedLedger(directory);
  const db = openForReading(directory);
  onTestFinished(() => db.close());
  inTransaction(ledger, () => {
    ledger.putMeter(meterRow(1));
    ledger.putMeter(meterRow(2, { area: "keqiao-1" }));
  });
  return { ledger, answers: answersFrom(db) };
}

/** Times collide often, sequences leap over generations, some readings are not to be trusted. */
const history = fc
  .array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 12 }).map((n) => n * (hourMs / 2)),
      leap: fc.constantFrom(1, 1, 2, 2 ** 15),
      meterNo: fc.constantFrom(1, 1, 1, 2),
      quality: fc.constantFrom("validated", "validated", "raw", "suspect"),
      hasIndex: fc.boolean(),
    }),
    { maxLength: 30 },
  )
  .map((items) => {
    let seq = 0;
    return items.map(({ atMs, leap, meterNo, quality, hasIndex }) => {
      seq += leap;
      const index = hasIndex ? {} : { indexMl: null };
      return readingRow(seq, atMs, { meterNo, quality, ...index });
    });
  });

function inTimeOrder(a: StoredReading, b: StoredReading): number {
  return a.measuredAtMs - b.measuredAtMs || a.seq - b.seq;
}

/** A new ledger with these readings. */
function stored(readings: readonly StoredReading[]): Opened {
  const both = opened();
  inTransaction(both.ledger, () => {
    for (const reading of readings) both.ledger.putReading(reading);
  });
  return both;
}

/** All items of all pages. */
function walk<Row>(page: (cursor: string | null) => Page<Row>, between?: () => void): Row[] {
  const items: Row[] = [];
  let cursor: string | null = null;
  do {
    const { items: more, next } = page(cursor);
    items.push(...more);
    cursor = next;
    between?.();
  } while (cursor !== null);
  return items;
}

const runs = { numRuns: 40 };

describe("readings", () => {
  test.prop([history, fc.integer({ min: -1, max: 13 })], runs)(
    "the register at an instant is the last trusted one",
    (readings, half) => {
      const { answers } = stored(readings);
      const atMs = startMs + half * (hourMs / 2);
      const expected = readings
        .filter((r) => r.meterNo === 1 && r.quality !== "suspect" && r.indexMl !== null)
        .filter((r) => r.measuredAtMs <= atMs)
        .toSorted(inTimeOrder)
        .at(-1);
      const register = answers.registerAt("M0001", atMs);
      const view = expected && {
        meterId: "M0001",
        atMs,
        indexMl: expected.indexMl,
        measuredAtMs: expected.measuredAtMs,
        quality: expected.quality,
        method: expected.measuredAtMs === atMs ? "exact" : "last-before",
      };
      expect(register).toEqual(view ?? null);
    },
  );

  test.prop([history, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 7 })], runs)(
    "pages hold every reading once and in order, also while others are stored",
    (readings, from, limit) => {
      const { ledger, answers } = stored(readings);
      const fromMs = startMs + from * hourMs;
      const toMs = startMs + 5 * hourMs;
      let seq = 2 ** 20;
      const arriving = new Set<number>();
      const seen = walk(
        (cursor) => answers.readings("M0001", fromMs, toMs, cursor, limit),
        () => {
          seq += 1;
          arriving.add(seq);
          inTransaction(ledger, () => ledger.putReading(readingRow(seq, (seq % 8) * hourMs)));
        },
      );
      expect(seen.filter((reading) => !arriving.has(reading.seq))).toEqual(
        readings
          .filter((r) => r.meterNo === 1 && r.measuredAtMs >= fromMs && r.measuredAtMs < toMs)
          .toSorted(inTimeOrder),
      );
      expect(new Set(seen.map((reading) => reading.seq)).size).toBe(seen.length);
      expect(seen.toSorted(inTimeOrder)).toEqual(seen);
    },
  );

  test.prop([history], runs)("the latest is the newest by the meter's clock", (readings) => {
    const { answers } = stored(readings);
    const expected = readings.filter((r) => r.meterNo === 1).toSorted(inTimeOrder);
    expect(answers.latestReading("M0001")).toEqual(expected.at(-1) ?? null);
  });

  test.prop([history, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 9 })], runs)(
    "the readings around a raise are those next to it",
    (readings, raised, limit) => {
      const { ledger, answers } = stored(readings);
      const raisedAtMs = timestampMs(startMs + raised * hourMs);
      inTransaction(ledger, () => ledger.putAlarm(alarmRow("A1", { raisedAtMs })));
      const all = readings.filter((r) => r.meterNo === 1).toSorted(inTimeOrder);
      const until = all.filter((r) => r.measuredAtMs <= raisedAtMs).slice(-Math.ceil(limit / 2));
      const later = all.filter((r) => r.measuredAtMs > raisedAtMs);
      const expected = [...until, ...later.slice(0, limit - until.length)];
      expect(answers.alarmReadings("A1", limit)).toEqual(expected);
    },
  );

  test.prop([history, fc.integer({ min: 1, max: 7 })], runs)(
    "sinks get each reading once, in the order of storing",
    (readings, limit) => {
      const { answers } = stored(readings);
      const seen: number[] = [];
      for (let after = -1; ;) {
        const more = answers.readingsAfterSeq(after, limit);
        seen.push(...more.map((reading) => reading.seq));
        after = more.at(-1)?.seq ?? after;
        if (more.length < limit) break;
      }
      expect(seen).toEqual(readings.map((reading) => reading.seq));
      expect(answers.newestReadingSeq()).toBe(readings.at(-1)?.seq ?? 0);
    },
  );

  plainTest(
    "the cut-off of all meters goes page by page, and leaves out who has no register",
    () => {
      const { ledger, answers } = stored([readingRow(1, 0), readingRow(2, hourMs, { meterNo: 5 })]);
      inTransaction(ledger, () => {
        for (const no of [3, 4, 5]) ledger.putMeter(meterRow(no));
      });
      const at = (area: string | null) =>
        walk((cursor) => answers.registersAt(startMs + hourMs, area, cursor, 2)).map(
          (r) => r.meterId,
        );
      expect(at(null)).toEqual(["M0001", "M0005"]);
      expect(at("binhai-3")).toEqual(["M0001", "M0005"]);
      expect(at("keqiao-1")).toEqual([]);
    },
  );
});

describe("alarms", () => {
  const everything: AlarmFilter = {
    states: null,
    priorities: null,
    area: null,
    meterId: null,
    historical: null,
  };
  const alarms = fc
    .array(
      fc.record({
        state: fc.constantFrom(...alarmStates),
        priority: fc.constantFrom(1, 2, 3, 4),
        knownMs: fc.integer({ min: 0, max: 5 }),
        meterNo: fc.constantFrom(1, 2, null),
      }),
      { maxLength: 20 },
    )
    .map((items) =>
      items.map(({ knownMs, ...item }, i) =>
        // Historical, because only one may be live per meter and rule.
        alarmRow(`A${String(i).padStart(2, "0")}`, {
          ...item,
          knownAtMs: timestampMs(startMs + knownMs),
          historical: true,
        }),
      ),
    );

  function standing({ state }: Alarm): number {
    if (state.endsWith("unacknowledged")) return 0;
    return state === "normal" ? 2 : 1;
  }

  function inListOrder(a: Alarm, b: Alarm): number {
    return (
      standing(a) - standing(b) ||
      a.priority - b.priority ||
      b.knownAtMs - a.knownAtMs ||
      (a.id < b.id ? -1 : 1)
    );
  }

  const filters: fc.Arbitrary<AlarmFilter> = fc.record({
    states: fc.option(fc.subarray([...alarmStates])),
    priorities: fc.option(fc.subarray([1 as const, 2 as const, 3 as const, 4 as const])),
    area: fc.option(fc.constantFrom("binhai-3", "keqiao-1")),
    meterId: fc.option(fc.constantFrom("M0001", "M0002", "M9999")),
    historical: fc.option(fc.boolean()),
  });

  function matches({ states, priorities, area, meterId, historical }: AlarmFilter, a: Alarm) {
    const meter = a.meterNo === null ? undefined : meterRow(a.meterNo);
    const areaOfAlarm = a.meterNo === 2 ? "keqiao-1" : meter?.area;
    return (
      (states?.includes(a.state) ?? true) &&
      (priorities?.includes(a.priority) ?? true) &&
      (area === null || area === areaOfAlarm) &&
      (meterId === null || meterId === meter?.id) &&
      (historical === null || historical === a.historical)
    );
  }

  test.prop([alarms, filters, fc.integer({ min: 1, max: 6 })], runs)(
    "what nobody has seen first, then priority, then the newest; every filter; no repeat",
    (rows, filter, limit) => {
      const { ledger, answers } = opened();
      inTransaction(ledger, () => {
        for (const row of rows) ledger.putAlarm(row);
      });
      const seen = walk((cursor) => answers.alarms(filter, cursor, limit));
      expect(seen.map((view) => view.alarm)).toEqual(
        rows.filter((row) => matches(filter, row)).toSorted(inListOrder),
      );
    },
  );

  plainTest("a view names the meter and carries the comments", () => {
    const { ledger, answers } = opened();
    const { id } = alarmRow("A1");
    inTransaction(ledger, () => {
      ledger.putAlarm(alarmRow("A1"));
      ledger.putAlarm(alarmRow("A2", { meterNo: null, rule: "BLIND", priority: 2 }));
      ledger.putAlarmComment(id, startMs, "a.operator", "on the way");
    });
    const view: AlarmView = {
      alarm: alarmRow("A1"),
      meter: meterRow(1),
      comments: [{ atMs: startMs, by: "a.operator", text: "on the way" }],
    };
    expect(answers.alarm("A1")).toEqual(view);
    expect(answers.alarm("A2")?.meter).toBeNull();
    expect(answers.alarm("A3")).toBeNull();
    expect(answers.alarms(everything, null, 1).items).toEqual([view]);
    expect(answers.activeAlarmCounts()).toEqual([
      { priority: 1, count: 1 },
      { priority: 2, count: 1 },
      { priority: 3, count: 0 },
      { priority: 4, count: 0 },
    ]);
    expect(answers.areas()).toEqual([
      { area: "binhai-3", meters: 1, activeAlarms: 1 },
      { area: "keqiao-1", meters: 1, activeAlarms: 0 },
    ]);
  });
});

describe("the rest", () => {
  plainTest("meters come with what they last said, by id and by area", () => {
    const { ledger, answers } = opened();
    const context = { lastReceivedAtMs: startMs + 5, valve: { position: "closed" } };
    inTransaction(ledger, () => ledger.putContext(1, JSON.stringify(context)));
    const first = { meter: meterRow(1), lastSeenAtMs: startMs + 5, valve: "closed" };
    const second = {
      meter: meterRow(2, { area: "keqiao-1" }),
      lastSeenAtMs: null,
      valve: null,
    };
    expect(walk((cursor) => answers.meters(cursor, 1, null))).toEqual([first, second]);
    expect(answers.meters(null, 5, "keqiao-1")).toEqual({ items: [second], next: null });
    expect(answers.meter("M0001")).toEqual(first);
    expect(answers.meter("M0009")).toBeNull();
  });

  plainTest("events by sequence, with the range there is", () => {
    const { ledger, answers } = opened();
    expect(answers.eventRange()).toEqual({ oldest: 0, newest: 0 });
    inTransaction(ledger, () => {
      for (let seq = 1; seq <= 5; seq++) {
        ledger.putEvent({ seq, json: `{"seq":${seq}}` }, startMs, "alarm.raised", 1);
      }
    });
    expect(answers.eventRange()).toEqual({ oldest: 1, newest: 5 });
    expect(answers.events(2, 2)).toEqual([
      { seq: 3, json: `{"seq":3}` },
      { seq: 4, json: `{"seq":4}` },
    ]);
    expect(answers.events(5, 2)).toEqual([]);
  });

  plainTest("commands newest first, with their history; by state and by meter", () => {
    const { ledger, answers } = opened();
    const at = (ms: number) => timestampMs(startMs + ms);
    const history = [{ state: "requested", atMs: at(0), by: "engine", detail: null }] as const;
    inTransaction(ledger, () => {
      for (let i = 0; i < 5; i++) {
        const state = i === 2 ? "held" : "verified";
        const meterNo = i === 4 ? 2 : 1;
        const command = commandRow(`C${i}`, { requestedAtMs: at(i >> 1), state, meterNo });
        ledger.putCommand({ command, transitions: history });
      }
    });
    const ids = (states: readonly "held"[] | null, meterId: string | null) =>
      walk((cursor) => answers.commands(states, meterId, cursor, 2)).map((c) => c.command.id);
    expect(ids(null, null)).toEqual(["C4", "C3", "C2", "C1", "C0"]);
    expect(ids(["held"], null)).toEqual(["C2"]);
    expect(ids(null, "M0002")).toEqual(["C4"]);
    expect(ids(["held"], "M0002")).toEqual([]);
    expect(answers.command("C0")).toMatchObject({
      command: commandRow("C0", { state: "verified" }),
      habit: { lastSeenAtMs: null, gapsMs: [], reportEveryMs: hourMs },
      meterId: "M0001",
      history,
    });
  });

  plainTest("raw uplinks by sequence, and what waits in quarantine, newest first", () => {
    const { ledger, answers } = opened();
    const quarantined = {
      meterNo: null,
      protocol: "cjt188",
      reason: "CHECKSUM",
      detail: "expected 16, found 17",
      receivedAtMs: startMs,
    } as const;
    inTransaction(ledger, () => {
      ledger.putUplink(uplinkRow(1));
      for (const seq of [2, 3]) {
        ledger.putUplink(
          uplinkRow(seq, { meterNo: null, route: "gateway:G1", outcome: "quarantined" }),
        );
        ledger.putQuarantine({ ...quarantined, uplinkSeq: seq });
      }
    });
    const uplinks = answers.uplinks(0, 2);
    expect(uplinks.map(({ seq, meterId }) => [seq, meterId])).toEqual([
      [1, "M0001"],
      [2, null],
    ]);
    expect(uplinks[0]).toEqual({ ...uplinkRow(1), meterId: "M0001" });
    const waiting = walk((cursor) => answers.quarantine(cursor, 1));
    expect(waiting.map((row) => row.uplinkSeq)).toEqual([3, 2]);
    expect(waiting[1]).toMatchObject({ reason: "CHECKSUM", meterId: null });
    expect(waiting[1]?.bytes).toEqual(uplinkRow(2).bytes);
  });

  plainTest.each([
    ["no JSON", "x"],
    ["no list", "e30"],
    ["too short a list", "WzFd"],
    ["a word for a number", "WyJhIiwxXQ"],
    ["too long", "W".repeat(9_999)],
  ])("a cursor that was never given out is refused: %s", (_what, cursor) => {
    const { answers } = opened();
    const invalid = expect.objectContaining({ code: "CURSOR_INVALID" });
    expect(() => answers.readings("M0001", 0, 1, cursor, 5)).toThrow(QueryError);
    expect(() => answers.readings("M0001", 0, 1, cursor, 5)).toThrow(invalid);
  });
});
