/** A level that one odd value cannot move. */
import type { ConditionLevel } from "#domain/alarm.ts";

/** The middle one of three: the level moves only as far as two values in a row agree. */
export function agreedLevel(
  standing: ConditionLevel,
  last: ConditionLevel,
  now: ConditionLevel,
): ConditionLevel {
  const low = standing < last ? standing : last;
  const high = standing < last ? last : standing;
  return now < low ? low : now > high ? high : now;
}
