/** Once a minute, the key figures of the last day as metrics; a day with too many events has none, and says so. */
import { alarmFigures } from "#alarms/alarmFigures.ts";
import { apiLimits } from "#api/limits.ts";
import { dayMs, minuteMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { Queries } from "#ports/queries.ts";

interface Parts {
  readonly queries: Pick<Queries, "alarmEvents" | "alarmStanding">;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "alarmFigures">;
  readonly observer: Observer;
}

/** Looks at once and then every minute. */
export function startAlarmMetrics(parts: Parts): { stop(): void } {
  const timer = setInterval(() => void look(parts), minuteMs);
  void look(parts);
  return { stop: () => clearInterval(timer) };
}

async function look({ queries, clock, metrics, observer }: Parts): Promise<void> {
  const toMs = clock.nowMs();
  const fromMs = toMs - dayMs;
  const eventsMax = apiLimits.figureEventsMax;
  try {
    const events = await queries.alarmEvents(fromMs, toMs, null, eventsMax + 1);
    const now = await queries.alarmStanding(fromMs, null);
    const isTooMany = events.length > eventsMax;
    metrics.alarmFigures(
      isTooMany ? null : alarmFigures(events, { fromMs, toMs, operators: 1 }),
      now,
    );
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "FAILED";
    if (code !== "QUERIES_CLOSED") observer.note("figures.failed", { code });
  }
}
