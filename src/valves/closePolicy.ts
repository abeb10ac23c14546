/** What a policy says of one meter. It can forbid and require a person; every interlock holds whatever it says. */
import {
  factoryWords,
  type ClosePolicy,
  type CloseWord,
  type ClosingRule,
} from "#domain/closePolicy.ts";
import type { Meter } from "#domain/meter.ts";
import { hourMs } from "#domain/units.ts";

/** A change that lets automation close more often does so only after a day in sight of people (faults 5). */
export const armAfterMs = 24 * hourMs;

/** All meters, then site class, area, and the meter itself: the narrowest that names the rule. */
export function closeWordFor(
  policy: ClosePolicy | null,
  { id, siteClass, area }: Pick<Meter, "id" | "siteClass" | "area">,
  rule: ClosingRule,
): CloseWord {
  if (policy === null) return factoryWords[rule];
  const { all, siteClasses, areas, meters } = policy;
  const layers = [meters[id], areas[area], siteClasses[siteClass], all];
  return layers.find((layer) => layer?.[rule] !== undefined)?.[rule] ?? factoryWords[rule];
}
