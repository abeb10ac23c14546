/** A listener on a free port with a registry in memory and a queue whose commits the test decides. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { generate, parser, type Packet } from "mqtt-packet";
import { parseMeterId, type CommandId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import type { Meter } from "#domain/meter.ts";
import { timestampMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type {
  Committed,
  DownlinkOutcome,
  IntakeDirectory,
  Uplink,
  UplinkQueue,
} from "#ports/intake.ts";
import type { NamedEvent, Observer } from "#ports/observer.ts";
import { createCarrier } from "#downlink/carrier.ts";
import { startMqttIntake, type MqttIntakeOptions } from "#intake/mqttBroker.ts";
import { hashSecret } from "#intake/secrets.ts";
import { platformEnvelopes } from "../../src/envelopes.ts";

export const pepper = createHash("sha256").update("test").digest();

/** Resolves as soon as the condition holds; fails loudly when it never does. */
export async function until(condition: () => boolean, what: string, withinMs = 10_000) {
  const endAtMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > endAtMs) throw new Error(`never happened: ${what}`);
    await delay(2);
  }
}

export class HandClock implements Clock {
  aheadMs = 0;
  nowMs() {
    return timestampMs(Date.now() + this.aheadMs);
  }
  monotonicMs() {
    return performance.now() + this.aheadMs;
  }
}

type Note = { readonly event: NamedEvent; readonly fields: Record<string, string | number> };

export class Notebook implements Observer {
  readonly notes: Note[] = [];
  note(event: NamedEvent, fields: Readonly<Record<string, string | number>> = {}) {
    this.notes.push({ event, fields });
  }
  count(event: NamedEvent, fields: Record<string, string | number> = {}) {
    const wanted = Object.entries(fields);
    return this.notes.filter(
      (note) => note.event === event && wanted.every(([key, value]) => note.fields[key] === value),
    ).length;
  }
}

/** Collects uplinks; each test says when they are durable. */
export class HandQueue implements UplinkQueue {
  isFull = false;
  /** False: uplinks wait in `waiting` until the test settles them. */
  isAutomatic = true;
  readonly offered: Uplink[] = [];
  readonly waiting: Committed[] = [];
  readonly contacts: number[] = [];
  readonly outcomes: { commandId: CommandId; outcome: string }[] = [];

  offer(uplink: Uplink, committed: Committed) {
    this.offered.push({ ...uplink, bytes: Uint8Array.from(uplink.bytes) });
    if (this.isAutomatic) setImmediate(committed, null);
    else this.waiting.push(committed);
  }
  contact(meterNo: number) {
    this.contacts.push(meterNo);
  }
  downlinkOutcome(commandId: CommandId, outcome: DownlinkOutcome) {
    this.outcomes.push({ commandId, outcome });
  }
  settle(failure: Parameters<Committed>[0] = null) {
    for (const committed of this.waiting.splice(0)) committed(failure);
  }
  texts() {
    return this.offered.map((uplink) => Buffer.from(uplink.bytes).toString());
  }
}

function meter(no: number, id: string): Meter {
  const meterId = parseMeterId(id);
  invariant(meterId !== undefined, "a meter id");
  return {
    no,
    id: meterId,
    size: "G4",
    protocol: "json",
    quantumMl: 10_000,
    registerRangeMl: 100_000_000_000,
    area: "a",
    siteClass: "household",
    position: null,
    address: null,
    critical: false,
    pilotMlPerHour: 0,
    frameAddress: null,
    carrierAddress: null,
    kind: "meter",
    selfClosesAfterDays: null,
    verificationDueOn: null,
    retirementDueOn: null,
    profile: null,
    reportEveryMs: 3_600_000,
    lifecycle: "active",
    version: 1,
  };
}

/** The registry, held in memory; gateway G1 may speak for M0002. */
export class HandDirectory implements IntakeDirectory {
  readonly meters = new Map<string, Meter>();
  readonly gateways = new Map([["G1", new Set(["M0002"])]]);
  readonly credentials = new Map<string, { kind: "meter" | "gateway"; secretHash: string }[]>();

  constructor() {
    for (const [no, id] of ["M0001", "M0002", "M0003"].entries()) this.addMeter(no + 1, id);
    this.addCredential("G1", "gateway");
    this.addMeter(9, "constructor");
  }
  addMeter(no: number, id: string, change: Partial<Meter> = {}) {
    this.meters.set(id, { ...meter(no, id), ...change });
    this.addCredential(id, "meter");
  }
  addCredential(username: string, kind: "meter" | "gateway") {
    this.credentials.set(username, [{ kind, secretHash: hashSecret(pepper, secretOf(username)) }]);
  }
  meterById(id: string) {
    return this.meters.get(id);
  }
  meterByNo(no: number) {
    return [...this.meters.values()].find((row) => row.no === no);
  }
  meterByFrameAddress(address: string) {
    return [...this.meters.values()].find(({ frameAddress }) => frameAddress === address);
  }
  meterByCarrierAddress(address: string) {
    return [...this.meters.values()].find((row) => row.carrierAddress === address);
  }
  secretHashes(username: string) {
    return this.credentials.get(username) ?? [];
  }
  gatewayMeters(gatewayId: string) {
    return this.gateways.get(gatewayId);
  }
}

export function secretOf(username: string) {
  return `secret of ${username}`;
}

export async function startRig(options: Partial<MqttIntakeOptions> = {}) {
  const clock = new HandClock();
  const observer = new Notebook();
  const queue = new HandQueue();
  const directory = new HandDirectory();
  const envelopes = platformEnvelopes;
  const parts = { clock, observer, queue, directory, pepper, envelopes };
  const intake = await startMqttIntake({ host: "127.0.0.1", port: 0, ...parts, ...options });
  const { listeners } = intake;
  const carrier = createCarrier({
    listeners,
    gateways: listeners,
    queue,
    clock,
    observer,
    confirmTimeoutMs: 2_000,
  });
  const clients: MqttClient[] = [];
  const raws: Raw[] = [];
  return {
    ...parts,
    intake,
    carrier,
    /** A well-behaved client: logs in as the meter and never reconnects by itself. */
    async login(username: string, extra: IClientOptions = {}) {
      const client = await connectAsync({
        host: "127.0.0.1",
        port: intake.port,
        username,
        clientId: username,
        password: secretOf(username),
        reconnectPeriod: 0,
        keepalive: 60,
        ...extra,
      });
      clients.push(client);
      client.on("error", () => undefined);
      return client;
    },
    async raw() {
      const raw = new Raw(connectTcp(intake.port, "127.0.0.1"));
      raws.push(raw);
      await once(raw.socket, "connect");
      return raw;
    },
    /** A raw connection that has logged in. */
    async rawLogin(username: string, extra: object = {}) {
      const raw = await this.raw();
      raw.send(connectBytes(username, extra));
      await raw.receive("connack");
      return raw;
    },
    async stop() {
      for (const raw of raws) raw.socket.destroy();
      await Promise.all(clients.map((client) => client.endAsync(true)));
      queue.isAutomatic = true;
      queue.settle();
      await intake.close();
    },
  };
}

export type Rig = Awaited<ReturnType<typeof startRig>>;

export function connectBytes(username: string, extra: object = {}) {
  return generate({
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: username,
    username,
    password: Buffer.from(secretOf(username)),
    ...extra,
  });
}

export function publishBytes(topic: string, payload: string | Buffer, extra: object = {}) {
  return generate({
    cmd: "publish",
    topic,
    payload,
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
    ...extra,
  });
}

/** A connection of bytes: sends what it is told and collects the frames that come back. */
export class Raw {
  readonly socket: Socket;
  readonly frames: Packet[] = [];
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const frames = parser();
    frames.on("packet", (frame: Packet) => this.frames.push(frame));
    socket.on("data", (bytes) => frames.parse(bytes));
    socket.on("error", () => undefined);
    socket.on("close", () => (this.isClosed = true));
  }
  send(...bytes: Uint8Array[]) {
    this.socket.write(Buffer.concat(bytes));
  }
  async receive(cmd: Packet["cmd"], count = 1) {
    const got = () => this.frames.filter((frame) => frame.cmd === cmd);
    await until(() => got().length >= count || this.isClosed, `${count} × ${cmd}`);
    const frames = got();
    if (frames.length < count) throw new Error(`closed before ${cmd}`);
    return frames;
  }
  async closed(withinMs = 10_000) {
    await until(() => this.isClosed, "the connection is closed", withinMs);
  }
}
