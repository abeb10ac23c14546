/** The thresholds of one meter: the factory's, and over them what a rule document says, the narrower the stronger. */
import type { Meter } from "#domain/meter.ts";
import type { RuleDocument, RuleThresholds } from "#domain/ruleDocument.ts";
import { factoryTuning, type Tuning } from "./tuning.ts";

/** All meters, then size, site class, area, and the meter itself; key by key. */
export function tuningFor(
  document: RuleDocument | null,
  meter: Pick<Meter, "id" | "size" | "siteClass" | "area">,
): Tuning {
  if (document === null) return factoryTuning;
  const layers = [
    document.all,
    document.sizes[meter.size],
    document.siteClasses[meter.siteClass],
    document.areas[meter.area],
    document.meters[meter.id],
  ];
  return layers.reduce<Tuning>(withThresholds, factoryTuning);
}

/** The names were checked against the factory's when the document was read. */
function withThresholds(tuning: Tuning, layer: RuleThresholds | undefined): Tuning {
  if (layer === undefined) return tuning;
  const known: Readonly<Record<string, object>> = { ...tuning };
  const changed = Object.entries(layer).map(([rule, own]) => [rule, { ...known[rule], ...own }]);
  return { ...tuning, ...(Object.fromEntries(changed) as Partial<Tuning>) };
}
