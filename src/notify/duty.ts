/** Who is on duty at an instant: the hour and the day of the utility's time zone, by the system's own calendar. */
import type { DutyHours } from "#domain/recipient.ts";

const dayNames = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

export interface LocalTime {
  readonly minute: number;
  /** 1 is Monday. */
  readonly day: number;
  /** For people: `08:15`. */
  readonly text: string;
}

/** Local time in a zone such as `Asia/Shanghai`. */
export function localTimeIn(zone: string): (atMs: number) => LocalTime {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    const hour = parts.get("hour") ?? "00";
    const minute = parts.get("minute") ?? "00";
    const day = dayNames.findIndex((name) => name === parts.get("weekday")) + 1;
    return { minute: Number(hour) * 60 + Number(minute), day, text: `${hour}:${minute}` };
  };
}

/** A duty over midnight belongs to the day on which it begins. */
export function isOnDuty(hours: DutyHours | null, { minute, day }: LocalTime): boolean {
  if (hours === null) return true;
  const { fromMinute, toMinute, days } = hours;
  const isDay = (wanted: number): boolean => days.length === 0 || days.includes(wanted);
  if (fromMinute < toMinute) return isDay(day) && minute >= fromMinute && minute < toMinute;
  const before = day === 1 ? 7 : day - 1;
  return (isDay(day) && minute >= fromMinute) || (isDay(before) && minute < toMinute);
}
