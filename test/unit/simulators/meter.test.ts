import { describe, expect, test } from "vitest";
import { statusBits } from "#domain/status.ts";
import { hourMs, minuteMs } from "#domain/units.ts";
import { planDistrict } from "#simulators/plan.ts";
import { begin } from "#simulators/incidents.ts";
import type { RadioHabit } from "#simulators/incidents.ts";
import { SimMeter } from "#simulators/meter.ts";
import { dayStartOf } from "#simulators/household.ts";
import type { ValveKind } from "#simulators/valve.ts";

// Two hours of a night: households use nothing, so whatever passes is the incident.
const nightMs = dayStartOf(Date.UTC(2026, 10, 22)) + hourMs;
const meterId = "M0001";

function meter(kind: ValveKind = "obeys"): SimMeter {
  const plan = planDistrict({ meters: 200, seed: 1 }).find(
    ({ siteClass, quantumMl }) => siteClass === "household" && quantumMl === 1_000,
  );
  if (plan === undefined) expect.unreachable("a district has households");
  const valve = { ...plan.valve, kind, motorMs: 5_000 };
  return new SimMeter({ ...plan, id: meterId, startIndexMl: 0, valve }, nightMs);
}

const habit = (): RadioHabit => ({ silent: false, copies: 0, group: 1 });

describe("a leak", () => {
  test("wakes the meter, sets the bit and passes gas", () => {
    const leaking = meter();
    const incident = { kind: "leak", meterId, atMs: nightMs, mlPerHour: 600_000 } as const;
    expect(begin(incident, leaking, habit())).toBe(true);
    const reading = leaking.reading(nightMs + 10 * minuteMs);
    expect(reading.status).toBe(statusBits.leak);
    expect(reading.volume?.ml).toBe(100_000);
    expect(reading.flowMlPerHour).toBe(600_000);
  });

  test("ends when the motor has shut the valve, to the millisecond", () => {
    const leaking = meter();
    begin({ kind: "leak", meterId, atMs: nightMs, mlPerHour: 3_600_000 }, leaking, habit());
    leaking.valve.close("c1", nightMs + 60_000);
    // One litre a second: 60 s before the order and 5 s while the motor runs.
    expect(leaking.reading(nightMs + hourMs)).toMatchObject({
      volume: { ml: 65_000 },
      flowMlPerHour: 0,
      valve: "closed",
    });
  });

  test("goes on through a valve that passes, and through one that lies", () => {
    for (const [kind, ml] of [
      ["passing", 65_000 + 300_000 - 300_000 / 720],
      ["liar", 5_000 + 60_000 + 3_600_000 - 5_000],
    ] as const) {
      const leaking = meter(kind);
      begin({ kind: "leak", meterId, atMs: nightMs, mlPerHour: 3_600_000 }, leaking, habit());
      leaking.valve.close("c1", nightMs + 60_000);
      leaking.advanceTo(nightMs + 60_000 + hourMs);
      expect(leaking.register.indexMl).toBe(Math.floor(ml));
    }
  });
});

describe("other incidents", () => {
  test("an overload is over when it is over", () => {
    const meterUnder = meter();
    const forMs = 10 * minuteMs;
    begin(
      { kind: "overload", meterId, atMs: nightMs, mlPerHour: 30_000_000, forMs },
      meterUnder,
      habit(),
    );
    expect(meterUnder.reading(nightMs + minuteMs).status).toBe(statusBits.over_flow);
    expect(meterUnder.reading(nightMs + hourMs)).toMatchObject({
      status: 0,
      volume: { ml: 5_000_000 },
    });
  });

  test("a battery fades through both levels", () => {
    const fading = meter();
    begin({ kind: "batteryFade", meterId, atMs: nightMs, mvPerHour: 100 }, fading, habit());
    expect(fading.reading(nightMs).status).toBe(0);
    expect(fading.reading(nightMs + 5 * hourMs).status).toBe(statusBits.battery_low);
    expect(fading.reading(nightMs + 7 * hourMs).status).toBe(
      statusBits.battery_low | statusBits.battery_critical,
    );
  });

  test("a clock says what it likes, and the register stays true", () => {
    const lost = meter();
    begin(
      { kind: "clockReset", meterId, atMs: nightMs, toMs: Date.UTC(2000, 0, 1) },
      lost,
      habit(),
    );
    const reading = lost.reading(nightMs + hourMs);
    expect(new Date(reading.measuredAtMs ?? 0).toISOString()).toBe("2000-01-01T01:00:00.000Z");
  });

  test("silence, duplicates and disorder are the radio's", () => {
    const radio = habit();
    begin({ kind: "silence", meterId, atMs: nightMs }, meter(), radio);
    begin({ kind: "duplicates", meterId, atMs: nightMs, copies: 2 }, meter(), radio);
    begin({ kind: "disorder", meterId, atMs: nightMs, group: 3 }, meter(), radio);
    expect(radio).toEqual({ silent: true, copies: 2, group: 3 });
  });
});
