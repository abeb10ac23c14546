/** Local dates by number, in days since 1970-01-01: gas days are called by the date on which they begin. */
import { dayMs } from "./units.ts";

/** The number of a local date, YYYY-MM-DD; undefined when there is no such date. */
export function dayOfDate(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  const isDate = Number.isFinite(atMs) && new Date(atMs).toISOString().startsWith(text);
  return isDate ? atMs / dayMs : undefined;
}
