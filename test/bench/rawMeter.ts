/** A meter as cheap as the generator can make it: a raw socket, packets built before, ids and digits patched. */
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { generate } from "mqtt-packet";
import type { Credential } from "./service.ts";

export interface LoadCounts {
  sent: number;
  acknowledged: number;
  failed: number;
  readonly latencyMs: number[];
}

/** Fixed width, so that digits can be patched in place. */
const timeDigits = 13;
const litreDigits = 9;

function payloadTemplate(status: string): string {
  const members = [
    `"v":1`,
    `"measuredAt":${"0".repeat(timeDigits)}`,
    `"volumeM3":"1${"0".repeat(litreDigits - 3)}.000"`,
    `"flowM3h":"0.350"`,
    `"temperatureC":"18.2"`,
    `"batteryMv":3600`,
    `"batteryPct":87`,
    `"signalDbm":-91`,
    `"valve":"open"`,
    `"status":[${status}]`,
  ];
  return `{${members.join(",")}}`;
}

class Template {
  readonly bytes: Buffer;
  readonly #timeAt: number;
  readonly #volumeAt: number;
  readonly #idAt: number;

  constructor(topic: string, status: string) {
    const payload = payloadTemplate(status);
    this.bytes = generate({
      cmd: "publish",
      topic,
      payload,
      qos: 1,
      retain: false,
      dup: false,
      messageId: 1,
    });
    const start = this.bytes.length - Buffer.byteLength(payload);
    this.#idAt = start - 2;
    this.#timeAt = start + payload.indexOf(`:${"0".repeat(timeDigits)}`) + 1;
    this.#volumeAt = start + payload.indexOf(`"1000000.000"`) + 2;
  }

  fill(messageId: number, atMs: number, litres: number): Buffer {
    const copy = Buffer.from(this.bytes);
    copy.writeUInt16BE(messageId, this.#idAt);
    copy.write(String(atMs), this.#timeAt, timeDigits, "latin1");
    const text = String(litres).padStart(litreDigits, "0");
    copy.write(`${text.slice(0, -3)}.${text.slice(-3)}`, this.#volumeAt, litreDigits + 1, "latin1");
    return copy;
  }
}

export class RawMeter {
  readonly id: string;
  readonly #credential: Credential;
  readonly #normal: Template;
  readonly #leak: Template;
  readonly #counts: LoadCounts;
  #socket: Socket | null = null;
  #messageId = 0;
  #atMs = 0;
  #startedMs = 0;
  #rest: Buffer = Buffer.alloc(0);
  readonly #sentAtMs = new Float64Array(65_536);
  /** Called with each acknowledgement while the load runs. */
  onAck: (() => void) | null = null;

  constructor(credential: Credential, counts: LoadCounts, topicOf = uplinkTopic) {
    this.id = credential.id;
    this.#credential = credential;
    this.#counts = counts;
    this.#normal = new Template(topicOf(credential.id), "");
    this.#leak = new Template(topicOf(credential.id), `"leak"`);
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
      socket.on("data", (chunk: Buffer) => this.#take(chunk, resolve));
      socket.once("error", reject);
      socket.once("close", () => {
        this.#counts.failed += 1;
      });
    });
  }

  close(): void {
    this.#socket?.removeAllListeners("close");
    this.#socket?.destroy();
  }

  /** Time of the newest reading sent. */
  send(isLeak = false): void {
    const nowMs = Date.now();
    if (this.#startedMs === 0) this.#startedMs = nowMs;
    this.#atMs = Math.max(nowMs, this.#atMs + 1);
    this.#messageId = (this.#messageId % 65_535) + 1;
    // One litre a second: 3.6 m³/h, within what a G4 passes.
    const litres = Math.floor((this.#atMs - this.#startedMs) / 1_000);
    const packet = (isLeak ? this.#leak : this.#normal).fill(this.#messageId, this.#atMs, litres);
    this.#sentAtMs[this.#messageId] = performance.now();
    this.#counts.sent += 1;
    this.#socket?.write(packet);
  }

  cork(run: () => void): void {
    this.#socket?.cork();
    run();
    this.#socket?.uncork();
  }

  #take(chunk: Buffer, connected: () => void): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    // CONNACK and PUBACK are both four bytes; nothing else is sent to a generator without subscription.
    while (data.length >= 4) {
      const type = (data[0] ?? 0) >> 4;
      if (type === 2) {
        if (data[3] !== 0) throw new TypeError(`login of ${this.id} refused: ${data[3]}`);
        connected();
      } else if (type === 4) {
        const messageId = data.readUInt16BE(2);
        this.#counts.acknowledged += 1;
        this.#counts.latencyMs.push(performance.now() - (this.#sentAtMs[messageId] ?? 0));
        this.onAck?.();
      }
      data = data.subarray(4);
    }
    this.#rest = data;
  }
}

export function uplinkTopic(id: string): string {
  return `meters/${id}/up/json`;
}
