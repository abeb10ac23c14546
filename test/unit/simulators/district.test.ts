import { describe, expect, test } from "vitest";
import { siteClasses } from "#domain/meter.ts";
import { simulatedProtocols } from "#simulators/codec.ts";
import { parseMeterId } from "#domain/ids.ts";
import { planDistrict } from "#simulators/plan.ts";
import { castStory, storyMetersMin } from "#simulators/story.ts";

describe("a district on paper", () => {
  const plans = planDistrict({ meters: 1_000, seed: 3 });

  test("is the same for the same seed", () => {
    expect(planDistrict({ meters: 1_000, seed: 3 })).toEqual(plans);
    expect(planDistrict({ meters: 1_000, seed: 4 })).not.toEqual(plans);
  });

  test("a third speaks each protocol; CJ/T 188 meters have an address of their own", () => {
    for (const protocol of simulatedProtocols) {
      const speaking = plans.filter((plan) => plan.protocol === protocol).length;
      expect(Math.abs(speaking - 333)).toBeLessThanOrEqual(1);
    }
    const addresses = plans.flatMap(({ frameAddress }) => frameAddress ?? []);
    expect(new Set(addresses).size).toBe(333);
    for (const address of addresses) expect(address).toMatch(/^\d{14}$/);
  });

  test("has every kind of site, ids that topics allow, and positions near Shaoxing", () => {
    expect(new Set(plans.map(({ siteClass }) => siteClass))).toEqual(new Set(siteClasses));
    for (const plan of plans) {
      expect(parseMeterId(plan.id)).toBe(plan.id);
      expect(Math.abs(plan.longitude - 120.58)).toBeLessThan(0.1);
      expect(Math.abs(plan.latitude - 30.01)).toBeLessThan(0.1);
    }
  });
});

describe("the story's cast", () => {
  test("the smallest district has a household for every part, one leak in each protocol", () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const { plans, roles } = castStory(planDistrict({ meters: storyMetersMin, seed }));
      expect(roles).toHaveLength(16);
      expect(new Set(roles.map(({ plan }) => plan.id)).size).toBe(16);
      const leaks = roles.filter(({ name }) => name.startsWith("leak "));
      expect(leaks.map(({ plan }) => plan.protocol)).toEqual(simulatedProtocols);
      expect(leaks.every(({ plan }) => plan.valve.kind === "obeys")).toBe(true);
      const liar = roles.find(({ name }) => name === "liar");
      expect(plans.find(({ id }) => id === liar?.plan.id)?.valve.kind).toBe("liar");
    }
  });
});
