/** The rules of one meter: the factory's, and over them what a rule document says, the narrower the stronger. */
import type { Meter } from "#domain/meter.ts";
import type { RuleDocument, RuleThresholds } from "#domain/ruleDocument.ts";
import { factoryConduct, type Conducts } from "./conduct.ts";
import { factoryTuning, type Tuning } from "./tuning.ts";

/** What a rule document looks at. */
export type RuleTarget = Pick<Meter, "id" | "size" | "siteClass" | "area">;

/** The thresholds of one meter. */
export function tuningFor(document: RuleDocument | null, meter: RuleTarget): Tuning {
  return layered(factoryTuning, document, meter);
}

/** Priorities, delays and actions of one meter, those of the document's own rules too. */
export function conductFor(document: RuleDocument | null, meter: RuleTarget): Conducts {
  const conducts = layered(factoryConduct, document, meter);
  const own = Object.entries(document?.own ?? {}).map(([id, rule]) => {
    const { priority, onDelayMinutes, offDelayMinutes, asksForClose } = rule;
    return [
      id,
      { priority, gravePriority: priority, onDelayMinutes, offDelayMinutes, asksForClose },
    ];
  });
  return own.length === 0
    ? conducts
    : { ...conducts, ...(Object.fromEntries(own) as Partial<Conducts>) };
}

/** All meters, then size, site class, area, and the meter itself; key by key. */
function layered<Groups extends object>(
  factory: Groups,
  document: RuleDocument | null,
  meter: RuleTarget,
): Groups {
  if (document === null) return factory;
  const layers = [
    document.all,
    document.sizes[meter.size],
    document.siteClasses[meter.siteClass],
    document.areas[meter.area],
    document.meters[meter.id],
  ];
  return layers.reduce<Groups>((groups, layer) => withLayer(factory, groups, layer), factory);
}

/** The names were checked against the factory's when the document was read; here each goes to its kind. */
function withLayer<Groups extends object>(
  factory: Groups,
  groups: Groups,
  layer: RuleThresholds | undefined,
): Groups {
  if (layer === undefined) return groups;
  const known = groupsOf(factory);
  const before = groupsOf(groups);
  const changed = Object.entries(layer).flatMap(([rule, own]) => {
    const names = known.get(rule);
    if (names === undefined) return [];
    const mine = Object.entries({ ...own }).filter(([name]) => Object.hasOwn(names, name));
    return mine.length === 0 ? [] : [[rule, { ...before.get(rule), ...Object.fromEntries(mine) }]];
  });
  return { ...groups, ...(Object.fromEntries(changed) as Partial<Groups>) };
}

function groupsOf(groups: object): ReadonlyMap<string, object> {
  return new Map(Object.entries(groups as Readonly<Record<string, object>>));
}

/** Meters of one group have the same rules under each of these documents. */
export function ruleGroup(
  documents: readonly (RuleDocument | null)[],
  { id, size, siteClass, area }: RuleTarget,
): string {
  const isNamed = (names: "areas" | "meters", name: string): boolean =>
    documents.some(
      (document) =>
        document !== null &&
        (Object.hasOwn(document[names], name) ||
          Object.values(document.own ?? {}).some(({ only }) => only[names]?.includes(name))),
    );
  const own = isNamed("meters", id) ? id : "";
  // The area stands last, for it is any text.
  return `${size} ${siteClass} ${own} ${isNamed("areas", area) ? area : ""}`;
}
