/** Lets a city live on a real engine with a real ledger, faster than time; what the engine said is read at the end. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { emptyMeterFile } from "#domain/meterFile.ts";
import { parseMeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import type { MeterDraft } from "#domain/meter.ts";
import { protocolNames, sizeLimits } from "#domain/meter.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { dayMs, hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import { startEngine, type Engine } from "#engine/engine.ts";
import type { UplinkBatch } from "#engine/messages.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { ledgerFileName, openLedger } from "#ledger/openLedger.ts";
import type { Ask, AskEnvelope } from "#ports/requests.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import { City, cityStartMs, type Arrival, type CityPlan } from "#simulators/city/city.ts";
import type { ExchangeEntry } from "#simulators/city/cityMeter.ts";
import { detectionFloors } from "#rules/stepRules.ts";
import { factoryTuning } from "#rules/tuning.ts";
import type { Site } from "#simulators/city/site.ts";
import type { AlarmLine, OutageLine, TruthLine } from "#simulators/city/truth.ts";
import { systemRng } from "./systemRng.ts";

/** So much of the city's time goes into one batch. */
const batchMs = 5 * minuteMs;
const registerBatch = 500;

export interface CityOutcome {
  readonly truth: readonly TruthLine[];
  readonly outages: readonly OutageLine[];
  readonly alarms: readonly AlarmLine[];
  readonly uplinks: number;
  readonly meterDays: number;
}

/** Runs the whole plan; the ledger stays in the directory. */
export function runCity(
  plan: CityPlan,
  directory: string,
  say: (doneDays: number, uplinks: number) => void,
  ruleDocument: RuleDocument | null = null,
): CityOutcome {
  const city = new City(plan);
  const ledger = openLedger(directory);
  let nowMs = cityStartMs;
  const engine = startEngine({
    ledger,
    clock: { nowMs: () => timestampMs(nowMs), monotonicMs: () => nowMs },
    rng: systemRng,
    protocols: protocolByName,
    carriers: carrierByName,
    files: { of: () => emptyMeterFile, profile: () => undefined, confirmed: () => ({}) },
    isStoreFailure: (error) => error instanceof LedgerError,
    ruleDocument,
  });
  register(engine, city.sites);
  let uplinks = 0;
  for (const { fromMs, arrivals, exchanges } of city.hours()) {
    let place = 0;
    for (let atMs = fromMs; atMs < fromMs + hourMs; atMs += batchMs) {
      const from = place;
      while (place < arrivals.length && (arrivals[place]?.atMs ?? 0) < atMs + batchMs) place += 1;
      nowMs = atMs + batchMs;
      enter(
        engine,
        exchanges.filter((entry) => entry.atMs >= atMs && entry.atMs < nowMs),
      );
      feed(engine, arrivals.slice(from, place));
      ledger.flushFull();
    }
    uplinks += arrivals.length;
    const doneMs = fromMs + hourMs - cityStartMs;
    if (doneMs % dayMs === 0) say(doneMs / dayMs, uplinks);
  }
  ledger.close();
  const alarms = alarmsIn(directory);
  const truth = city.truth(floorsOf);
  const meterDays = city.sites.length * plan.days;
  return { truth, outages: city.outages, alarms, uplinks, meterDays };
}

/** What the factory's rules declare for a site's meter. */
function floorsOf({ size, quantumMl, siteClass, pilotMlPerHour }: Site) {
  const meter = { quantumMl, siteClass, pilotMlPerHour };
  return detectionFloors({ ...sizeLimits(size), ...meter, tuning: factoryTuning });
}

function feed(engine: Engine, arrivals: readonly Arrival[]): void {
  const report = engine.process({
    ...{ kind: "batch", notices: [], asks: [], isLast: false },
    uplinks: arrivals.length === 0 ? null : packed(arrivals),
  });
  invariant(report.kind === "committed", "the city's ledger takes every batch");
}

function packed(arrivals: readonly Arrival[]): UplinkBatch {
  const ends = new Uint32Array(arrivals.length);
  let end = 0;
  for (const [place, { bytes }] of arrivals.entries()) ends[place] = end += bytes.length;
  const bytes = new Uint8Array(end);
  for (const [place, arrival] of arrivals.entries()) {
    bytes.set(arrival.bytes, (ends[place] ?? 0) - arrival.bytes.length);
  }
  return {
    bytes,
    ends,
    meterNos: Int32Array.from(arrivals, ({ meterNo }) => meterNo),
    receivedAtMs: Float64Array.from(arrivals, ({ atMs }) => atMs),
    protocols: Uint8Array.from(arrivals, ({ protocol }) => protocolNames.indexOf(protocol)),
    marks: new Uint8Array(arrivals.length),
    gateways: arrivals.map(() => ""),
  };
}

/** The fitter enters both registers on the spot. */
function enter(engine: Engine, exchanges: readonly ExchangeEntry[]): void {
  if (exchanges.length === 0) return;
  const asks = exchanges.map((entry, askNo) => {
    const reason = "verification due";
    const serials = { formerSerial: null, serial: null };
    const what = { ...entry, ...serials, openingMl: 0, change: {}, reason };
    return { askNo, envelope: envelopeOf({ kind: "meter.exchange", ...what }) };
  });
  const report = engine.process({ kind: "batch", uplinks: null, notices: [], asks, isLast: false });
  invariant(report.kind === "committed", "the city's ledger takes every batch");
  for (const { result } of report.answers) invariant(result.ok, "the exchange is as it was");
}

function envelopeOf(ask: Ask): AskEnvelope {
  const actor = { label: "city", role: "admin" } as const;
  return { actor, ask, idempotency: null, source: "city" };
}

function register(engine: Engine, sites: readonly Site[]): void {
  for (let from = 0; from < sites.length; from += registerBatch) {
    const asks = sites.slice(from, from + registerBatch).map((site, askNo) => {
      return { askNo, envelope: envelopeOf({ kind: "meter.register", meter: draftOf(site) }) };
    });
    engine.process({ kind: "batch", uplinks: null, notices: [], asks, isLast: false });
  }
}

function draftOf(site: Site): MeterDraft {
  const id = parseMeterId(site.id);
  invariant(id !== undefined, "the city makes meter ids");
  const { size, quantumMl, area, siteClass, reportEveryMs, protocol, pilotMlPerHour } = site;
  const { frameAddress, device, selfClosesAfterDays, verificationDueOn, retirementDueOn } = site;
  return {
    ...{ id, size, quantumMl, area, siteClass, reportEveryMs, protocol, pilotMlPerHour },
    ...{ frameAddress, kind: device, selfClosesAfterDays, verificationDueOn, retirementDueOn },
    registerRangeMl: 100_000_000_000,
    position: null,
    address: null,
    critical: true,
    carrierAddress: null,
    profile: null,
    lifecycle: "active",
  };
}

function alarmsIn(directory: string): readonly AlarmLine[] {
  const db = new DatabaseSync(join(directory, ledgerFileName), { readOnly: true });
  const rows = db
    .prepare(
      `SELECT a.id, a.subject, m.id AS meterId, a.rule, a.priority, a.level, a.rung_at, a.listed, a.raised_at, a.returned_at,
         a.known_at FROM alarm AS a LEFT JOIN meter AS m ON m.no = a.meter_no
       ORDER BY a.id`,
    )
    .all();
  const rings = db
    .prepare(
      `SELECT json_extract(json, '$.alarm.id') AS id, at FROM event
       WHERE kind IN ('alarm.raised', 'alarm.reraised', 'alarm.escalated')
         AND json_extract(json, '$.alarm.state') LIKE '%unacknowledged' ORDER BY seq`,
    )
    .all();
  db.close();
  const ringsById = Map.groupBy(rings, ({ id }) => id);
  return rows.map((row) => ({
    meterId: row["meterId"] === null ? null : String(row["meterId"]),
    subject: row["subject"] === null ? null : String(row["subject"]),
    rule: String(row["rule"]),
    priority: Number(row["priority"]),
    level: Number(row["level"]),
    rang: row["rung_at"] !== null,
    listed: row["listed"] === 1,
    raisedAtMs: Number(row["raised_at"]),
    knownAtMs: Number(row["known_at"]),
    stands: row["returned_at"] === null,
    rangAtMs: (ringsById.get(row["id"] ?? "") ?? []).map(({ at }) => Number(at)),
  }));
}
