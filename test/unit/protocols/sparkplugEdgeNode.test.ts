/** The conversation with an edge node: births, deaths, lost and late messages, aliases. */
import { describe, expect, test } from "vitest";
import { unreachable } from "#domain/invariant.ts";
import { timestampMs } from "#domain/units.ts";
import {
  edgeDevicesMax,
  edgeMetricsMax,
  heldCharsMax,
  heldMessagesMax,
  takeEdgeMessage,
  tickEdgeNode,
  unknownEdgeNode,
  type EdgeEffect,
  type EdgeMessage,
  type EdgeNodeState,
} from "#protocols/sparkplug/edgeNode.ts";
import { metricNameCharsMax } from "#protocols/sparkplug/births.ts";
import { mulberry32 } from "./cardChecks.ts";
import { writtenPayload, type WrittenMetric } from "./sparkplugSchema.ts";

const settings = { reorderTimeoutMs: 5_000, rebirthEveryMs: 60_000 };

/** A host that is told messages and writes down what is to be done, in short words. */
class Host {
  state: EdgeNodeState = unknownEdgeNode;
  ref = 0;
  nowMs = timestampMs(1_795_305_605_000);

  take(
    type: EdgeMessage["type"],
    seq: number | null,
    metrics: readonly WrittenMetric[] = [],
    device: string | null = type.startsWith("D") ? "m1" : null,
  ): readonly string[] {
    const bytes = writtenPayload({ ...(seq === null ? {} : { seq }), metrics });
    return this.takeBytes(type, bytes, device);
  }

  takeBytes(
    type: EdgeMessage["type"],
    bytes: Uint8Array,
    device: string | null,
  ): readonly string[] {
    this.ref += 1;
    const message = { type, device, bytes, ref: this.ref };
    const step = takeEdgeMessage(settings, this.state, message, this.nowMs);
    this.keep(step.state);
    return step.effects.map(inShort);
  }

  /** As a ledger does it: as text, and back after a restart. */
  keep(state: EdgeNodeState): void {
    const text = JSON.stringify(state);
    this.state = JSON.parse(text) as EdgeNodeState;
    expect(this.state).toEqual(state);
  }

  wait(ms: number): readonly string[] {
    this.nowMs = timestampMs(this.nowMs + ms);
    const step = tickEdgeNode(settings, this.state, this.nowMs);
    this.keep(step.state);
    return step.effects.map(inShort);
  }
}

function inShort(effect: EdgeEffect): string {
  switch (effect.kind) {
    case "metrics": {
      const values = effect.metrics.map(({ name, value }) => {
        const plain = value === null || value.kind === "unread" ? "none" : String(value.value);
        return `${name}=${plain}`;
      });
      return `${effect.device ?? "node"}${effect.isBirth ? " born" : ""}: ${values.join(" ")}`.trimEnd();
    }
    case "stale":
      return `stale ${effect.device ?? "node"}`;
    case "unexplained":
      return `unexplained ${effect.count}`;
    case "unread":
      return `unread ${effect.count}`;
    case "refused":
      return `refused ${effect.ref}: ${effect.fault.kind}`;
    case "limit":
      return `limit of ${effect.what}`;
    case "askRebirth":
      return "ask";
    case "ignored":
      return `ignored: ${effect.because}`;
    default:
      return unreachable(effect);
  }
}

const bdSeq = (value: number): WrittenMetric => ({ name: "bdSeq", dataType: "Int64", value });
const volume = (value: number): WrittenMetric => ({ alias: 1, value });
const bornVolume: WrittenMetric = { name: "Volume", alias: 1, dataType: "Int32", value: 10 };

/** A node with one device, at sequence 1. */
function bornHost(): Host {
  const host = new Host();
  expect(host.take("NBIRTH", 0, [bdSeq(3)])).toEqual(["node born: bdSeq=3"]);
  expect(host.take("DBIRTH", 1, [bornVolume])).toEqual(["m1 born: Volume=10"]);
  return host;
}

describe("in order", () => {
  test("aliases mean what the birth said; the sequence goes round over node and devices", () => {
    const host = bornHost();
    for (let seq = 2; seq < 600; seq += 1) {
      expect(host.take("DDATA", seq % 256, [volume(seq)])).toEqual([`m1: Volume=${seq}`]);
    }
    expect(host.take("DDATA", 88, [{ name: "Volume", value: 7 }])).toEqual(["m1: Volume=7"]);
    expect(host.take("DDATA", 89, [{ alias: 1, isNull: true }])).toEqual(["m1: Volume=none"]);
  });

  test("every effect has the number of the message that it comes from, however long that waited", () => {
    const refs = (step: { readonly effects: readonly EdgeEffect[] }) =>
      step.effects.flatMap((effect) => ("ref" in effect ? [effect.ref] : []));
    const { state, nowMs } = bornHost();
    const message = (seq: number, ref: number): EdgeMessage => {
      const bytes = writtenPayload({ seq, metrics: [volume(1)] });
      return { type: "DDATA", device: "m1", bytes, ref };
    };
    const early = takeEdgeMessage(settings, state, message(3, 70), nowMs);
    expect(refs(early)).toEqual([]);
    expect(refs(takeEdgeMessage(settings, early.state, message(2, 71), nowMs))).toEqual([71, 70]);
  });

  test("data sets and templates are counted and passed over; what stands beside them is heard", () => {
    const host = bornHost();
    const table: WrittenMetric = { name: "Table", dataType: "DataSet" };
    expect(host.take("DBIRTH", 2, [table, bornVolume])).toEqual([
      "m1 born: Table=none Volume=10",
      "unread 1",
    ]);
  });

  test("history keeps its mark", () => {
    const { state, nowMs } = bornHost();
    const metrics = [{ ...volume(1), isHistorical: true, timestamp: 1_795_305_000_000 }];
    const bytes = writtenPayload({ seq: 2, timestamp: 1_795_305_600_000, metrics });
    const step = takeEdgeMessage(
      settings,
      state,
      { type: "DDATA", device: "m1", bytes, ref: 1 },
      nowMs,
    );
    expect(step.effects).toMatchObject([
      { metrics: [{ isHistorical: true, atMs: 1_795_305_000_000 }] },
    ]);
  });

  test("a session may begin with any sequence", () => {
    const host = new Host();
    host.take("NBIRTH", 255, [bdSeq(0)]);
    expect(host.take("DBIRTH", 0, [bornVolume])).toEqual(["m1 born: Volume=10"]);
  });

  test("a device's aliases are its own, and an alias given twice explains nothing", () => {
    const host = bornHost();
    expect(host.take("NDATA", 2, [volume(1)])).toEqual(["unexplained 1"]);
    host.take("DBIRTH", 3, [bornVolume, { ...bornVolume, name: "Pressure" }]);
    expect(host.take("DDATA", 4, [volume(1)])).toEqual(["unexplained 1"]);
    expect(host.take("DDATA", 5, [{ name: "Pressure", value: 4 }])).toEqual(["m1: Pressure=4"]);
  });
});

describe("deaths", () => {
  test("the node's death is that of its devices, and only of its own session", () => {
    const host = bornHost();
    expect(host.take("NDEATH", null, [bdSeq(2)])).toEqual([
      "ignored: a death of an earlier session",
    ]);
    expect(host.take("DDATA", 2, [volume(11)])).toEqual(["m1: Volume=11"]);
    expect(host.take("NDEATH", null, [bdSeq(3)])).toEqual(["stale node"]);
    expect(host.take("NDEATH", null, [bdSeq(3)])).toEqual([
      "ignored: a death of a node that is not alive",
    ]);
    expect(host.take("DDATA", 3, [volume(12)])).toEqual(["unexplained 1", "ask"]);
  });

  test("a death without a number is believed", () => {
    expect(bornHost().take("NDEATH", null)).toEqual(["stale node"]);
  });

  test("a device's death is its own, and its next data ask for a birth", () => {
    const host = bornHost();
    expect(host.take("DDEATH", 2)).toEqual(["stale m1"]);
    expect(host.take("DDATA", 3, [volume(1)])).toEqual(["unexplained 1", "ask"]);
    expect(host.take("DBIRTH", 4, [bornVolume])).toEqual(["m1 born: Volume=10"]);
    expect(host.take("DDATA", 5, [volume(2)])).toEqual(["m1: Volume=2"]);
  });

  test("a birth ends the session before it", () => {
    const host = bornHost();
    expect(host.take("NBIRTH", 0, [bdSeq(4)])).toEqual(["stale node", "node born: bdSeq=4"]);
    expect(host.take("DDATA", 1, [volume(1)])).toEqual(["unexplained 1", "ask"]);
  });
});

describe("before any birth", () => {
  test("what has a name and a type is heard, the rest is kept, and one birth is asked for", () => {
    const host = new Host();
    const named = { name: "Volume", dataType: "Int32", value: 5 } as const;
    expect(host.take("DDATA", 9, [named, volume(6)])).toEqual([
      "m1: Volume=5",
      "unexplained 1",
      "ask",
    ]);
    expect(host.take("DDATA", 10, [named])).toEqual(["m1: Volume=5"]);
    host.wait(settings.rebirthEveryMs);
    expect(host.take("DDATA", 11, [named])).toEqual(["m1: Volume=5", "ask"]);
    expect(host.take("DBIRTH", 12, [bornVolume])).toEqual(["m1 born: Volume=10"]);
    expect(host.take("DDEATH", 13)).toEqual(["stale m1"]);
  });
});

describe("lost and late", () => {
  test("a message that overtook another waits for it", () => {
    const host = bornHost();
    expect(host.take("DDATA", 3, [volume(3)])).toEqual([]);
    expect(host.take("DDATA", 4, [volume(4)])).toEqual([]);
    expect(host.wait(settings.reorderTimeoutMs - 1)).toEqual([]);
    expect(host.take("DDATA", 2, [volume(2)])).toEqual([
      "m1: Volume=2",
      "m1: Volume=3",
      "m1: Volume=4",
    ]);
    expect(host.wait(settings.reorderTimeoutMs)).toEqual([]);
    expect(host.take("DDATA", 5, [volume(5)])).toEqual(["m1: Volume=5"]);
  });

  test("one that never comes: named metrics are heard, aliases no longer believed, a birth asked for", () => {
    const host = bornHost();
    host.take("DDATA", 4, [volume(4), { name: "Volume", value: 40 }]);
    host.take("DDATA", 3, [volume(3)]);
    expect(host.wait(settings.reorderTimeoutMs)).toEqual([
      "unexplained 1",
      "ask",
      "m1: Volume=40",
      "unexplained 1",
    ]);
    expect(host.take("DDATA", 5, [volume(5)])).toEqual(["unexplained 1"]);
    expect(host.take("NBIRTH", 0, [bdSeq(3)])).toEqual(["stale node", "node born: bdSeq=3"]);
    expect(host.take("DBIRTH", 1, [bornVolume])).toEqual(["m1 born: Volume=10"]);
    expect(host.take("DDATA", 2, [volume(6)])).toEqual(["m1: Volume=6"]);
  });

  test("the time runs out with the next message too", () => {
    const host = bornHost();
    host.take("DDATA", 3, [volume(3)]);
    host.nowMs = timestampMs(host.nowMs + settings.reorderTimeoutMs);
    expect(host.take("DDATA", 4, [volume(4)])).toEqual(["unexplained 1", "ask", "unexplained 1"]);
  });

  test("a birth among what was held is believed again", () => {
    const host = bornHost();
    host.take("DBIRTH", 3, [bornVolume]);
    expect(host.wait(settings.reorderTimeoutMs)).toEqual(["m1 born: Volume=10", "ask"]);
    expect(host.take("DDATA", 4, [volume(4)])).toEqual(["m1: Volume=4"]);
  });

  test("out of the past, or twice: births and deaths change nothing, names are still heard", () => {
    const host = bornHost();
    host.take("DDATA", 2, [volume(2)]);
    expect(host.take("DDATA", 2, [volume(2)])).toEqual(["unexplained 1"]);
    expect(host.take("DDATA", 2, [{ name: "Volume", dataType: "Int32", value: 2 }])).toEqual([
      "m1: Volume=2",
    ]);
    expect(host.take("DDEATH", 1)).toEqual(["ignored: a birth or death out of the past"]);
    host.take("DDATA", 5, [volume(5)]);
    expect(host.take("DDATA", 5, [volume(5)])).toEqual(["ignored: a message that came twice"]);
    expect(host.take("DDATA", 3, [volume(3)])).toEqual(["m1: Volume=3"]);
  });

  test("a message without a sequence is heard, and the break of the rule is told", () => {
    expect(bornHost().take("DDATA", null, [volume(2)])).toEqual([
      "m1: Volume=2",
      "ignored: a message without a sequence",
    ]);
  });
});

describe("bounds", () => {
  test("no more messages wait than may", () => {
    const host = bornHost();
    for (let ahead = 0; ahead < heldMessagesMax; ahead += 1)
      host.take("DDATA", 3 + ahead, [volume(1)]);
    expect(host.state.held).toHaveLength(heldMessagesMax);
    expect(host.take("DDATA", 3 + heldMessagesMax, [volume(1)])).toContain("ask");
    expect(host.state.held).toHaveLength(0);
  });

  test("no more devices are known than may be, and none beyond is asked for again and again", () => {
    const host = new Host();
    host.take("NBIRTH", 0, [bdSeq(0)]);
    const devices = Array.from(
      { length: edgeDevicesMax },
      (_, index) => [String(index), host.state.birth] as const,
    );
    host.state = { ...host.state, devices };
    expect(host.take("DBIRTH", 1, [bornVolume], "one more")).toEqual([
      "one more born: Volume=10",
      "limit of devices",
    ]);
    expect(host.take("DDATA", 2, [volume(1)], "one more")).toEqual(["unexplained 1"]);
    expect(host.take("DBIRTH", 3, [], "7")).toEqual(["7 born:"]);
  }, 60_000);

  test("no more metrics are remembered than may be: those beyond must be named", () => {
    const host = new Host();
    host.take("NBIRTH", 0, [bdSeq(0)]);
    const many = Array.from({ length: edgeMetricsMax - 1 }, (_, alias) => ({
      ...bornVolume,
      name: `v${alias}`,
      alias: alias + 2,
    }));
    expect(host.take("DBIRTH", 1, many, "big").at(-1)).not.toMatch(/limit/);
    expect(host.take("DBIRTH", 2, [bornVolume], "m1")).toEqual([
      "limit of metrics",
      "m1 born: Volume=10",
    ]);
    expect(host.take("DDATA", 3, [volume(1)])).toEqual(["unexplained 1"]);
    expect(host.take("DDATA", 4, [{ name: "Volume", dataType: "Int32", value: 1 }])).toEqual([
      "m1: Volume=1",
    ]);
    expect(host.take("DDATA", 5, [{ alias: 2, value: 9 }], "big")).toEqual(["big: v0=9"]);
  }, 60_000);

  test("a name longer than any is heard, and not remembered", () => {
    const host = new Host();
    host.take("NBIRTH", 0, [bdSeq(0)]);
    const name = "x".repeat(metricNameCharsMax + 1);
    expect(host.take("DBIRTH", 1, [{ ...bornVolume, name }])).toEqual([`m1 born: ${name}=10`]);
    expect(host.take("DDATA", 2, [volume(1)])).toEqual(["unexplained 1"]);
  });

  test("what waits may not weigh more than it may", () => {
    const host = bornHost();
    const value = new Uint8Array(100 * 1024);
    const heavy: WrittenMetric = { name: "File", dataType: "File", value };
    expect(host.take("DDATA", 3, [heavy])).toEqual([]);
    expect(host.take("DDATA", 4, [heavy])[0]).toBe("limit of held");
    expect(JSON.stringify(host.state).length).toBeLessThan(heldCharsMax);
  });

  test("a payload that is none is kept, and what it may have said is asked for", () => {
    const host = bornHost();
    expect(host.takeBytes("DDATA", Uint8Array.of(0xff), "m1")).toEqual([
      `refused ${host.ref}: schema`,
    ]);
    host.take("DDATA", 3, [volume(1)]);
    expect(host.wait(settings.reorderTimeoutMs)).toContain("ask");
  });

  test("a node that answers with births that explain nothing is not asked in a circle", () => {
    const host = new Host();
    let asked = 0;
    for (let round = 0; round < 100; round += 1) {
      host.take("NBIRTH", 0, [bdSeq(0)]);
      asked += host.take("DDATA", 1, [volume(1)]).filter((effect) => effect === "ask").length;
    }
    expect(asked).toBe(1);
  });

  test("names of the language's own objects are names", () => {
    const host = new Host();
    host.take("NBIRTH", 0, [bdSeq(0)]);
    for (const [index, name] of ["__proto__", "constructor"].entries()) {
      host.take("DBIRTH", 1 + 2 * index, [{ ...bornVolume, name }], name);
      expect(host.take("DDATA", 2 + 2 * index, [volume(4)], name)).toEqual([`${name}: ${name}=4`]);
    }
  });

  test("any order of any messages: nothing thrown, nothing kept without end", () => {
    const random = mulberry32(34);
    const pick = (below: number) => Math.floor(random() * below);
    const types = ["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"] as const;
    const host = new Host();
    for (let round = 0; round < 5_000; round += 1) {
      const type = types[pick(types.length)] ?? "NDATA";
      const device = type.startsWith("D") ? `m${pick(5)}` : null;
      const seq = pick(10) === 0 ? null : pick(256);
      host.take(type, seq, [bdSeq(pick(3)), bornVolume, volume(round)], device);
      const noise = Uint8Array.from({ length: pick(20) }, () => pick(256));
      if (pick(5) === 0) host.takeBytes(type, noise, device);
      host.wait(pick(3) === 0 ? pick(6_000) : 0);
      expect(host.state.held.length).toBeLessThanOrEqual(heldMessagesMax);
      expect(host.state.devices.length).toBeLessThanOrEqual(5);
    }
  }, 60_000);
});
