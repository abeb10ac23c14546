/** A meter as cheap as the generator can make it: a raw socket, frames built before, ids and digits patched. */
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { generate } from "mqtt-packet";
import { FrameReader, frameTypes } from "./frameReader.ts";
import type { Credential } from "./service.ts";

export interface LoadCounts {
  sent: number;
  acknowledged: number;
  failed: number;
  readonly latencyMs: number[];
}

export function emptyCounts(): LoadCounts {
  return { sent: 0, acknowledged: 0, failed: 0, latencyMs: [] };
}

/** How a meter that has much to tell goes through its past, oldest first. */
export interface BackFill {
  readonly fromMs: number;
  readonly stepMs: number;
  /** Old values beside the newest of each uplink. */
  readonly historyEntries: number;
}

/** Fixed width, so that digits can be patched in place. */
const timeDigits = 13;
const noTime = "0".repeat(timeDigits);
const litreDigits = 9;
const noVolume = `1${"0".repeat(litreDigits - 3)}.000`;
/** One litre a second: 3.6 m³/h, within what a G4 passes. */
const msPerLitre = 1_000;

function payloadTemplate(status: string, historyEntries: number): string {
  const stamp = `"measuredAt":${noTime},"volumeM3":"${noVolume}"`;
  const members = [
    `"v":1`,
    stamp,
    `"flowM3h":"0.350"`,
    `"temperatureC":"18.2"`,
    `"batteryMv":3600`,
    `"batteryPct":87`,
    `"signalDbm":-91`,
    `"valve":"open"`,
    `"status":[${status}]`,
  ];
  const history = Array.from({ length: historyEntries }, () => `{${stamp}}`);
  if (history.length > 0) members.push(`"history":[${history.join(",")}]`);
  return `{${members.join(",")}}`;
}

class Template {
  readonly #bytes: Buffer;
  readonly #idAt: number;
  /** Where the times begin; each volume follows its time at a fixed distance. */
  readonly #stampsAt: readonly number[];

  constructor(topic: string, status: string, historyEntries: number) {
    const payload = payloadTemplate(status, historyEntries);
    this.#bytes = generate({
      cmd: "publish",
      topic,
      payload,
      qos: 1,
      retain: false,
      dup: false,
      messageId: 1,
    });
    const start = this.#bytes.length - Buffer.byteLength(payload);
    this.#idAt = start - 2;
    this.#stampsAt = [...payload.matchAll(new RegExp(noTime, "g"))].map(
      ({ index }) => start + index,
    );
  }

  /** The newest instant first, as a meter tells it, the others before it by whole steps. */
  fill(messageId: number, newestMs: number, stepMs: number, firstMs: number): Buffer {
    const copy = Buffer.from(this.#bytes);
    copy.writeUInt16BE(messageId, this.#idAt);
    let atMs = newestMs;
    for (const timeAt of this.#stampsAt) {
      copy.write(String(atMs), timeAt, timeDigits, "latin1");
      const litres = Math.floor((atMs - firstMs) / msPerLitre);
      const text = String(litres).padStart(litreDigits, "0");
      const volumeAt = timeAt + timeDigits + `,"volumeM3":"1`.length;
      const digits = `${text.slice(0, -3)}.${text.slice(-3)}`;
      copy.write(digits, volumeAt, litreDigits + 1, "latin1");
      atMs -= stepMs;
    }
    return copy;
  }
}

export class RawMeter {
  readonly id: string;
  readonly #credential: Credential;
  readonly #normal: Template;
  readonly #leak: Template;
  readonly #counts: LoadCounts;
  readonly #backFill: BackFill | null;
  readonly #nowMs: () => number;
  #socket: Socket | null = null;
  #messageId = 0;
  #atMs = 0;
  #firstMs = 0;
  readonly #sentAtMs = new Float64Array(65_536);
  /** Called with each acknowledgement while the load runs. */
  onAck: (() => void) | null = null;
  /** Called with each order that arrives, before it is confirmed. */
  onOrder: (() => void) | null = null;
  #onListening: (() => void) | null = null;

  constructor(
    credential: Credential,
    counts: LoadCounts,
    backFill: BackFill | null = null,
    nowMs: () => number = () => Date.now(),
  ) {
    this.id = credential.id;
    this.#credential = credential;
    this.#counts = counts;
    this.#backFill = backFill;
    this.#nowMs = nowMs;
    const topic = `meters/${credential.id}/up/json`;
    const historyEntries = backFill?.historyEntries ?? 0;
    this.#normal = new Template(topic, "", historyEntries);
    this.#leak = new Template(topic, `"leak"`, historyEntries);
  }

  /** Connects and logs in. */
  open(port: number, isAnonymous = false): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      this.#socket = socket;
      const login = isAnonymous
        ? {}
        : { username: this.id, password: Buffer.from(this.#credential.secret) };
      socket.write(
        generate({ cmd: "connect", clientId: this.id, clean: true, keepalive: 300, ...login }),
      );
      const reader = new FrameReader((type, body) => this.#take(type, body, resolve));
      socket.on("data", (chunk: Buffer) => reader.push(chunk));
      socket.once("error", reject);
      socket.once("close", () => {
        this.#counts.failed += 1;
      });
    });
  }

  /** Subscribes to its orders. */
  listen(): Promise<void> {
    const subscriptions = [{ topic: `meters/${this.id}/down/json`, qos: 1 as const }];
    this.#socket?.write(generate({ cmd: "subscribe", messageId: 1, subscriptions }));
    return new Promise((resolve) => {
      this.#onListening = resolve;
    });
  }

  close(): void {
    this.#socket?.removeAllListeners("close");
    this.#socket?.destroy();
  }

  /** Publishes what the meter shows now, or the next piece of its past. */
  send(isLeak = false): void {
    const { historyEntries, stepMs } = this.#backFill ?? { historyEntries: 0, stepMs: 1 };
    const nowMs = this.#backFill?.fromMs ?? this.#nowMs();
    this.#atMs = Math.max(nowMs, this.#atMs) + stepMs * (1 + historyEntries);
    if (this.#firstMs === 0) this.#firstMs = this.#atMs - stepMs * historyEntries;
    this.#messageId = (this.#messageId % 65_535) + 1;
    const template = isLeak ? this.#leak : this.#normal;
    const packet = template.fill(this.#messageId, this.#atMs, stepMs, this.#firstMs);
    this.#sentAtMs[this.#messageId] = performance.now();
    this.#counts.sent += 1;
    this.#socket?.write(packet);
  }

  cork(run: () => void): void {
    this.#socket?.cork();
    run();
    this.#socket?.uncork();
  }

  #take(type: number, body: Buffer, connected: () => void): void {
    if (type === frameTypes.connack) {
      if (body[1] !== 0) throw new TypeError(`login of ${this.id} refused: ${body[1]}`);
      connected();
    } else if (type === frameTypes.puback) {
      this.#counts.acknowledged += 1;
      this.#counts.latencyMs.push(performance.now() - (this.#sentAtMs[body.readUInt16BE(0)] ?? 0));
      this.onAck?.();
    } else if (type === frameTypes.suback) {
      this.#onListening?.();
    } else if (type === frameTypes.publish) {
      this.onOrder?.();
      this.#socket?.write(generate({ cmd: "puback", messageId: orderIdOf(body) }));
    }
  }
}

/** The message id of an order at QoS 1 stands behind its topic. */
export function orderIdOf(body: Buffer): number {
  return body.readUInt16BE(2 + body.readUInt16BE(0));
}
