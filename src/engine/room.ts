/** What every step in the engine is given: the world as arguments. */
import { alarmId, commandId } from "#domain/ids.ts";
import type { Meter, ProtocolName } from "#domain/meter.ts";
import type { CarrierName } from "#domain/platform.ts";
import { withLearned, withoutCounters, type MeterFile } from "#domain/meterFile.ts";
import type { Retention } from "#domain/retention.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { Clock } from "#ports/clock.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { MeterFiles } from "#ports/meterFiles.ts";
import type { Rng } from "#ports/rng.ts";
import type { Carrier } from "#protocols/carriers/contract.ts";
import type { Protocol } from "#protocols/contract.ts";
import { nextNumber, type Book } from "./book.ts";
import { startDraft, type Draft, type History } from "./draft.ts";
import type { Ids } from "./effects.ts";
import type { ClosingInForce } from "./closingInForce.ts";
import type { RulesInForce } from "./rulesInForce.ts";
import { contextOf, type Memory } from "./memory.ts";

export interface Room {
  readonly ledger: Ledger;
  readonly memory: Memory;
  readonly rules: RulesInForce;
  readonly closing: ClosingInForce;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly protocols: Readonly<Record<ProtocolName, Protocol>>;
  readonly carriers: Readonly<Record<CarrierName, Carrier>>;
  readonly files: MeterFiles;
  /** How long what is kept; none: for ever. */
  readonly retention?: Retention;
  /** Tells failed storage, which fails the batch, from a mistake in one meter's evaluation. */
  isStoreFailure(error: unknown): boolean;
}

/** Opens a step for one meter. */
export function draftFor(room: Room, book: Book, meter: Meter): Draft {
  return startDraft({
    meter,
    protocol: room.protocols[meter.protocol],
    file: plainFileOf(room, meter),
    nowMs: book.nowMs,
    ids: idsFor(room, book),
    rules: room.rules,
    closing: room.closing,
    works: room.memory.works,
    areaSize: room.memory.areaSizes.get(meter.area) ?? 1,
    history: historyOf(room.ledger, meter.no),
    context: contextOf(room.memory, meter.no),
    automation: room.memory.automation,
  });
}

/**
 * Keys, profile, and what the meter's uplinks taught. A frame of the ledger is older than the counters that came
 * after it, and the ledger knows that it was taken once; so the counters are not held against it.
 */
export function fileOf(room: Room, meter: Meter, isRebuilt: boolean): MeterFile {
  const { learned } = contextOf(room.memory, meter.no);
  return withLearned(plainFileOf(room, meter), isRebuilt ? withoutCounters(learned) : learned);
}

function plainFileOf({ files, memory }: Room, meter: Meter): MeterFile {
  return files.of(meter, memory.sealedKeys.get(meter.no) ?? noKeys);
}

const noKeys: readonly SealedKey[] = [];

function idsFor(room: Room, book: Book): Ids {
  const { memory, rng } = room;
  return {
    readingSeq: () => nextNumber(memory, "reading"),
    occurrenceId: () => nextNumber(memory, "occurrence"),
    alarmId: () => alarmId(rng.uuidV7(book.nowMs)),
    commandId: () => commandId(rng.uuidV7(book.nowMs)),
  };
}

function historyOf(ledger: Ledger, meterNo: number): History {
  return {
    at: (measuredAtMs) => ledger.readingsAt(meterNo, measuredAtMs),
    after: (fromMs) => ledger.readingsAfter(meterNo, fromMs),
    occurrencesAfter: (fromMs) => ledger.occurrencesAfter(meterNo, fromMs),
    checkpointBefore: (atMs) => ledger.checkpointBefore(meterNo, atMs),
    alarm: (id) => ledger.alarm(id),
  };
}
