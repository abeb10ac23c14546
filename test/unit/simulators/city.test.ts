/** The city is the same for the same seed, keeps its truth to itself, and the score counts what the two files say. */
import { describe, expect, test } from "vitest";
import { dayMs, hourMs } from "#domain/units.ts";
import { protocolByName } from "#protocols/registry.ts";
import { catalogue } from "#simulators/city/catalogue.ts";
import { City, cityStartMs } from "#simulators/city/city.ts";
import { truthOf } from "#simulators/city/cityTruth.ts";
import { scoreCity } from "#simulators/city/score.ts";
import { scoreTable } from "#simulators/city/scoreTable.ts";
import { qmaxOf, type SiteEvent } from "#simulators/city/site.ts";
import type { AlarmLine, OutageLine, TruthLine } from "#simulators/city/truth.ts";
import { outdoorC } from "#simulators/city/weather.ts";

const noFloors = () => ({});

function arrivals(seed: number, meters = 120, days = 3) {
  const city = new City({ seed, meters, days, incidents: "dense" });
  return { city, all: [...city.hours()].flatMap((hour) => hour.arrivals) };
}

describe("a city", () => {
  test("is the same for the same seed and another one for another", () => {
    const digest = (seed: number) =>
      arrivals(seed, 40, 2).all.map(({ atMs, meterNo, bytes }) => [atMs, meterNo, bytes.length]);
    expect(digest(7)).toEqual(digest(7));
    expect(digest(7)).not.toEqual(digest(8));
  });

  test("sends what the decoder takes, with registers that never go back unless it is an incident", () => {
    const { city, all } = arrivals(3);
    const upset = new Set(["registerBack", "damage", "exchange"]);
    const newest = new Map<number, number>();
    expect(all.length).toBeGreaterThan(1_000);
    const spoken = new Set(all.map(({ protocol }) => protocol));
    expect(spoken).toEqual(new Set(["json", "protobuf", "cjt188", "cat1"]));
    const inTime = [...all].sort((one, other) => one.atMs - other.atMs);
    for (const { meterNo, protocol, bytes } of inTime) {
      const decoded = protocolByName[protocol].decode(bytes);
      if (!decoded.ok) throw new TypeError(JSON.stringify(decoded.fault));
      const site = city.sites[meterNo - 1];
      if (upset.has(site?.event?.happening.does.do ?? "")) continue;
      for (const { volume } of decoded.value.readings) {
        expect((volume?.ml ?? 0) % (site?.quantumMl ?? 1)).toBe(0);
      }
      const [present] = decoded.value.readings;
      newest.set(meterNo, Math.max(newest.get(meterNo) ?? 0, present?.volume?.ml ?? 0));
    }
    for (const { no, startMl, event, device } of city.sites) {
      const isUpset = upset.has(event?.happening.does.do ?? "") || device === "detector";
      if (isUpset || !newest.has(no)) continue;
      expect(newest.get(no)).toBeGreaterThanOrEqual(startMl - 100_000);
    }
  });

  test("holds every row of the catalogue, each on a meter of its own, once it is large enough", () => {
    const city = new City({ seed: 1, meters: 200, days: 60, incidents: "dense" });
    const truth = city.truth(noFloors);
    expect(new Set(truth.map(({ meterId }) => meterId)).size).toBe(truth.length);
    const rows = new Set(truth.map(({ kind, strength, rules }) => [kind, strength, rules].join()));
    const wanted = catalogue.map(({ kind, strength, rules }) => [kind, strength, rules].join());
    expect([...rows].sort()).toEqual([...new Set(wanted)].sort());
    for (const { fromMs, untilMs, earliestMs } of truth) {
      expect(fromMs).toBeGreaterThanOrEqual(cityStartMs + dayMs);
      expect(untilMs).toBeGreaterThan(fromMs);
      expect(earliestMs).toBeGreaterThanOrEqual(fromMs);
    }
  });

  test("asks of a flow what the rules declare for its meter", () => {
    const city = new City({ seed: 1, meters: 200, days: 14, incidents: "dense" });
    const floor = (flowMlPerHour: number, withinMs: number) => () => ({
      R5: { flowMlPerHour, withinMs },
    });
    const taps = (floors: ReturnType<typeof floor>) =>
      city.truth(floors).filter(({ kind }) => kind === "forgotten tap");
    const seen = taps(floor(200_000, 39 * hourMs)).filter(({ isAboveFloor }) => isAboveFloor);
    const strengths = seen.map(({ strength }) => strength);
    expect(new Set(strengths)).toEqual(
      new Set(["300 l/h, 48 h", "1500 l/h, 48 h", "3500 l/h, 48 h"]),
    );
    expect(taps(floor(4e6, hourMs)).some(({ isAboveFloor }) => isAboveFloor)).toBe(false);
  });

  test("asks of a tap in a heated house only what R5 can have learned of it", () => {
    const city = new City({ seed: 1, meters: 10_000, days: 60, incidents: "dense" });
    const floors = { R5: { flowMlPerHour: 200_000, withinMs: 39 * hourMs } };
    const heated = city.truth(() => floors).filter(({ strength }) => strength.includes("heated"));
    const taps = heated.filter(({ kind }) => kind === "forgotten tap");
    for (const { fromMs, isAboveFloor } of taps) {
      expect(isAboveFloor).toBe(fromMs >= cityStartMs + 9 * dayMs);
    }
    expect(new Set(taps.map(({ isAboveFloor }) => isAboveFloor))).toEqual(new Set([true, false]));
  });

  test("of usual days has so few incidents as the catalogue assumes", () => {
    const plan = { seed: 1, meters: 20_000, days: 30 } as const;
    const count = new City({ ...plan, incidents: "usual" }).truth(noFloors).length;
    const yearly = catalogue.reduce((sum, row) => sum + row.yearly, 0);
    const expected = (yearly * plan.meters * plan.days) / (1e6 * 365.25);
    expect(count).toBeGreaterThan(expected - catalogue.length);
    expect(count).toBeLessThan(expected + catalogue.length);
  });

  test("lets a meter live alone as it would among all", () => {
    const heardBy = (city: City, meterId: string) =>
      [...city.hours()].flatMap(({ arrivals: all }) =>
        all
          .filter(({ meterNo }) => city.sites[meterNo - 1]?.id === meterId)
          .map(({ atMs, bytes }) => [atMs, Buffer.from(bytes).toString("hex")]),
      );
    const all = { seed: 4, meters: 200, days: 4, incidents: "dense" } as const;
    const alone = new City({ ...all, only: "register back" });
    expect(alone.sites).toHaveLength(2);
    for (const { id } of alone.sites) {
      const told = heardBy(new City({ ...all, only: "register back" }), id);
      expect(told.length).toBeGreaterThan(3);
      expect(told).toEqual(heardBy(new City(all), id));
    }
    expect(alone.outages).toEqual(new City(all).outages);
  });

  test("has fitters who enter both registers where they change a meter", () => {
    const plan = { seed: 5, meters: 200, days: 14, incidents: "dense" } as const;
    const city = new City({ ...plan, only: "meter change" });
    const entries = [...city.hours()].flatMap(({ exchanges }) => exchanges);
    const [line] = city.truth(noFloors).filter(({ kind }) => kind === "meter change");
    expect(entries).toMatchObject([{ meterId: line?.meterId, atMs: line?.fromMs }]);
    const { startMl, quantumMl } = city.sites.find(({ id }) => id === line?.meterId) ?? {};
    expect(entries[0]?.closingMl).toBeGreaterThanOrEqual((startMl ?? 0) - (quantumMl ?? 0));
  });

  test("has a summer and a winter", () => {
    const mean = (month: number) => {
      const values = Array.from({ length: 28 * 24 }, (_, hour) =>
        outdoorC(1, Date.UTC(2026, month, 1) + hour * hourMs),
      );
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(mean(0)).toBeLessThan(9);
    expect(mean(6)).toBeGreaterThan(25);
  });
});

describe("what could be known of an incident", () => {
  const { sites } = new City({ seed: 1, meters: 200, days: 60, incidents: "dense" });
  const of = (kind: string, strength: string) => {
    const isIt = ({ happening }: SiteEvent) =>
      happening.kind === kind && happening.strength === strength;
    const site = sites.find(({ event }) => event !== null && isIt(event));
    if (site === undefined || site.event === null) throw new TypeError(kind);
    const { fromMs } = site.event;
    const heard = (...hours: readonly (readonly [number, number])[]) =>
      hours.map(([hour, shownMl]) => ({ sentMs: fromMs + hour * hourMs, shownMl }));
    return { site, event: site.event, heard };
  };

  test("a large flow that no two reports show is not in the reports, however large", () => {
    const { site, event, heard } = of("torn hose", "1.5 Qmax, 3 h, restaurant");
    const floors = { R2: { flowMlPerHour: qmaxOf(site), withinMs: 120_000 } };
    const truth = (...hours: readonly number[]) =>
      truthOf(site, event, heard(...hours.map((hour) => [hour, 0] as const)), floors);
    expect(truth(-0.5, 0.5, 1.5)).toMatchObject({ isAboveFloor: true, isHeard: true });
    // Three hours of it in six: three quarters of Qmax.
    expect(truth(-1, 5)).toMatchObject({ isAboveFloor: true, isHeard: false });
    expect(truth(-1, 3.5)).toMatchObject({ isHeard: true });
    expect(truth(-0.5)).toMatchObject({ isHeard: false });
  });

  test("what is below every floor is that, whoever heard it", () => {
    const { site, event } = of("torn hose", "2 Qmax, 3 h");
    const floors = { R2: { flowMlPerHour: 9 * qmaxOf(site), withinMs: 120_000 } };
    expect(truthOf(site, event, [], floors)).toMatchObject({ isAboveFloor: false, isHeard: true });
  });

  test("a register that passed its old value before two reports showed less is not in the reports", () => {
    const { site, event, heard } = of("register back", "500 l");
    const isHeard = (...values: readonly (readonly [number, number])[]) =>
      truthOf(site, event, heard(...values), {}).isHeard;
    expect(isHeard([-0.5, 1_000], [0.5, 700], [1.5, 800])).toBe(true);
    expect(isHeard([-0.5, 1_000], [0.5, 700], [1.5, 1_100], [2.5, 1_200])).toBe(false);
    expect(isHeard([-0.5, 1_000], [0.5, 1_100], [1.5, 700], [2.5, 1_099])).toBe(true);
  });

  test("a bit that was over before the network came back is not in the reports", () => {
    const { site, event, heard } = of("tampering, bit", "10 min");
    expect(truthOf(site, event, heard([-0.5, 0], [0.1, 0]), {}).isHeard).toBe(true);
    expect(truthOf(site, event, heard([-0.5, 0], [0.5, 0]), {}).isHeard).toBe(false);
  });
});

const truthLine: TruthLine = {
  meterId: "A",
  area: "a",
  kind: "leak",
  strength: "small",
  rules: ["R6", "R7"],
  isFlagged: false,
  isListed: false,
  isAboveFloor: true,
  isHeard: true,
  yearly: 500,
  fromMs: dayMs,
  untilMs: 2 * dayMs,
  earliestMs: dayMs + hourMs,
};
const alarmLine: AlarmLine = {
  meterId: "A",
  rule: "R7",
  priority: 2,
  level: 1,
  rang: true,
  listed: false,
  raisedAtMs: dayMs + hourMs,
  knownAtMs: dayMs + 3 * hourMs,
  subject: null,
  rangAtMs: [dayMs + 3 * hourMs],
  stands: false,
};
const bath: TruthLine = { ...truthLine, meterId: "B", kind: "bath", rules: [] };

const plan = { seed: 1, meters: 1_000, days: 100, incidents: "dense" } as const;

describe("the score", () => {
  const score = (
    truth: readonly TruthLine[],
    alarms: readonly AlarmLine[],
    outages: readonly OutageLine[] = [],
  ) => scoreCity(truth, alarms, outages, plan);

  test("found is what one of its rules told in its time, on its meter", () => {
    const rang = score([truthLine], [alarmLine]);
    expect(rang.kinds).toMatchObject([
      { happened: 1, rang: 1, recorded: 0, missed: 0, delayMsMedian: 2 * hourMs },
    ]);
    expect(rang.inventedByRule).toEqual({});
    const others: readonly Partial<AlarmLine>[] = [
      { meterId: "C" },
      { rule: "R2" },
      { rangAtMs: [dayMs - 1], knownAtMs: dayMs - 1 },
      { rangAtMs: [5 * dayMs], raisedAtMs: 5 * dayMs },
      { listed: true },
    ];
    for (const other of others) {
      expect(score([truthLine], [{ ...alarmLine, ...other }]).kinds).toMatchObject([{ missed: 1 }]);
    }
  });

  test("what rang before rings anew as the same alarm: each ring counts in its own time", () => {
    const before = { ...alarmLine, knownAtMs: hourMs };
    const again = { ...before, rangAtMs: [hourMs, dayMs + 2 * hourMs] };
    const told = score([truthLine], [again]);
    expect(told.kinds).toMatchObject([{ rang: 1, missed: 0, delayMsMedian: hourMs }]);
    expect(score([truthLine], [{ ...before, rangAtMs: [hourMs] }]).kinds).toMatchObject([
      { rang: 0, recorded: 0, missed: 1 },
    ]);
    const died = { ...truthLine, rules: ["R18"] };
    const missed = (stands: boolean) =>
      score([died], [{ ...before, rule: "R18", rangAtMs: [hourMs], stands }]).kinds[0]?.missed;
    expect([missed(true), missed(false)]).toEqual([0, 1]);
    expect(
      score([truthLine], [{ ...before, rangAtMs: [hourMs], stands: true }]).kinds,
    ).toMatchObject([{ missed: 1 }]);
    const outage: OutageLine = { area: "a", fromMs: 0, untilMs: 2 * hourMs };
    const invented = (...rangAtMs: number[]) => {
      const silent = { ...alarmLine, meterId: "B", rule: "R18", rangAtMs };
      return score([bath], [silent], [outage]).lookAlikes[0]?.invented;
    };
    expect([invented(hourMs), invented(hourMs, dayMs)]).toEqual([0, 1]);
  });

  test("what only late data told is recorded, and rang for nobody", () => {
    const late = score([truthLine], [{ ...alarmLine, rang: false, rangAtMs: [] }]);
    expect(late.kinds).toMatchObject([{ rang: 0, recorded: 1, missed: 0, delayMsMedian: null }]);
    expect(late.rangByPriority).toEqual({});
  });

  test("what no report showed in time is counted apart, and what belongs on a list stands there", () => {
    const unheard = { ...truthLine, meterId: "C", isHeard: false };
    const apart = score([truthLine, unheard], [alarmLine]);
    expect(apart.kinds).toMatchObject([
      { isHeard: true, rang: 1, missed: 0 },
      { isHeard: false, rang: 0, missed: 1 },
    ]);
    const text = scoreTable(apart, plan);
    expect(text).toContain("above the declared floor: happened, missed | 1, 0 |");
    expect(text).toContain("in no report in time: happened, not told | 1, 1 |");
    const due = { ...truthLine, isListed: true };
    expect(score([due], [{ ...alarmLine, listed: true, rang: false }]).kinds).toMatchObject([
      { isListed: true, rang: 1, missed: 0 },
    ]);
    expect(score([due], [alarmLine]).kinds).toMatchObject([{ rang: 0, missed: 1 }]);
    const noted = { ...alarmLine, meterId: "Z", rule: "R14", listed: true };
    expect(score([], [noted]).listedByRule).toEqual({ R14: 1 });
  });

  test("a detector that its area's network has silenced is silent, any other one is invented", () => {
    const line: OutageLine = { area: "a", fromMs: dayMs, untilMs: 2 * dayMs };
    const silent = { ...alarmLine, meterId: "B", rule: "R18" };
    const invented = (alarm: AlarmLine, outages: readonly OutageLine[]) =>
      score([bath], [alarm], outages).lookAlikes[0]?.invented;
    expect(invented(silent, [line])).toBe(0);
    expect(invented(silent, [{ ...line, area: "b" }])).toBe(1);
    expect(invented({ ...silent, rule: "R2" }, [line])).toBe(1);
  });

  test("says of usual days whether one operator can attend to them", () => {
    const usual = { ...plan, incidents: "usual" } as const;
    const row = (times: number) =>
      scoreTable(score([], [{ ...alarmLine, rangAtMs: Array<number>(times).fill(dayMs) }]), usual);
    expect(row(14)).toContain("at most 144 | 140.0: met |");
    expect(row(15)).toContain("at most 144 | 150.0: not met |");
  });

  test("weighs what rang in a dense city by how often it happens", () => {
    const often = { ...truthLine, yearly: 36_525 };
    const rang = { ...alarmLine, rangAtMs: [dayMs, 2 * dayMs] };
    const area = { ...alarmLine, meterId: null, subject: "area a" };
    const system = { ...alarmLine, meterId: null, rangAtMs: Array<number>(50).fill(dayMs) };
    const calm = { ...alarmLine, meterId: "Z" };
    const aDay = (...alarms: readonly AlarmLine[]) =>
      score([often, { ...often, meterId: "B" }], alarms).usualRingsADay;
    // A hundred a day, and two rings at two meters.
    expect(aDay(rang)).toBeCloseTo(100);
    // 100,000 meter-days are a tenth of a million meters' day.
    expect(aDay(area)).toBeCloseTo(10);
    expect(aDay(calm)).toBeCloseTo((10 * 1_000) / 998);
    expect(aDay(system)).toBeCloseTo(0.5);
  });

  test("a look-alike explains nothing, an incident explains what follows it and not what came before", () => {
    const invented = score([bath], [{ ...alarmLine, meterId: "B" }]);
    expect(invented.lookAlikes).toMatchObject([{ kind: "bath", happened: 1, invented: 1 }]);
    expect(invented.inventedByRule).toEqual({});
    expect(score([], [alarmLine]).inventedByRule).toEqual({ R7: 1 });
    expect(score([], [{ ...alarmLine, priority: 3 }]).inventedByRule).toEqual({});
    const followed = score([truthLine], [alarmLine, { ...alarmLine, rule: "R2" }]);
    expect(followed.inventedByRule).toEqual({});
    expect(score([], [{ ...alarmLine, meterId: null }]).inventedByRule).toEqual({});
  });

  test("counts every time that an operator heard something, the system's own apart", () => {
    const twice = { ...alarmLine, rangAtMs: [dayMs, 2 * dayMs] };
    const system = { ...alarmLine, meterId: null, rule: "ARRIVALS" };
    const { rangByRule, rangOfSystem, rangWithoutIncident } = score([], [twice, system]);
    expect(rangByRule).toEqual({ R7: 2, ARRIVALS: 1 });
    expect([rangOfSystem, rangWithoutIncident]).toEqual([1, 2]);
  });

  test("an outage is told while it lasts, and what rings without one is invented", () => {
    const line: OutageLine = { area: "a", fromMs: dayMs, untilMs: dayMs + 5 * hourMs };
    const short = { ...line, fromMs: 3 * dayMs, untilMs: 3 * dayMs + hourMs };
    const alarm = { ...alarmLine, meterId: null, rule: "OUTAGE", subject: "area a" };
    const at = (...rangAtMs: number[]) => score([], [{ ...alarm, rangAtMs }], [line, short]);
    const counted = { areaDays: 100, happened: 1, shorter: 1 };
    expect(at(dayMs + 3 * hourMs).outages).toEqual({ ...counted, told: 1, invented: 0 });
    expect(at(9 * dayMs).outages).toEqual({ ...counted, told: 0, invented: 1 });
    const other = score(
      [],
      [{ ...alarm, subject: "area b", rangAtMs: [dayMs + 1] }],
      [line, short],
    );
    expect(other.outages).toEqual({ ...counted, told: 0, invented: 1 });
  });

  test("stands as tables", () => {
    const text = scoreTable(
      score([truthLine, bath], [alarmLine, { ...alarmLine, meterId: "C" }]),
      plan,
    );
    expect(text).toContain("| leak | small | values | 1 | 1 | 0 | 0 | 2.00 h |");
    expect(text).toContain("| bath | small | 1 | 0 |");
    expect(text).toContain("per 100,000 meter-days | 1 = 1.0 |");
  });
});
