/** CAT-1 meters on real sockets: whose connection it is, what is answered when, and what is cut. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { emptyReading, type Telegram } from "#domain/telegram.ts";
import { timestampMs } from "#domain/units.ts";
import { createCarrier } from "#downlink/carrier.ts";
import { startTcpIntake, type TcpIntake, type TcpIntakeOptions } from "#intake/tcp/tcpIntake.ts";
import type { TcpLimits } from "#intake/tcp/limits.ts";
import { cat1Protocol } from "#protocols/cat1/protocol.ts";
import { decodeCat1Request } from "#protocols/cat1/requests.ts";
import { cat1Stream } from "#protocols/cat1/stream.ts";
import { encodeCat1Uplink } from "#protocols/cat1/uplink.ts";
import { greeting, splitFrames } from "#protocols/codec/frameStream.ts";
import { HandClock, HandDirectory, HandQueue, Notebook, until } from "../support/mqttRig.ts";

const address = "51510000000042";
const other = "51510000000043";

/** A meter's end of the line. */
class Line {
  readonly socket: Socket;
  isClosed = false;
  #bytes = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (chunk) => (this.#bytes = Buffer.concat([this.#bytes, chunk])));
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => (this.isClosed = true));
  }
  send(...bytes: Uint8Array[]) {
    this.socket.write(Buffer.concat(bytes));
  }
  /** What this side of the line was told, in words. */
  told() {
    return splitFrames(this.#bytes).frames.map(({ bytes }) => {
      const read = decodeCat1Request(bytes);
      if (!read.ok) return read.fault.kind;
      const { value } = read;
      return value.kind === "reportAnswer" ? value.power : value.kind;
    });
  }
}

let intake: TcpIntake;
let queue: HandQueue;
let observer: Notebook;
const lines: Line[] = [];

async function start(limits: Partial<TcpLimits> = {}, change: Partial<TcpIntakeOptions> = {}) {
  const directory = new HandDirectory();
  directory.addMeter(41, "C1", { protocol: "cat1", frameAddress: address });
  directory.addMeter(42, "C2", { protocol: "cat1", frameAddress: other });
  directory.addMeter(43, "J1", { protocol: "json", frameAddress: "51510000000044" });
  queue = new HandQueue();
  observer = new Notebook();
  intake = await startTcpIntake({
    host: "127.0.0.1",
    port: 0,
    peers: ["127.0.0.0/8"],
    dialect: cat1Stream,
    directory,
    queue,
    observer,
    clock: new HandClock(),
    limits,
    ...change,
  });
}

async function line() {
  const made = new Line(intake.port);
  lines.push(made);
  await once(made.socket, "connect");
  return made;
}

beforeEach(() => start());
afterEach(async () => {
  for (const { socket } of lines.splice(0)) socket.destroy();
  queue.isAutomatic = true;
  queue.settle();
  await intake.close();
});

function reportOf(from: string, change: Partial<Telegram> = {}): Uint8Array {
  const measuredAtMs = timestampMs(1_795_132_805_000);
  const volume = { ml: 1_234_567_000 as never, count: 1_234_567, exponent: -3 };
  const reading = { ...emptyReading, measuredAtMs, volume, valve: "open", status: 0 } as const;
  const telegram = { address: from, frameId: null, readings: [reading], replies: [] };
  return encodeCat1Uplink({ ...telegram, ...change });
}

const report = reportOf(address);
const reply = reportOf(address, {
  replies: [{ commandId: null, sequence: 7, result: "executed", reason: null, valve: null }],
});

function order() {
  const carrier = createCarrier({ listeners: intake, queue, observer, clock: new HandClock() });
  const id = commandId("c1");
  const encoded = cat1Protocol.encodeCommand({
    commandId: id,
    action: "close",
    sequence: 7,
    issuedAtMs: timestampMs(0),
    expiresAtMs: timestampMs(1),
    frameAddress: address,
  });
  const bytes = encoded.ok ? encoded.value : new Uint8Array();
  const expiresAtMs = Date.now() + 60_000;
  carrier.send({ commandId: id, meterNo: 41, protocol: "cat1", bytes, expiresAtMs });
}

describe("a report", () => {
  test("is answered when it is on disk, and not before", async () => {
    queue.isAutomatic = false;
    const meter = await line();
    meter.send(greeting, report);
    await until(() => queue.waiting.length === 1, "the report is offered");
    expect(queue.offered[0]).toMatchObject({
      meterNo: 41,
      route: "meter",
      protocol: "cat1",
      reachable: true,
    });
    expect(meter.told()).toEqual([]);
    queue.settle();
    await until(() => meter.told().length === 1, "the answer");
    expect(meter.told()).toEqual(["sleep"]);
  });

  test("that could not be stored is not answered: the line is closed and the meter tries again", async () => {
    queue.isAutomatic = false;
    const meter = await line();
    meter.send(report);
    await until(() => queue.waiting.length === 1, "the report is offered");
    queue.settle("store-failed");
    await until(() => meter.isClosed, "the line is closed");
    expect(meter.told()).toEqual([]);
  });

  test("may come byte by byte, behind noise, or with another one", async () => {
    const meter = await line();
    const noise = Uint8Array.of(0x68, 0x00, 0xff, 0x68);
    const bytes = Buffer.concat([greeting, noise, report, report]);
    for (const byte of bytes) meter.send(Uint8Array.of(byte));
    await until(() => meter.told().length === 2, "both are answered");
    expect(queue.offered.map((uplink) => Buffer.from(uplink.bytes))).toEqual([
      Buffer.from(report),
      Buffer.from(report),
    ]);
  });
});

describe("an order", () => {
  test("stands in the answer's place; the meter sleeps after its reply is stored", async () => {
    queue.isAutomatic = false;
    const meter = await line();
    expect(intake.find(41, "cat1")).toBeUndefined();
    meter.send(report);
    await until(() => queue.waiting.length === 1, "the report is offered");
    // The engine hands the order over in the same breath as the commit.
    order();
    queue.settle();
    await until(() => meter.told().length === 1, "the order");
    expect(meter.told()).toEqual(["valve"]);
    meter.send(reply);
    await until(() => queue.waiting.length === 1, "the reply is offered");
    expect(queue.outcomes).toEqual([{ commandId: "c1", outcome: "delivered" }]);
    expect(queue.offered[1]).toMatchObject({ reachable: false });
    queue.settle();
    await until(() => meter.told().length === 2, "the answer");
    expect(meter.told()).toEqual(["valve", "sleep"]);
  });

  test("is not given to a meter that was told to sleep, nor twice on one line", async () => {
    const meter = await line();
    meter.send(report);
    await until(() => meter.told().length === 1, "the answer");
    order();
    expect(queue.outcomes).toEqual([{ commandId: "c1", outcome: "undelivered" }]);
    expect(meter.told()).toEqual(["sleep"]);
  });

  test("without a reply is unconfirmed, and the meter is let to sleep in time", async () => {
    await intake.close();
    await start({ replyTimeoutMs: 50 });
    queue.isAutomatic = false;
    const meter = await line();
    meter.send(report);
    await until(() => queue.waiting.length === 1, "the report is offered");
    order();
    queue.settle();
    await until(() => meter.told().length === 2, "order and answer");
    expect(meter.told()).toEqual(["valve", "sleep"]);
    meter.socket.destroy();
    await until(() => queue.outcomes.length === 1, "the outcome");
    expect(queue.outcomes).toEqual([{ commandId: "c1", outcome: "unconfirmed" }]);
  });
});

describe("whose line it is", () => {
  test("a stranger, and a meter of another protocol, are closed and counted", async () => {
    for (const from of ["99999999999999", "51510000000044"]) {
      const meter = await line();
      meter.send(reportOf(from));
      await until(() => meter.isClosed, "the line is closed");
    }
    expect(queue.offered).toEqual([]);
    expect(observer.count("tcp.frameRefused", { reason: "UNKNOWN_METER" })).toBe(2);
  });

  test("the line belongs to the meter of its first frame", async () => {
    const meter = await line();
    meter.send(report);
    await until(() => meter.told().length === 1, "the answer");
    meter.send(reportOf(other));
    await until(() => meter.isClosed, "the line is closed");
    expect(queue.offered).toHaveLength(1);
    expect(observer.count("tcp.frameRefused", { reason: "NOT_OWNER" })).toBe(1);
  });

  test("the newest line of a meter is the one that it uses", async () => {
    const [first, second] = [await line(), await line()];
    first.send(report);
    await until(() => first.told().length === 1, "the answer");
    second.send(report);
    await until(() => first.isClosed, "the first line is closed");
    expect(observer.count("tcp.takeover")).toBe(1);
    expect(intake.count).toBe(1);
  });

  test("a peer that is not named is not read", async () => {
    await intake.close();
    await start({}, { peers: ["10.0.0.0/8", "::1"] });
    const meter = await line();
    meter.send(report);
    await until(() => meter.isClosed, "the line is closed");
    expect(queue.offered).toEqual([]);
    expect(observer.count("tcp.refused", { reason: "PEER" })).toBe(1);
  });
});

describe("what is cut", () => {
  test("a line that says nothing whole, byte by byte or not at all", async () => {
    await intake.close();
    await start({ firstFrameTimeoutMs: 50 });
    const meter = await line();
    meter.send(report.slice(0, 40));
    await until(() => meter.isClosed, "the line is closed");
    expect(queue.offered).toEqual([]);
    expect(observer.count("tcp.cut", { reason: "FIRST_FRAME_TIMEOUT" })).toBe(1);
  });

  test("a frame of a known meter that never ends is kept as what it is, then the line is closed", async () => {
    await intake.close();
    await start({ restTimeoutMs: 50 });
    const meter = await line();
    meter.send(report, report.slice(0, 40));
    await until(() => meter.isClosed, "the line is closed");
    expect(queue.offered.map(({ bytes }) => bytes.length)).toEqual([report.length, 40]);
  });

  test("a flood of reports, each of which is stored or counted", async () => {
    await intake.close();
    await start({ framesPerConnectionMax: 3 });
    const meter = await line();
    meter.send(...Array.from({ length: 10 }, () => report));
    await until(() => meter.isClosed, "the line is closed");
    expect(observer.count("tcp.cut", { reason: "FLOOD" })).toBe(1);
    expect(queue.offered).toHaveLength(3);
    expect(observer.count("tcp.frameRefused", { reason: "FLOOD" })).toBe(7);
  });

  test("random bytes without end", async () => {
    const noisy = await line();
    for (let turn = 0; turn < 200; turn += 1) noisy.send(Buffer.alloc(4_096, turn));
    await until(() => observer.count("tcp.noise") > 0, "the noise is noted");
    expect(queue.offered).toEqual([]);
  });

  test.each([
    ["noise", Uint8Array.of(0x00)],
    ["what begins like a frame", Uint8Array.of(0x68)],
  ])("a known meter that says nothing whole any more, for all its %s", async (_what, byte) => {
    await intake.close();
    await start({ idleTimeoutMs: 60, restTimeoutMs: 60, endGraceMs: 60 });
    const meter = await line();
    meter.send(report);
    await until(() => meter.told().length === 1, "the answer");
    const dripping = setInterval(() => meter.send(byte), 10);
    // The meter's side stays open: only a cut ends such a line.
    meter.socket.allowHalfOpen = true;
    try {
      await until(() => intake.count === 0, "the line is closed");
    } finally {
      clearInterval(dripping);
    }
  });
});

describe("a damaged frame", () => {
  /** A wrong sum; what the meter counts has a 68 in it, so that the damaged frame is taken apart in two goes. */
  const damaged = Uint8Array.from(report);
  damaged[damaged.length - 2] = (damaged.at(-2) ?? 0) ^ 0xff;
  const hexes = () => queue.offered.map(({ bytes }) => Buffer.from(bytes).toString("hex"));
  const [bad, good] = [damaged, report].map((bytes) => Buffer.from(bytes).toString("hex"));

  test.each([
    ["before its first whole one", [damaged, report], [bad, good], 1],
    ["between two whole ones", [report, damaged, report], [good, bad, good], 2],
    ["with a wake-up behind it", [damaged, Uint8Array.of(0xfe, 0xfe), report], [bad, good], 1],
  ])("of a known meter %s is kept for quarantine", async (_what, sent, kept, answers) => {
    const meter = await line();
    meter.send(...sent);
    await until(() => queue.offered.length === kept.length, "all are offered");
    expect(hexes()).toEqual(kept);
    expect(cat1Protocol.decode(damaged)).toMatchObject({ fault: { kind: "checksumMismatch" } });
    await until(() => meter.told().length === answers, "whole ones are answered");
    expect(queue.offered.filter(({ reachable }) => reachable)).toHaveLength(answers);
  });

  test("that comes byte by byte is kept as one", async () => {
    const meter = await line();
    for (const byte of Buffer.concat([report, damaged, report])) meter.send(Uint8Array.of(byte));
    await until(() => queue.offered.length === 3, "all are offered");
    expect(hexes()).toEqual([good, bad, good]);
  });

  test("as a meter's last word is kept when the line ends, or breaks", async () => {
    for (const end of ["end", "resetAndDestroy"] as const) {
      const meter = await line();
      meter.send(report, damaged);
      await until(() => meter.told().length > 0, "the answer");
      meter.socket[end]();
      await until(() => hexes().includes(bad ?? ""), `kept after ${end}`);
      queue.offered.splice(0);
    }
  });

  test("of a stranger is not kept; of a meter at most a named few", async () => {
    const stranger = await line();
    stranger.send(damaged, reportOf("99999999999999"));
    await until(() => stranger.isClosed, "the line is closed");
    expect(queue.offered).toEqual([]);
    const meter = await line();
    for (let turn = 0; turn < 5; turn += 1) meter.send(damaged, report);
    await until(() => queue.offered.length === 8, "five whole ones and three");
    expect(observer.count("tcp.frameRefused", { reason: "DAMAGED_LIMIT" })).toBe(2);
  });
});

test("strangers at the door do not take the places of meters", async () => {
  await intake.close();
  await start({ waitingPerAddressMax: 1, admissionsPerSecondMax: 1 }, { peers: ["10.0.0.0/8"] });
  for (let turn = 0; turn < 5; turn += 1) {
    const stranger = await line();
    await until(() => stranger.isClosed, "it is turned away at once");
  }
  expect(observer.count("tcp.refused", { reason: "PEER" })).toBe(5);
  expect(observer.count("tcp.refused", { reason: "ADDRESS_LIMIT" })).toBe(0);
  expect(observer.count("tcp.throttled")).toBe(0);
});
