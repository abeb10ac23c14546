/** The demonstration's script: who plays which part, and what happens when. */
import { hourMs, minuteMs } from "#domain/units.ts";
import { simulatedProtocols, type SimulatedProtocol } from "./codec.ts";
import type { Incident } from "./incidents.ts";
import type { MeterPlan } from "./meter.ts";
import type { ValveKind } from "./valve.ts";

/** The parts, in the order in which households are cast for them; three leaks, one in each protocol. */
const parts: readonly {
  readonly name: string;
  readonly says: string;
  readonly protocol?: SimulatedProtocol;
  readonly valve?: ValveKind;
  /** Real seconds after the district has come to life. */
  readonly afterSeconds: number;
  readonly incident: (at: { meterId: string; atMs: number }, plan: MeterPlan) => Incident;
}[] = [
  ...simulatedProtocols.map((protocol, turn) => ({
    name: `leak ${protocol}`,
    says: "a leak begins; its detector trips",
    protocol,
    afterSeconds: 3 + turn,
    incident: (at: { meterId: string; atMs: number }): Incident => ({
      ...at,
      kind: "leak",
      mlPerHour: 600_000,
    }),
  })),
  {
    name: "liar",
    says: "a leak begins; this valve will say yes and stay open",
    valve: "liar",
    afterSeconds: 8,
    incident: (at) => ({ ...at, kind: "leak", mlPerHour: 400_000 }),
  },
  {
    name: "passing",
    says: "a leak begins; this valve will report closed and let gas through",
    valve: "passing",
    afterSeconds: 11,
    incident: (at) => ({ ...at, kind: "leak", mlPerHour: 500_000 }),
  },
  {
    name: "mute valve",
    says: "a leak begins; this valve will never answer",
    valve: "silent",
    afterSeconds: 14,
    incident: (at) => ({ ...at, kind: "leak", mlPerHour: 450_000 }),
  },
  {
    name: "overload",
    says: "a hose is torn off: more gas than the meter is made for",
    afterSeconds: 16,
    incident: (at) => ({ ...at, kind: "overload", mlPerHour: 30_000_000, forMs: 20 * minuteMs }),
  },
  {
    name: "tamper",
    says: "somebody holds a magnet to the meter",
    afterSeconds: 17,
    incident: (at) => ({ ...at, kind: "tamper", status: "magnet" }),
  },
  {
    name: "silence",
    says: "a meter falls silent; it will be missed",
    afterSeconds: 6,
    incident: (at) => ({ ...at, kind: "silence" }),
  },
  {
    name: "fading battery",
    says: "a battery begins to fade",
    afterSeconds: 6,
    incident: (at) => ({ ...at, kind: "batteryFade", mvPerHour: 400 }),
  },
  {
    name: "micro-leak",
    says: "gas escapes slowly; only its register can tell, in days",
    afterSeconds: 7,
    incident: (at) => ({ ...at, kind: "microLeak", mlPerHour: 12_000 }),
  },
  {
    name: "duplicates",
    says: "a meter sends everything three times",
    afterSeconds: 7,
    incident: (at) => ({ ...at, kind: "duplicates", copies: 2 }),
  },
  {
    name: "disorder",
    says: "a meter sends its uploads newest first",
    afterSeconds: 7,
    incident: (at) => ({ ...at, kind: "disorder", group: 2 }),
  },
  {
    name: "clock two hours off",
    says: "a clock jumps two hours ahead",
    afterSeconds: 8,
    incident: (at) => ({ ...at, kind: "clockOff", byMs: 2 * hourMs }),
  },
  {
    name: "clock of 2000",
    says: "a clock is reset to the year 2000",
    afterSeconds: 8,
    incident: (at) => ({ ...at, kind: "clockReset", toMs: Date.UTC(2000, 0, 1) }),
  },
  {
    name: "clock of 2099",
    says: "a clock says 2099",
    afterSeconds: 8,
    incident: (at) => ({ ...at, kind: "clockReset", toMs: Date.UTC(2099, 11, 31) }),
  },
];

/** A household with a part in the story. */
export interface Role {
  readonly name: string;
  readonly says: string;
  readonly afterSeconds: number;
  readonly plan: MeterPlan;
  readonly incidentAt: (atMs: number) => Incident;
}

/** A district needs at least so many meters for every part to find a household of its own. */
export const storyMetersMin = 60;

/** Gives each part to a household of its own and the valves it needs; the rest of the district stays as it is. */
export function castStory(plans: readonly MeterPlan[]): {
  readonly plans: readonly MeterPlan[];
  readonly roles: readonly Role[];
} {
  const free = plans.filter((plan) => plan.siteClass === "household" && !plan.critical);
  const roles = parts.flatMap((part): Role[] => {
    const at = free.findIndex((plan) => plan.protocol === (part.protocol ?? plan.protocol));
    const [found] = at < 0 ? [] : free.splice(at, 1);
    if (found === undefined) return [];
    const { name, says, afterSeconds } = part;
    const kind = part.valve ?? found.valve.kind;
    const plan = { ...found, valve: { ...found.valve, kind } };
    const incidentAt = (atMs: number) => part.incident({ meterId: plan.id, atMs }, plan);
    return [{ name, says, afterSeconds, plan, incidentAt }];
  });
  const cast = new Map(roles.map(({ plan }) => [plan.id, plan]));
  return { plans: plans.map((plan) => cast.get(plan.id) ?? plan), roles };
}
