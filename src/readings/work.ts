/** The work that makes files, as values that can go to another thread. None of it changes the manifest. */
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { FileKind, ManifestFile } from "./manifest.ts";
import type { Span } from "./segmentCursor.ts";

/** A file before its rows are known. */
export interface PlannedFile extends Span {
  readonly no: number;
  readonly kind: FileKind;
  readonly name: string;
  readonly fromDay: number;
  readonly toDay: number;
  readonly reason: string;
}

/** Why a roll-up is made again whose file is damaged: the former one is put aside, never removed. */
export const damagedReason = "damaged";

export type Work =
  /** Hot batches up to a number, one file a gas day, numbered from `firstFileNo` on. */
  | { readonly kind: "flush"; readonly toNo: number; readonly firstFileNo: number }
  /** Several files as one. */
  | {
      readonly kind: "merge";
      readonly inputs: readonly ManifestFile[];
      readonly output: PlannedFile;
    }
  /** A closed gas day, from the segments that hold it and the roll-up before. */
  | {
      readonly kind: "rollUp";
      readonly inputs: readonly ManifestFile[];
      readonly previous: ManifestFile | null;
      /** The roll-up of the same day that this one replaces. */
      readonly former: ManifestFile | null;
      readonly night: Span;
      readonly output: PlannedFile;
    }
  /** A month that nobody must keep any longer: what must outlive it, as one file with that of the months before. */
  | {
      readonly kind: "retire";
      readonly inputs: readonly ManifestFile[];
      /** Those of its days, but for the last one. */
      readonly rollUps: readonly ManifestFile[];
      readonly output: PlannedFile;
      readonly atMs: number;
    };

/** A damaged roll-up is made again. */
export function isRemake(work: Work): work is Extract<Work, { kind: "rollUp" }> {
  return work.kind === "rollUp" && work.output.reason === damagedReason;
}

export interface DamagedBatch {
  readonly no: number;
  readonly fault: string;
}

export interface WorkMade {
  readonly ok: true;
  readonly files: readonly ManifestFile[];
  readonly rows: number;
  readonly repeated: number;
  readonly damagedBatches: readonly DamagedBatch[];
  /** Of a roll-up: a meter ends the day with another register than the former one said. */
  readonly closingsChanged: boolean;
  /** Of a retirement: SHA-256 of what each file held that goes, by its name. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** `damage`: an input cannot be read in full, so nothing was made and nothing may be replaced. */
export type WorkResult = WorkMade | { readonly ok: false; readonly damage: DamagedPlace };

/** Does one piece of work after the other, on this thread or another. */
export interface WorkRunner {
  run(work: Work): Promise<WorkResult>;
}
