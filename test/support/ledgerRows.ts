/** Rows as the engine would write them, with one line per difference. */
import { unhidden, type Alarm } from "#domain/alarm.ts";
import type { Command } from "#domain/command.ts";
import { alarmId, commandId, parseMeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import type { Meter } from "#domain/meter.ts";
import type { StoredReading } from "#domain/reading.ts";
import { hourMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { AuditRow, Ledger, UplinkRow } from "#ports/ledger.ts";

/** Runs the writes in one transaction. */
export function inTransaction(ledger: Ledger, write: () => void): void {
  ledger.begin();
  write();
  ledger.commit();
}

/** 2026-11-22T00:00:00Z. */
export const startMs = 1_795_305_600_000;

export function meterRow(no: number, differing: Partial<Meter> = {}): Meter {
  const id = parseMeterId(`M${String(no).padStart(4, "0")}`);
  invariant(id !== undefined, "a made-up id is an id");
  return {
    no,
    id,
    size: "G4",
    protocol: "json",
    quantumMl: 10_000,
    registerRangeMl: 100_000_000_000,
    area: "binhai-3",
    siteClass: "household",
    position: { longitude: 120.58, latitude: 30.01, crs: "WGS84" },
    address: null,
    critical: false,
    pilotMlPerHour: 0,
    frameAddress: null,
    carrierAddress: null,
    kind: "meter",
    selfClosesAfterDays: null,
    verificationDueOn: null,
    retirementDueOn: null,
    profile: null,
    reportEveryMs: hourMs,
    lifecycle: "active",
    version: 1,
    ...differing,
  };
}

export function uplinkRow(seq: number, differing: Partial<UplinkRow> = {}): UplinkRow {
  return {
    seq,
    meterNo: 1,
    route: "meter",
    protocol: "json",
    receivedAtMs: startMs + seq,
    outcome: "accepted",
    bytes: new Uint8Array([0x68, seq & 0xff, 0x16]),
    ...differing,
  };
}

/** Times are given in milliseconds after `startMs`. */
export function readingRow(
  seq: number,
  atMs: number,
  differing: Partial<StoredReading> = {},
): StoredReading {
  return {
    seq,
    meterNo: 1,
    measuredAtMs: timestampMs(startMs + atMs),
    receivedAtMs: timestampMs(startMs + atMs + 1_000),
    deviceAtMs: timestampMs(startMs + atMs),
    indexMl: volumeMl(1_234_567_000 + seq),
    rawCount: 1_234_567,
    rawExponent: -3,
    flowMlPerHour: 350_000,
    temperatureCentiC: 1_820,
    pressurePa: 2_100,
    batteryMv: 3_600,
    batteryPct: 87,
    signalDbm: -91,
    valve: "open",
    status: 0,
    quality: "validated",
    flags: 0,
    uplinkSeq: seq,
    ...differing,
  };
}

export function alarmRow(id: string, differing: Partial<Alarm> = {}): Alarm {
  return {
    id: alarmId(id),
    meterNo: 1,
    rule: "R1",
    ruleVersion: 1,
    level: 1,
    priority: 1,
    occurrence: 1,
    historical: false,
    state: "unacknowledged",
    raisedAtMs: timestampMs(startMs),
    returnedAtMs: null,
    knownAtMs: timestampMs(startMs + 1_000),
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    ...unhidden,
    proof: { status: "leak", flowMlPerHour: 350_000 },
    ...differing,
  };
}

export function commandRow(id: string, differing: Partial<Command> = {}): Command {
  return {
    id: commandId(id),
    meterNo: 1,
    action: "close",
    cause: { kind: "alarm", ref: "A1" },
    reason: "leak",
    state: "requested",
    detail: null,
    sequence: 7,
    attempts: 0,
    approvalsNeeded: 0,
    approvals: [],
    permit: null,
    parameters: null,
    armedAtMs: null,
    requestedAtMs: timestampMs(startMs),
    expiresAtMs: timestampMs(startMs + hourMs),
    sentAtMs: null,
    ...differing,
  };
}

export function auditRow(act: string): AuditRow {
  return {
    atMs: startMs,
    actor: "a.operator",
    role: "operator",
    act,
    subject: "M0001",
    reason: null,
    detailJson: "{}",
  };
}
