/** How much of its rated life a valve has moved through. */
import { actuationsRated } from "#domain/command.ts";
import type { ConditionLevel } from "#domain/alarm.ts";
import type { ValveState } from "./valveState.ts";

/** From this share on somebody should plan its exchange [P]. */
const wornShare = 0.9;

export interface Wear {
  /** 1: near the end of its rated life; 2: beyond it. */
  readonly level: ConditionLevel;
  readonly actuations: number;
  readonly rated: number;
}

/** By the movements that the meter has shown, whoever brought them about; null of `rated`: the model does not say. */
export function wearOf({ actuations }: ValveState, rated: number | null): Wear {
  const limit = rated ?? actuationsRated;
  const level = actuations >= limit ? 2 : actuations >= wornShare * limit ? 1 : 0;
  return { level, actuations, rated: limit };
}
