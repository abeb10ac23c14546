/** Log and metrics of the process, as the ports that the other rooms are given. */
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Clock } from "#ports/clock.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import { createEventLog, standardError } from "./eventLog.ts";
import { events } from "./events.ts";
import { createEventCounter, createMetrics } from "./metrics.ts";

export interface ObservabilityOptions {
  /** Least serious log line: trace, debug, info, warn, error or silent. */
  readonly level: string;
  readonly clock: Clock;
  /** Where the lines go; standard error when absent. */
  readonly destination?: { write(line: string): void };
}

export interface Observability {
  readonly observer: Observer;
  readonly metrics: Metrics;
  /** The Prometheus text, for `/metrics`. */
  readonly exposition: { readonly contentType: string; text(): Promise<string> };
  /** Writes the last log lines. */
  close(): void;
}

/** Sums of other gauges that break Prometheus' naming rules: "_total" is for counters. */
const misnamedGauges = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/** Everything the program says about itself leaves through here. */
export function createObservability(options: ObservabilityOptions): Observability {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamedGauges) registry.removeSingleMetric(name);
  const metrics = createMetrics(registry);
  const count = createEventCounter(registry);
  const destination = options.destination ?? standardError(() => count("log.dropped"));
  const log = createEventLog(options.level, options.clock, destination);
  return {
    observer: {
      note(event, fields) {
        count(event, fields);
        if (events[event].endsUplink === true) metrics.uplinkRefused(String(fields?.["protocol"]));
        log.note(event, fields);
      },
    },
    metrics,
    exposition: { contentType: registry.contentType, text: () => registry.metrics() },
    close: () => log.close(),
  };
}
