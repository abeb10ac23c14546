/** What should be done next with the files: decided from the manifest alone, one piece of work at a time. */
import { GasCalendar, dateOfDay, monthOfDay } from "./gasDay.ts";
import { damagedReason, type Work, type PlannedFile } from "./work.ts";
import { isSegment, staleness, type FileKind, type ManifestFile } from "./manifest.ts";

export interface PlanSettings {
  /** Rows in the hot part that are enough for a flush. */
  readonly flushRows: number;
  /** So many batches are enough too: each costs its own at the next start, however small it is. */
  readonly flushBatches: number;
  /** What is less waits so long after the flush before, even when its day has been closed. */
  readonly flushEveryMs: number;
  /** A gas day or month is closed so long after its end: most of what is late has come by then. */
  readonly settleMs: number;
  /** So many files of an open day are merged before it ends. */
  readonly openDayFilesMax: number;
  /** So many late files wait beside a closed day's file while they hold less than that share of all its rows. */
  readonly lateDayFilesMax: number;
  readonly lateDayShareMax: number;
  /** So many late files wait beside a month's file before it is written again. */
  readonly lateFilesMax: number;
  /** A month is retired so long after its end; Infinity: never. */
  readonly keepMs: number;
}

export const planSettings: PlanSettings = {
  flushRows: 1_000_000,
  flushBatches: 16_384,
  flushEveryMs: 3_600_000,
  settleMs: 2 * 3_600_000,
  openDayFilesMax: 16,
  lateDayFilesMax: 2,
  lateDayShareMax: 0.01,
  lateFilesMax: 31,
  keepMs: Infinity,
};

export interface HotState {
  readonly rows: number;
  readonly batches: number;
  readonly batchNo: number;
  /** Oldest measured time among the hot rows; Infinity when there are none. */
  readonly firstMs: number;
  /** When the last flush was asked for; -Infinity: not since the start. */
  readonly flushedAtMs: number;
}

export interface PlanInput {
  readonly files: readonly ManifestFile[];
  readonly hot: HotState;
  readonly nextFileNo: number;
  readonly nowMs: number;
  /** Outputs (`outputKey`) whose inputs are damaged: they are left as they are. */
  readonly blocked: ReadonlySet<string>;
  /** Names of files in which damage was met. */
  readonly damaged: ReadonlySet<string>;
}

/** What a piece of work would make, whatever its number. */
export function outputKey({ kind, fromDay }: { kind: FileKind; fromDay: number }): string {
  return `${kind} ${fromDay}`;
}

/** What is next, or undefined when everything is as it should be. Every piece brings that state nearer. */
export function nextWork(
  calendar: GasCalendar,
  settings: PlanSettings,
  input: PlanInput,
): Work | undefined {
  return (
    planFlush(calendar, settings, input) ??
    planDayMerge(calendar, settings, input) ??
    planRollUp(calendar, settings, input) ??
    planMonthMerge(calendar, settings, input) ??
    planRetirement(calendar, settings, input)
  );
}

/** What is hot is flushed when it is much, or when its day has been closed: late readings wait for one another. */
function planFlush(
  calendar: GasCalendar,
  settings: PlanSettings,
  { hot, nextFileNo, nowMs }: PlanInput,
): Work | undefined {
  if (hot.rows === 0) return undefined;
  if (!isMuch(settings, hot)) {
    if (nowMs - hot.flushedAtMs < settings.flushEveryMs) return undefined;
    if (!isClosed(calendar, settings, calendar.dayOf(hot.firstMs), nowMs)) return undefined;
  }
  return { kind: "flush", toNo: hot.batchNo, firstFileNo: nextFileNo };
}

/** Enough for a flush, whatever the time. */
export function isMuch(
  { flushRows, flushBatches }: PlanSettings,
  { rows, batches }: Pick<HotState, "rows" | "batches">,
): boolean {
  return rows >= flushRows || batches >= flushBatches;
}

function isClosed(
  calendar: GasCalendar,
  settings: PlanSettings,
  day: number,
  nowMs: number,
): boolean {
  return calendar.startOf(day + 1) + settings.settleMs <= nowMs;
}

/** Files of the same day, as long as no month holds it. */
function planDayMerge(
  calendar: GasCalendar,
  settings: PlanSettings,
  { files, nextFileNo, nowMs, blocked }: PlanInput,
): Work | undefined {
  const inMonth = files.filter(({ kind }) => kind === "month");
  const days = new Map<number, ManifestFile[]>();
  for (const file of files) {
    if (file.kind !== "day" || inMonth.some((month) => covers(month, file.fromDay))) continue;
    days.set(file.fromDay, [...(days.get(file.fromDay) ?? []), file]);
  }
  for (const [day, inputs] of days) {
    const isLittle = lateShare(inputs) <= settings.lateDayShareMax;
    const closedMax = isLittle ? 1 + settings.lateDayFilesMax : 1;
    const filesMax = isClosed(calendar, settings, day, nowMs)
      ? closedMax
      : settings.openDayFilesMax;
    const isBlocked = blocked.has(outputKey({ kind: "day", fromDay: day }));
    if (inputs.length <= filesMax || isBlocked) continue;
    const reason = inputs.some(({ reason }) => reason === "late") ? "late" : "merge";
    const output = planned(calendar, "day", nextFileNo, day, day + 1, reason);
    return { kind: "merge", inputs, output };
  }
  return undefined;
}

/** What the files beside the largest hold. */
function lateShare(files: readonly ManifestFile[]): number {
  const rows = files.map((file) => file.rows);
  const all = rows.reduce((sum, own) => sum + own, 0);
  return 1 - Math.max(...rows) / all;
}

function covers(file: ManifestFile, day: number): boolean {
  return file.fromDay <= day && day < file.toDay;
}

/** The oldest closed day whose roll-up is missing, is damaged, or says less than the segments. */
function planRollUp(
  calendar: GasCalendar,
  settings: PlanSettings,
  { files, nextFileNo, nowMs, blocked, damaged }: PlanInput,
): Work | undefined {
  const segments = files.filter(({ kind }) => kind !== "rollup");
  const rollUps = files.filter(({ kind }) => kind === "rollup");
  for (const day of daysOf(calendar, segments)) {
    const former = rollUps.find(({ fromDay }) => fromDay === day) ?? null;
    const isDamaged = former !== null && damaged.has(former.name);
    const isCurrent = former?.stale === staleness.none;
    const isBlocked = blocked.has(outputKey({ kind: "rollup", fromDay: day }));
    // What is damaged and cannot be made again holds up nothing but what is built on it, and that meets the damage.
    if (isCurrent && (!isDamaged || isBlocked)) continue;
    // Later days are built on this one: a day with damage or one that is open holds them up.
    if (isBlocked || !isClosed(calendar, settings, day, nowMs)) return undefined;
    const reason = former === null ? "day closed" : isDamaged ? damagedReason : "late";
    return {
      kind: "rollUp",
      inputs: segments.filter((file) =>
        day < retiredToDay(files) ? file.fromDay <= day : covers(file, day),
      ),
      previous: rollUps.filter(({ fromDay }) => fromDay < day).at(-1) ?? null,
      former,
      night: nightOf(calendar, day),
      output: planned(calendar, "rollup", nextFileNo, day, day + 1, reason),
    };
  }
  return undefined;
}

/** Days that may have readings, the oldest first; of the retired ones the last alone, on which the others are built. */
function daysOf(calendar: GasCalendar, segments: readonly ManifestFile[]): readonly number[] {
  const days = new Set<number>();
  const leastDay = retiredToDay(segments) - 1;
  if (leastDay !== -Infinity) days.add(leastDay);
  for (const { firstMs, lastMs, kind } of segments) {
    if (kind === "last") continue;
    const from = Math.max(leastDay, calendar.dayOf(firstMs));
    for (let day = from; day <= calendar.dayOf(lastMs); day += 1) days.add(day);
  }
  return [...days].sort((one, other) => one - other);
}

const nightStartMinute = 60;
const nightEndMinute = 5 * 60;

/** 01:00 to 05:00 local time within the gas day. */
function nightOf(calendar: GasCalendar, day: number): { fromMs: number; toMs: number } {
  const { zone, startMinute } = calendar.settings;
  const at = (minute: number): number => {
    const date = minute < startMinute ? day + 1 : day;
    return new GasCalendar({ zone, startMinute: minute }).startOf(date);
  };
  return { fromMs: at(nightStartMinute), toMs: at(nightEndMinute) };
}

/** The files of a closed month as one; again when many late files have come beside it. */
function planMonthMerge(
  calendar: GasCalendar,
  settings: PlanSettings,
  { files, nextFileNo, nowMs, blocked }: PlanInput,
): Work | undefined {
  const leastDay = retiredToDay(files);
  const segments = files.filter((file) => isSegment(file) && file.fromDay >= leastDay);
  const months = new Set(segments.map(({ fromDay }) => monthOfDay(fromDay).first));
  for (const first of months) {
    const { next } = monthOfDay(first);
    if (blocked.has(outputKey({ kind: "month", fromDay: first }))) continue;
    if (!isClosed(calendar, settings, next - 1, nowMs)) continue;
    const inputs = segments.filter(({ fromDay }) => fromDay >= first && fromDay < next);
    const hasMonth = inputs.some(({ kind }) => kind === "month");
    if (hasMonth && inputs.length <= 1 + settings.lateFilesMax) continue;
    const output = planned(calendar, "month", nextFileNo, first, next, hasMonth ? "late" : "merge");
    return { kind: "merge", inputs, output };
  }
  return undefined;
}

/** The day behind the last one of which readings were retired; -Infinity: none were. */
function retiredToDay(files: readonly ManifestFile[]): number {
  return files.find(({ kind }) => kind === "last")?.toDay ?? -Infinity;
}

/** The oldest month that nobody must keep any longer, when all else is done; what came late for a retired one too. */
function planRetirement(
  calendar: GasCalendar,
  { keepMs }: PlanSettings,
  { files, nextFileNo, nowMs, blocked }: PlanInput,
): Work | undefined {
  if (keepMs === Infinity) return undefined;
  const keptDay = monthOfDay(calendar.dayOf(nowMs - keepMs)).first;
  const old = files.filter((file) => isSegment(file) && file.toDay <= keptDay);
  const [oldest] = old;
  if (oldest === undefined) return undefined;
  const last = files.find(({ kind }) => kind === "last");
  const fromDay = Math.min(monthOfDay(oldest.fromDay).first, last?.fromDay ?? Infinity);
  const toDay = Math.max(monthOfDay(oldest.fromDay).next, last?.toDay ?? -Infinity);
  const output = planned(calendar, "last", nextFileNo, fromDay, toDay, "retention");
  if (blocked.has(outputKey(output))) return undefined;
  const inputs = old.filter((file) => file.toDay <= toDay);
  const rollUps = files.filter((file) => file.kind === "rollup" && file.toDay < toDay);
  return {
    kind: "retire",
    inputs: last === undefined ? inputs : [last, ...inputs],
    rollUps,
    output,
    atMs: nowMs,
  };
}

function planned(
  calendar: GasCalendar,
  kind: FileKind,
  no: number,
  fromDay: number,
  toDay: number,
  reason: string,
): PlannedFile {
  const date = dateOfDay(fromDay);
  const period = kind === "month" ? date.slice(0, 7) : date;
  const fromMs = calendar.startOf(fromDay);
  const toMs = calendar.startOf(toDay);
  return { no, kind, name: `${period}.${no}.${kind}`, fromDay, toDay, fromMs, toMs, reason };
}
