/** Words of the registry that many meters have in common, kept once: each row of the ledger brings its own copies. */
import type { Meter } from "#domain/meter.ts";

export type SharedWords = Map<string, string>;

/** The same meter. */
export function withSharedWords(words: SharedWords, meter: Meter): Meter {
  const shared = <Word extends string | null>(word: Word): Word => {
    if (word === null) return word;
    if (!words.has(word)) words.set(word, word);
    return words.get(word) as Word;
  };
  return {
    ...meter,
    size: shared(meter.size),
    protocol: shared(meter.protocol),
    area: shared(meter.area),
    siteClass: shared(meter.siteClass),
    profile: shared(meter.profile),
    kind: shared(meter.kind),
    verificationDueOn: shared(meter.verificationDueOn),
    retirementDueOn: shared(meter.retirementDueOn),
    lifecycle: shared(meter.lifecycle),
  };
}
