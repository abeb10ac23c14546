/** The gas months and gas days of a store that are over, by the store's own calendar. */
import type { DatabaseSync } from "node:sqlite";
import { dateOfDay, GasCalendar, monthOfDay } from "#readings/gasDay.ts";
import { numberOf, one } from "./sql.ts";

export interface ClosedPeriod {
  /** "gas month 2026-10", "gas day 2026-10-31". */
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ClosedPeriods {
  /** Both the newest first. */
  readonly months: readonly ClosedPeriod[];
  readonly days: readonly ClosedPeriod[];
}

/** Of those that the store has anything of and that are over at the instant, at most so many of the newest. */
export function closedPeriods(
  db: DatabaseSync,
  atMs: number,
  monthsMax: number,
  daysMax: number,
): ClosedPeriods {
  const settings = one<{ zone: string; startMinute: number }>(
    db.prepare("SELECT zone, start_minute AS startMinute FROM reading_calendar WHERE one = 1"),
  );
  // Of retired months only each meter's last readings are left.
  const counting = "FROM reading_file WHERE replaced_by = 0 AND kind IN ('day', 'month')";
  const oldest = one<{ day: number | null }>(db.prepare(`SELECT min(from_day) AS day ${counting}`));
  if (settings === undefined || typeof oldest?.day !== "number") return { months: [], days: [] };
  const calendar = new GasCalendar(settings);
  const today = calendar.dayOf(atMs);
  const dayAfter = Math.min(today, numberOf(db, `SELECT max(to_day) ${counting}`));
  const period = (kind: string, name: string, first: number, next: number): ClosedPeriod => ({
    name: `${kind} ${name}`,
    fromMs: calendar.startOf(first),
    toMs: calendar.startOf(next),
  });
  const days: ClosedPeriod[] = [];
  for (let day = dayAfter - 1; day >= oldest.day && days.length < daysMax; day -= 1) {
    days.push(period("gas day", dateOfDay(day), day, day + 1));
  }
  const months: ClosedPeriod[] = [];
  for (let day = dayAfter; day > oldest.day && months.length < monthsMax;) {
    const { first, next } = monthOfDay(day);
    if (next <= today && next > oldest.day) {
      months.push(period("gas month", dateOfDay(first).slice(0, 7), first, next));
    }
    day = first - 1;
  }
  return { months, days };
}
