/** A rule that a utility writes itself, as plain data of its rule document. */
import type { OwnRuleId, Priority } from "./alarm.ts";
import type { MeterSize, SiteClass } from "./meter.ts";

export interface OwnRule {
  /** What an operator reads aloud. */
  readonly title: { readonly en: string; readonly zh: string };
  /** When its condition holds: an expression over one reading. */
  readonly when: string;
  readonly priority: Priority;
  readonly onDelayMinutes: number;
  readonly offDelayMinutes: number;
  /** It proposes a close to persons; it never orders one. */
  readonly asksForClose: boolean;
  /** The meters that it is about; each list that is given must name the meter. */
  readonly only: {
    readonly sizes?: readonly MeterSize[] | undefined;
    readonly siteClasses?: readonly SiteClass[] | undefined;
    readonly areas?: readonly string[] | undefined;
    readonly meters?: readonly string[] | undefined;
  };
}

export type OwnRules = Readonly<Partial<Record<OwnRuleId, OwnRule>>>;
