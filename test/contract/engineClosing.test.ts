/** What may close without a person: the policy by layers, and the first day of what lets more valves close. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ClosePolicy } from "#domain/closePolicy.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import type { MeterDraft } from "#domain/meter.ts";
import { statusBits } from "#domain/status.ts";
import { emptyReading } from "#domain/telegram.ts";
import { dayMs, hourMs, minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { Actor } from "#ports/requests.ts";
import { encodeCjt188Uplink } from "#protocols/cjt188/uplink.ts";
import { armAfterMs } from "#valves/closePolicy.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

const policy: ClosePolicy = {
  version: "1",
  by: "gas safety board",
  reason: "pilot in the old town",
  all: {},
  siteClasses: {},
  areas: {},
  meters: {},
};
const never: ClosePolicy = { ...policy, version: "2", all: { R1: "never" } };
const persons: ClosePolicy = { ...policy, version: "3", all: { R1: "person" } };

let engine: EngineUnderTest;

beforeEach(() => (engine = new EngineUnderTest()));
afterEach(() => engine.close());

function report(meterNo: number, members: object = {}, reachable = false): BatchReport {
  engine.nowMs += minuteMs;
  const bytes = jsonBytes({
    measuredAt: engine.nowMs,
    volumeM3: "1.000",
    valve: "open",
    ...members,
  });
  return engine.uplinks([{ meterNo, bytes, reachable }]);
}

/** What a leak at a new meter brings about. */
function leakAt(id: string, change: Partial<MeterDraft> = {}): string {
  const meterNo = engine.register(id, change);
  report(meterNo, { status: ["leak"] });
  return ordered(meterNo);
}

/** The same at a meter whose bits mean what its profile says. */
function makersLeakAt(id: string, address: string): string {
  const meterNo = engine.register(id, { protocol: "cjt188", frameAddress: address });
  makersLeak(meterNo, address);
  return ordered(meterNo);
}

function makersLeak(meterNo: number, address: string): void {
  engine.nowMs += minuteMs;
  const volume = { ml: volumeMl(1_000_000), count: 1_000, exponent: -3 };
  const measuredAtMs = timestampMs(engine.nowMs);
  const status = statusBits.leak;
  const reading = { ...emptyReading, measuredAtMs, volume, valve: "open", status } as const;
  const bytes = encodeCjt188Uplink({ address, frameId: null, readings: [reading], replies: [] });
  engine.uplinks([{ meterNo, bytes, protocol: "cjt188" }]);
}

function ordered(meterNo: number): string {
  const rows = engine.rows("SELECT state, detail FROM command WHERE meter_no = ?", meterNo);
  return rows.map(({ state, detail }) => `${String(state)} ${String(detail)}`).join(", ");
}

function rings(): number {
  return engine.alarms("R1").filter(({ state }) => state === "unacknowledged").length;
}

test("a fresh installation closes at its first leak, with a policy or without", () => {
  expect(leakAt("M1")).toBe("queued null");
  engine.close();
  engine = new EngineUnderTest();
  engine.restart(null, { closePolicy: policy });
  expect(leakAt("M1")).toBe("queued null");
});

test("the narrowest layer that names the rule decides, and the alarm rings whatever it says", () => {
  const layers: ClosePolicy = {
    ...policy,
    all: { R1: "person" },
    siteClasses: { commercial: { R1: "never" }, industry: { R19: "never" } },
    areas: { old: { R1: "never" } },
    meters: { M6: { R1: "person" } },
  };
  engine.restart(null, { closePolicy: layers });
  expect(leakAt("M1")).toBe("held policy-person");
  expect(leakAt("M2", { siteClass: "commercial" })).toBe("refused policy-forbids");
  expect(leakAt("M3", { area: "old" })).toBe("refused policy-forbids");
  expect(leakAt("M4", { area: "old", siteClass: "commercial" })).toBe("refused policy-forbids");
  expect(leakAt("M5", { siteClass: "industry" })).toBe("held policy-person");
  expect(leakAt("M6", { area: "old" })).toBe("held policy-person");
  expect(rings()).toBe(6);
  // What waits for persons by policy is no breaker's matter.
  engine.nowMs += minuteMs;
  engine.process({});
  expect(engine.alarms("BREAKER")).toEqual([]);
});

test("what the policy leaves to persons leaves with the yes of two", () => {
  engine.restart(null, { closePolicy: persons });
  const meterNo = engine.register("M1");
  for (const label of ["anna", "ben"]) {
    engine.ask({
      kind: "apiKey.issue",
      apiKey: { id: label, keyHash: "0", role: "operator", label },
    });
  }
  report(meterNo, { status: ["leak"] }, true);
  const commandId = engine.ledger.openCommands()[0]?.id ?? "";
  const approve = (label: string) =>
    engine.ask({ kind: "command.approve", commandId, reason: "seen" }, {
      label,
      role: "operator",
    } satisfies Actor);
  expect(approve("anna")).toMatchObject({ ok: true });
  expect(approve("anna")).toMatchObject({ refusal: { kind: "same-person" } });
  report(meterNo, { status: ["leak"] }, true);
  expect(ordered(meterNo)).toBe("held policy-person");
  expect(approve("ben")).toMatchObject({ ok: true });
  report(meterNo, { status: ["leak"] }, true);
  expect(ordered(meterNo)).toBe("sent null");
});

test("no policy closes a critical customer, or on old data, or over the stop switch", () => {
  const loose: ClosePolicy = { ...policy, meters: { M1: { R1: "automatic" } } };
  engine.restart(null, { closePolicy: loose });
  engine.nowMs += 2 * armAfterMs;
  expect(leakAt("M1", { critical: true })).toBe("refused critical-customer");
  const meterNo = engine.register("M2");
  report(meterNo, { measuredAt: engine.nowMs - hourMs, status: ["leak"] });
  expect(ordered(meterNo)).toMatch(/^(refused stale-data)?$/);
  engine.ask({ kind: "automation.stop", reason: "drill" });
  expect(leakAt("M3")).toBe("refused automation-stopped");
});

test("what lets more valves close waits a day in sight of people, over restarts", () => {
  engine.restart(null, { closePolicy: never });
  engine.restart(null, { closePolicy: policy });
  expect(leakAt("M1")).toBe("refused not-armed");
  expect(rings()).toBe(1);
  const changedMs = engine.nowMs;
  engine.restart(null, { closePolicy: policy });
  engine.nowMs = changedMs + armAfterMs - hourMs;
  engine.restart(null, { closePolicy: policy });
  expect(leakAt("M2")).toBe("refused not-armed");
  engine.nowMs = changedMs + armAfterMs;
  expect(leakAt("M3")).toBe("queued null");
  // A person closes meanwhile as ever.
  const closing = { kind: "valve.close", reason: "seen", expiresInMs: hourMs } as const;
  expect(engine.ask({ ...closing, meterId: "M1" })).toMatchObject({ ok: true });
});

test("taking a policy away is such a change, and what stays as it was goes on", () => {
  const oldTown: ClosePolicy = { ...policy, areas: { old: { R1: "never" } } };
  engine.restart(null, { closePolicy: oldTown });
  engine.nowMs += 2 * dayMs;
  engine.restart();
  expect(leakAt("M1", { area: "old" })).toBe("refused not-armed");
  expect(leakAt("M2")).toBe("queued null");
  engine.restart(null, { closePolicy: oldTown });
  expect(leakAt("M3")).toBe("queued null");
});

test("a profile whose bits are believed from now on, or mean something else, waits its day", () => {
  const confirmed = (content: string) => ({
    confirmed: () => ({ "simulated-cjt188": content }),
  });
  engine.restart(null, { confirmed: () => ({}) });
  engine.restart(null, confirmed("a"));
  expect(makersLeakAt("M1", "51510000000041")).toBe("refused not-armed");
  expect(leakAt("M2")).toBe("queued null");
  engine.nowMs += armAfterMs;
  expect(makersLeakAt("M3", "51510000000043")).toBe("queued null");
  engine.restart(null, confirmed("b"));
  expect(makersLeakAt("M4", "51510000000044")).toBe("refused not-armed");
});

test("a meter that is moved to where more closes by itself waits a day, over restarts; the others do not", () => {
  const town: ClosePolicy = {
    ...policy,
    areas: { old: { R1: "never" } },
    siteClasses: { commercial: { R1: "person" } },
  };
  engine.restart(null, { closePolicy: town });
  engine.nowMs += 2 * dayMs;
  const ways: readonly (readonly [Partial<MeterDraft>, Partial<MeterDraft>])[] = [
    [{ area: "old" }, { area: "new" }],
    [{ siteClass: "commercial" }, { siteClass: "household" }],
    [{ critical: true }, { critical: false }],
    [{ protocol: "protobuf" }, { protocol: "json" }],
  ];
  const nos = ways.map(([from, to], at) => {
    const meterNo = engine.register(`M${at}`, { area: "new", ...from });
    const change = {
      kind: "meter.change",
      meterId: `M${at}`,
      ifVersion: null,
      change: to,
    } as const;
    expect(engine.ask(change).ok).toBe(true);
    return meterNo;
  });
  const movedMs = engine.nowMs;
  expect(leakAt("M8", { area: "new" })).toBe("queued null");
  engine.restart(null, { closePolicy: town });
  for (const meterNo of nos) {
    report(meterNo, { status: ["leak"] });
    expect(ordered(meterNo)).toBe("refused not-armed");
    const rows = engine.rows("SELECT armed_at FROM command WHERE meter_no = ?", meterNo);
    expect(rows).toEqual([{ armed_at: movedMs + armAfterMs }]);
  }
});

test("the day of a moved meter ends; what becomes stricter holds at once and back again waits anew", () => {
  const town: ClosePolicy = { ...policy, areas: { old: { R1: "never" } } };
  engine.restart(null, { closePolicy: town });
  const move = (area: string) =>
    engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change: { area } }).ok;
  const meterNo = engine.register("M1", { area: "old" });
  expect([move("new"), move("old")]).toEqual([true, true]);
  report(meterNo, { status: ["leak"] });
  expect(ordered(meterNo)).toBe("refused policy-forbids");
  engine.close();
  engine = new EngineUnderTest();
  engine.restart(null, { closePolicy: town });
  const again = engine.register("M1", { area: "old" });
  expect(move("new")).toBe(true);
  engine.nowMs += armAfterMs - minuteMs;
  report(again, { status: ["leak"] });
  expect(ordered(again)).toBe("queued null");
});

test("a meter of another model, whose bits mean something else, waits its day", () => {
  const confirmed = () => ({ "simulated-cjt188": "a" });
  engine.restart(null, { confirmed });
  const address = "51510000000041";
  const file = { protocol: "cjt188", frameAddress: address } as const;
  const meterNo = engine.register("M1", { ...file, profile: null });
  const change = { profile: "simulated-cjt188" };
  const asked = engine.ask({ kind: "meter.change", meterId: "M1", ifVersion: null, change });
  expect(asked.ok).toBe(true);
  makersLeak(meterNo, address);
  expect(ordered(meterNo)).toBe("refused not-armed");
});

test("a meter that is moved to other thresholds waits its day; without other thresholds it closes", () => {
  const eve = { label: "eve", role: "engineer" } as const;
  const document: RuleDocument = {
    version: "11",
    hash: "c1",
    all: {},
    sizes: {},
    siteClasses: {},
    meters: {},
    areas: { old: { R1: { asksForClose: false } } },
  };
  engine.ask({ kind: "rules.preview", document }, eve);
  engine.ask({ kind: "rules.put", document, replaces: 0, reason: "drill" }, eve);
  engine.nowMs += 3 * dayMs;
  const meters = [engine.register("M1", { area: "old" }), engine.register("M2", { area: "hill" })];
  for (const meterId of ["M1", "M2"]) {
    const change = { area: "new" };
    expect(engine.ask({ kind: "meter.change", meterId, ifVersion: null, change }).ok).toBe(true);
  }
  for (const meterNo of meters) report(meterNo, { status: ["leak"] });
  expect(meters.map(ordered)).toEqual(["refused not-armed", "queued null"]);
});

test("a leak that a document lets close again waits a day from its preview", () => {
  const eve = { label: "eve", role: "engineer" } as const;
  const layers = { all: {}, sizes: {}, siteClasses: {}, meters: {} };
  const quiet: RuleDocument = {
    ...layers,
    version: "9",
    hash: "a9",
    areas: { old: { R1: { asksForClose: false } } },
  };
  const loud: RuleDocument = { ...layers, version: "10", hash: "b0", areas: {} };
  const reason = "drill";
  engine.ask({ kind: "rules.preview", document: quiet }, eve);
  engine.ask({ kind: "rules.put", document: quiet, replaces: 0, reason }, eve);
  expect(leakAt("M1", { area: "old" })).toBe("");
  engine.nowMs += 3 * dayMs;
  engine.ask({ kind: "rules.preview", document: loud }, eve);
  const previewedMs = engine.nowMs;
  engine.nowMs += hourMs;
  const put = { kind: "rules.put", document: loud, replaces: 1, reason } as const;
  expect(engine.ask(put, eve)).toMatchObject({ ok: true });
  expect(leakAt("M2", { area: "old" })).toBe("refused not-armed");
  expect(leakAt("M3")).toBe("queued null");
  engine.restart();
  engine.nowMs = previewedMs + armAfterMs - 2 * minuteMs;
  expect(leakAt("M4", { area: "old" })).toBe("refused not-armed");
  engine.nowMs = previewedMs + armAfterMs;
  expect(leakAt("M5", { area: "old" })).toBe("queued null");
});

test("the policy forbids what a document lets other rules propose", () => {
  const eve = { label: "eve", role: "engineer" } as const;
  const document: RuleDocument = {
    ...{ sizes: {}, siteClasses: {}, areas: {}, meters: {} },
    version: "9",
    hash: "a9",
    all: { R2: { asksForClose: true } },
  };
  const small: ClosePolicy = { ...policy, areas: { old: { R2: "never" } } };
  engine.restart(null, { closePolicy: small });
  engine.ask({ kind: "rules.preview", document }, eve);
  engine.ask({ kind: "rules.put", document, replaces: 0, reason: "drill" }, eve);
  const overflow = (id: string, change: Partial<MeterDraft>) => {
    const meterNo = engine.register(id, change);
    report(meterNo);
    report(meterNo, { flowM3h: "9.000" });
    report(meterNo, { flowM3h: "9.000" });
    return ordered(meterNo);
  };
  expect(overflow("M1", {})).toBe("held proposed");
  expect(overflow("M2", { area: "old" })).toBe("refused policy-forbids");
  expect(overflow("M3", { critical: true })).toBe("held proposed");
});

test("a clock that was set back, and many changes in one day, arm nothing sooner", () => {
  engine.restart(null, { closePolicy: never });
  engine.nowMs += dayMs;
  engine.restart(null, { closePolicy: policy });
  engine.nowMs -= dayMs;
  for (let version = 0; version < 40; version += 1) {
    engine.restart(null, { closePolicy: { ...policy, version: `v${version}` } });
  }
  expect(leakAt("M1")).toBe("refused not-armed");
});

test("what waits unsent when the policy comes does not leave any more", () => {
  const waiting = engine.register("M1");
  const sent = engine.register("M2");
  report(waiting, { status: ["leak"] });
  report(sent, { status: ["leak"] }, true);
  engine.restart(null, { closePolicy: never });
  expect(ordered(waiting)).toBe("cancelled policy-forbids");
  // Whether it arrived is unknown; it is not sent a second time.
  engine.nowMs += 10 * minuteMs;
  report(sent, { status: ["leak"] }, true);
  report(sent, { status: ["leak"] }, true);
  expect(ordered(sent)).toMatch(/^queued/);
});

test("a change is told once, with who answers for it, and stands in the audit", () => {
  engine.restart(null, { closePolicy: never });
  engine.restart(null, { closePolicy: never });
  const events = engine
    .rows("SELECT json FROM event WHERE kind = 'closing.changed'")
    .map(({ json }) => JSON.parse(String(json)) as object);
  const { by, reason } = never;
  const armsAt = new Date(engine.nowMs + armAfterMs).toISOString();
  expect(events).toMatchObject([{ version: "2", by, reason, armsAt }]);
  const [entry] = engine.rows("SELECT * FROM audit WHERE act = 'closing.change'");
  expect(entry).toMatchObject({ actor: "engine", subject: "automation", reason });
  expect(JSON.parse(String(entry?.["detail"]))).toEqual({
    source: "file",
    by,
    before: null,
    after: "2",
  });
});

test("the stop switch holds for an order whose fate is unknown, also when the meter's frame is noise", () => {
  const meterNo = engine.register("M1");
  report(meterNo, { status: ["leak"] }, true);
  engine.restart();
  engine.ask({ kind: "automation.stop", reason: "drill" });
  engine.nowMs += 10 * minuteMs;
  report(meterNo);
  expect(ordered(meterNo)).toMatch(/^queued/);
  const noise = engine.uplinks([{ meterNo, bytes: jsonBytes({ volumeM3: "x" }), reachable: true }]);
  expect(noise).toMatchObject({ kind: "committed", downlinks: [] });
});
