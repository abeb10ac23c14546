/** What goes wrong in a district, as data with a start; the behaviour is in the meter, the valve and the radio. */
import { statusBits } from "#domain/status.ts";
import { unreachable } from "#domain/invariant.ts";
import type { SimMeter } from "./meter.ts";

interface At {
  readonly meterId: string;
  readonly atMs: number;
}

export type Incident =
  /** Gas escapes and the detector beside the meter says so. */
  | (At & { readonly kind: "leak"; readonly mlPerHour: number })
  /** Gas escapes so slowly that no sensor notices: only the register can tell. */
  | (At & { readonly kind: "microLeak"; readonly mlPerHour: number })
  /** More than the meter may pass, for a while. */
  | (At & { readonly kind: "overload"; readonly mlPerHour: number; readonly forMs: number })
  | (At & { readonly kind: "batteryFade"; readonly mvPerHour: number })
  | (At & { readonly kind: "tamper"; readonly status: "magnet" | "tilt" | "cover_open" })
  /** Nothing more is heard of the meter. */
  | (At & { readonly kind: "silence" })
  /** Every upload is sent so many times more, as after lost acknowledgements. */
  | (At & { readonly kind: "duplicates"; readonly copies: number })
  /** Uploads are held back and leave newest first, `group` at a time. */
  | (At & { readonly kind: "disorder"; readonly group: number })
  /** The clock is off by so much. */
  | (At & { readonly kind: "clockOff"; readonly byMs: number })
  /** The clock was lost and counts from that instant: a reset to 2000, or a 2099 that never was set. */
  | (At & { readonly kind: "clockReset"; readonly toMs: number });

/** What the radio does differently from now on. */
export interface RadioHabit {
  silent: boolean;
  copies: number;
  /** 1: uploads leave as they are made. */
  group: number;
}

/** Begins the incident; true: the meter wakes at once to report it. */
export function begin(incident: Incident, meter: SimMeter, radio: RadioHabit): boolean {
  meter.advanceTo(incident.atMs);
  switch (incident.kind) {
    case "leak":
      meter.sensorStatus |= statusBits.leak;
      addFlow(meter, incident.atMs, incident.mlPerHour, Infinity);
      return true;
    case "microLeak":
      addFlow(meter, incident.atMs, incident.mlPerHour, Infinity);
      return false;
    case "overload":
      addFlow(meter, incident.atMs, incident.mlPerHour, incident.forMs);
      return true;
    case "batteryFade":
      meter.battery = {
        ...meter.battery,
        fadeMvPerHour: incident.mvPerHour,
        sinceMs: incident.atMs,
      };
      return false;
    case "tamper":
      meter.sensorStatus |= statusBits[incident.status];
      return true;
    case "silence":
      radio.silent = true;
      return false;
    case "duplicates":
      radio.copies = incident.copies;
      return false;
    case "disorder":
      radio.group = incident.group;
      return false;
    case "clockOff":
      meter.clockShiftMs = incident.byMs;
      return false;
    case "clockReset":
      meter.clockShiftMs = incident.toMs - incident.atMs;
      return false;
    default:
      return unreachable(incident);
  }
}

function addFlow(meter: SimMeter, fromMs: number, mlPerHour: number, forMs: number): void {
  meter.extraFlows.push({ fromMs, toMs: fromMs + forMs, mlPerHour });
}
