/** An event as those outside are told of it: CloudEvents 1.0, structured JSON. Historical alarms are quiet. */
import type { Priority } from "#domain/alarm.ts";
import type { StoredEvent } from "#domain/event.ts";
import type { EventFilter } from "#domain/webhook.ts";

/** What filters and wrappings need of an event. */
export interface ToldEvent {
  readonly seq: number;
  readonly kind: string;
  readonly at: string;
  readonly meterId: string | null;
  readonly priority: Priority | null;
  readonly area: string | null;
  /** Something from old data, or of a work list: on record, and nobody is told. */
  readonly isQuiet: boolean;
  /** The public object, as it stands in `/v1/events`. */
  readonly json: string;
}

interface Body {
  readonly kind: string;
  readonly at: string;
  readonly meterId: string | null;
  readonly workOrder?: { readonly priority: Priority; readonly area: string | null };
  readonly alarm?: {
    readonly priority: Priority;
    readonly area: string | null;
    readonly historical: boolean;
    readonly listed: boolean;
  };
}

/** Reads a stored event; `areaOf` knows the areas of meters. */
export function toldEvent(
  { seq, json }: StoredEvent,
  areaOf: (meterId: string) => string | null,
): ToldEvent {
  const { kind, at, meterId, alarm, workOrder } = JSON.parse(json) as Body;
  const subject = alarm ?? workOrder;
  return {
    seq,
    kind,
    at,
    meterId,
    priority: subject?.priority ?? null,
    area: subject?.area ?? (meterId === null ? null : areaOf(meterId)),
    isQuiet: alarm?.historical === true || alarm?.listed === true,
    json,
  };
}

/** Whether this event is wanted. */
export function isWanted(filter: EventFilter, event: ToldEvent): boolean {
  const { kinds, priorities, areas } = filter;
  if (event.isQuiet) return false;
  const family = `${event.kind.split(".", 1)[0]}.*`;
  if (kinds.length > 0 && !kinds.includes(event.kind) && !kinds.includes(family)) return false;
  if (priorities.length > 0 && (event.priority === null || !priorities.includes(event.priority))) {
    return false;
  }
  return areas.length === 0 || event.area === null || areas.includes(event.area);
}

/** The same for every sending of this event. A ledger out of a backup numbers anew; the instant tells them apart. */
export function idOf({ seq, at }: Pick<ToldEvent, "seq" | "at">): string {
  return `evt_${seq}_${Date.parse(at).toString(36)}`;
}

export const cloudEventType = "application/cloudevents+json; charset=utf-8";

/** The body. `data` is the event as it stands in `/v1/events`, byte for byte. */
export function cloudEvent(event: ToldEvent, source: string): string {
  const head = JSON.stringify({
    specversion: "1.0",
    id: idOf(event),
    source,
    type: `mercaptan.${event.kind}`,
    time: event.at,
    ...(event.meterId === null ? {} : { subject: event.meterId }),
    datacontenttype: "application/json",
  });
  return `${head.slice(0, -1)},"data":${event.json}}`;
}
