/** The district's own record of what really happened. The engine never sees it; tests compare the two. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { ReplyResult, ValvePosition } from "#domain/telegram.ts";
import type { SimulatedProtocol } from "./codec.ts";
import type { Incident } from "./incidents.ts";

type TruthRecord =
  | { readonly kind: "incident"; readonly atMs: number; readonly incident: Incident }
  /** The meter received an order; `result` null: it gave no answer. */
  | {
      readonly kind: "order";
      readonly atMs: number;
      readonly meterId: string;
      readonly order: string;
      readonly result: ReplyResult | null;
      readonly isNew: boolean;
    }
  /** The motor ran. `movements` counts the life of this valve. */
  | {
      readonly kind: "movement";
      readonly atMs: number;
      readonly meterId: string;
      readonly order: string;
      readonly endsAtMs: number;
      readonly position: ValvePosition;
      readonly movements: number;
    }
  /** The engine acknowledged these bytes. */
  | {
      readonly kind: "acknowledged";
      readonly atMs: number;
      readonly meterId: string;
      readonly protocol: SimulatedProtocol;
      readonly hex: string;
    }
  /** The meter's memory was full: its oldest unacknowledged upload is gone. */
  | { readonly kind: "forgotten"; readonly atMs: number; readonly meterId: string }
  | {
      readonly kind: "volume";
      readonly atMs: number;
      readonly meterId: string;
      readonly startMl: number;
      readonly trueMl: number;
      readonly shownMl: number;
      readonly movements: number;
    };

export interface Truth {
  write(record: TruthRecord): void;
  close(): void;
}

/** Keeps the records for a test to look at. */
export interface MemoryTruth extends Truth {
  readonly records: readonly TruthRecord[];
}

export function memoryTruth(): MemoryTruth {
  const records: TruthRecord[] = [];
  return { records, write: (record) => void records.push(record), close: () => undefined };
}

/** For those who only want to watch. */
export const noTruth: Truth = { write: () => undefined, close: () => undefined };

/** One JSON object a line; written at once, because the process under test may be killed at any instant. */
export function fileTruth(path: string): Truth {
  const file = openSync(path, "a");
  return {
    write: (record) => void writeSync(file, `${JSON.stringify(record)}\n`),
    close: () => closeSync(file),
  };
}
