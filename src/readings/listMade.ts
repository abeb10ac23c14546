/** What the list says when a merge, a roll-up or a retirement is done; in the caller's transaction. */
import { invariant, unreachable } from "#domain/invariant.ts";
import { dayMs, formatInstant, timestampMs } from "#domain/units.ts";
import type { AuditRow } from "#ports/ledger.ts";
import { dateOfDay, monthOfDay } from "./gasDay.ts";
import { isSegment, staleness, type Manifest, type ManifestFile } from "./manifest.ts";
import type { Work, WorkMade } from "./work.ts";

type WorkOf<Kind extends Work["kind"]> = Extract<Work, { readonly kind: Kind }>;

/** How long readings are kept, and where it is written down when some go. */
export interface Keeping {
  readonly keepMs: number;
  readonly putAudit: (row: AuditRow) => void;
}

/** The new file counts, and what it was made from does no more. */
export function listMade(
  manifest: Manifest,
  work: Exclude<Work, WorkOf<"flush">>,
  made: WorkMade,
  keeping: Keeping,
): void {
  const [by] = made.files;
  invariant(by !== undefined, "such work makes one file");
  manifest.putFile(by);
  switch (work.kind) {
    case "merge":
      for (const { no } of work.inputs) manifest.replaceFile(no, by.no, work.output.reason);
      return;
    case "rollUp":
      listRollUp(manifest, work, by, made.closingsChanged);
      return;
    case "retire":
      listRetirement(manifest, work, by, keeping.keepMs);
      keeping.putAudit(auditOf(work, made, by, keeping.keepMs));
      return;
    default:
      unreachable(work);
  }
}

function listRollUp(
  manifest: Manifest,
  { former, output }: WorkOf<"rollUp">,
  by: ManifestFile,
  closingsChanged: boolean,
): void {
  if (former !== null) manifest.replaceFile(former.no, by.no, output.reason);
  const later = manifest
    .files()
    .filter(({ kind, fromDay }) => kind === "rollup" && fromDay > output.fromDay);
  for (const [place, { no, stale }] of later.entries()) {
    if (!closingsChanged) {
      if (stale === staleness.ownRows || stale === staleness.carried) break;
      manifest.setStale(no, staleness.none);
    } else if (stale !== staleness.ownRows) {
      // The next day was built on what has changed now, those after it perhaps.
      const isCarried = place === 0 || stale === staleness.carried;
      manifest.setStale(no, isCarried ? staleness.carried : staleness.perhapsCarried);
    }
  }
}

/** The last of its days is rolled up anew, from what is left of it: the days behind it are built on that. */
function listRetirement(
  manifest: Manifest,
  { inputs, rollUps, output, atMs }: WorkOf<"retire">,
  by: ManifestFile,
  keepMs: number,
): void {
  const reason = `readings are kept for ${Math.round(keepMs / dayMs)} days`;
  for (const { no, kind } of [...inputs, ...rollUps]) {
    if (kind === "last") manifest.replaceFile(no, by.no, output.reason);
    else manifest.retireFile(no, by.no, atMs, reason);
  }
  const base = manifest.files().find(({ kind, toDay }) => kind === "rollup" && toDay === by.toDay);
  if (base !== undefined) manifest.setStale(base.no, staleness.ownRows);
}

/** What went, by its bytes, and what asked for it. */
function auditOf(
  { inputs, rollUps, output, atMs }: WorkOf<"retire">,
  { hashes }: WorkMade,
  by: ManifestFile,
  keepMs: number,
): AuditRow {
  const segments = inputs.filter(isSegment);
  const months = segments.map(({ fromDay }) => dateOfDay(monthOfDay(fromDay).first).slice(0, 7));
  const files = [...inputs, ...rollUps].map(({ name, rows, bytes }) => ({
    name,
    rows,
    bytes,
    sha256: hashes[name],
  }));
  const detail = {
    months: [...new Set(months)],
    readings: segments.reduce((sum, { rows }) => sum + rows, 0),
    olderThan: formatInstant(timestampMs(output.toMs)),
    setting: { "retention.readingsDays": keepMs / dayMs },
    kept: { file: by.name, readings: by.rows },
    files,
  };
  return {
    atMs,
    actor: "retention",
    role: "process",
    act: "retention.sweep",
    subject: "readings",
    reason: null,
    detailJson: JSON.stringify(detail),
  };
}
