/** Meters that sleep, registered with the service that runs now. */
import type { MeterOrder } from "#simulators/codec.ts";
import { registerKeepers, type KeeperSettings } from "../kill/keepers.ts";
import type { Obligation } from "../kill/keeperMeter.ts";
import type { Victim } from "../kill/victim.ts";
import { Sleeper, type Dormitory, type Habit } from "./sleeper.ts";

/** Told before the meter confirms to the service, and when the service has confirmed to the meter. */
export interface Hooks {
  ordered(sleeper: Sleeper, order: MeterOrder): void;
  acknowledged?(obligation: Obligation): void;
}

/** They begin to sleep at once, and wake when the wheel turns. */
export async function layToSleep(
  victim: Victim,
  count: number,
  shared: Dormitory,
  habit: Habit,
  settings: KeeperSettings,
  hooks: Hooks,
): Promise<readonly Sleeper[]> {
  const sleepers = new Map<string, Sleeper>();
  const events = {
    ordered({ id }: { readonly id: string }, order: MeterOrder) {
      const sleeper = sleepers.get(id);
      if (sleeper === undefined) return;
      sleeper.ordered(order);
      hooks.ordered(sleeper, order);
    },
    acknowledged({ id }: { readonly id: string }, obligation: Obligation) {
      sleepers.get(id)?.acknowledged();
      hooks.acknowledged?.(obligation);
    },
    listening: ({ id }: { readonly id: string }) => sleepers.get(id)?.listening(),
  };
  const reportEverySeconds = habit.mostMinutes * 60;
  const registry = { reportEverySeconds, clock: shared.clock, ...settings };
  for (const meter of await registerKeepers(victim, count, events, registry)) {
    sleepers.set(meter.id, new Sleeper(meter, shared, habit));
  }
  return [...sleepers.values()];
}
