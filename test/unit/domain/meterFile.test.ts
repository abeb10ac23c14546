import { describe, expect, test } from "vitest";
import { emptyMeterFile, learnedAfter, withLearned, type Learned } from "#domain/meterFile.ts";

describe("what uplinks teach", () => {
  test("nothing new changes nothing", () => {
    const before: Learned = { invocationCounter: 5 };
    expect(learnedAfter(before, undefined)).toBe(before);
    expect(learnedAfter(null, undefined)).toBeNull();
  });

  test("counters only rise, each by itself", () => {
    const after = learnedAfter({ invocationCounter: 9, messageCounter: 1 }, { messageCounter: 4 });
    expect(after).toEqual({ invocationCounter: 9, messageCounter: 4 });
    expect(learnedAfter(after, { invocationCounter: 8 })).toEqual(after);
  });

  test("of many formats the newest stay", () => {
    let learned: Learned | null = null;
    for (let no = 0; no < 20; no += 1) {
      learned = learnedAfter(learned, { formats: { [`s${no}`]: `f${no}` } });
    }
    expect(Object.keys(learned?.formats ?? {})).toEqual(
      Array.from({ length: 8 }, (_, place) => `s${place + 12}`),
    );
  });

  test("the decoder is given them under the names of what was seen", () => {
    const learned = { invocationCounter: 7, messageCounter: 3, formats: { a: "b" } };
    expect(withLearned({ allowPlain: true }, learned)).toEqual({
      allowPlain: true,
      invocationCounterSeen: 7,
      messageCounterSeen: 3,
      formats: { a: "b" },
    });
    expect(withLearned(emptyMeterFile, null)).toBe(emptyMeterFile);
  });
});
