/**
 * A meter that sleeps: it wakes once a day, tells yesterday hour by hour, takes what waits for it, and is gone.
 * The days of its life follow each other as fast as it is woken.
 */
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { generate } from "mqtt-packet";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { FrameReader, frameTypes } from "./frameReader.ts";
import { orderIdOf } from "./rawMeter.ts";
import type { Credential } from "./service.ts";

/** Days that a meter's past may reach back and still be believed (it is screened at 400). */
export const daysBack = 380;
const freezes = 5;
const hours = 24;
const keepAliveSeconds = 60;

/** Litres in each hour of a household's day: breakfast, lunch, supper, and quiet nights. */
const hourlyLitres = [
  0, 0, 0, 0, 0, 0, 60, 90, 30, 0, 0, 120, 150, 20, 0, 0, 0, 90, 160, 130, 100, 50, 0, 0,
];
const dayLitres = hourlyLitres.reduce((sum, litres) => sum + litres, 0);
const startLitres = 1_000_000;

export interface Cycle {
  readonly cycleMs: number;
  /** null: the connection ended before the upload was acknowledged. */
  readonly pubackMs: number | null;
  readonly commands: number;
}

export class SleepyMeter {
  readonly #credential: Credential;
  readonly #firstDayMs: number;
  /** When in the day it wakes; never on a whole hour, which is told as history. */
  readonly #wakesAtMs: number;
  readonly #login: Buffer;
  readonly #subscribe: Buffer;
  /** Days that were acknowledged. */
  days = 0;
  /** The last command it took, and when by its own clock. */
  #closed: { readonly commandId: string; readonly atMs: number } | null = null;

  constructor(credential: Credential, firstDayMs: number, shareOfDay: number) {
    this.#credential = credential;
    this.#firstDayMs = Math.floor(firstDayMs / dayMs) * dayMs;
    const hour = Math.floor(shareOfDay * hours);
    this.#wakesAtMs = hour * hourMs + (1 + (Math.floor(shareOfDay * 9_973) % 59)) * minuteMs;
    const { id, secret } = credential;
    this.#login = generate({
      cmd: "connect",
      clientId: id,
      clean: true,
      keepalive: keepAliveSeconds,
      username: id,
      password: Buffer.from(secret),
    });
    const subscriptions = [{ topic: `meters/${id}/down/json`, qos: 1 as const }];
    this.#subscribe = generate({ cmd: "subscribe", messageId: 1, subscriptions });
  }

  /** Different instants that it has told so far: per day itself and 24 hours, and the oldest midnights. */
  get instantsTold(): number {
    return this.days === 0 ? 0 : this.days * (1 + hours) + freezes - 1;
  }

  /** One day: connects, tells, listens, leaves. Resolves when the connection is gone. */
  wake(port: number): Promise<Cycle> {
    const startedMs = performance.now();
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    return new Promise((resolve) => {
      let publishedMs = 0;
      let pubackMs: number | null = null;
      let commands = 0;
      const reader = new FrameReader((type, body) => {
        if (type === frameTypes.connack) {
          if (body[1] === 0) socket.write(this.#subscribe);
          else socket.destroy();
        } else if (type === frameTypes.suback) {
          publishedMs = performance.now();
          socket.write(this.#upload());
        } else if (type === frameTypes.publish) {
          commands += 1;
          this.#obey(socket, body);
        } else if (type === frameTypes.puback) {
          pubackMs = performance.now() - publishedMs;
          this.days += 1;
          socket.end(generate({ cmd: "disconnect" }));
        }
      });
      socket.on("data", (chunk: Buffer) => reader.push(chunk));
      // What went wrong shows as a cycle without acknowledgement.
      socket.on("error", () => socket.destroy());
      socket.once("close", () => {
        resolve({ cycleMs: performance.now() - startedMs, pubackMs, commands });
      });
      socket.write(this.#login);
    });
  }

  #obey(socket: Socket, body: Buffer): void {
    const topicBytes = body.readUInt16BE(0);
    const messageId = orderIdOf(body);
    const command = JSON.parse(body.toString("utf8", 4 + topicBytes)) as {
      readonly commandId: string;
    };
    this.#closed ??= { commandId: command.commandId, atMs: this.#nowMs };
    socket.write(generate({ cmd: "puback", messageId }));
  }

  get #nowMs(): number {
    return this.#firstDayMs + this.days * dayMs + this.#wakesAtMs;
  }

  #upload(): Buffer {
    const nowMs = this.#nowMs;
    const midnightMs = Math.floor(nowMs / dayMs) * dayMs;
    const history: string[] = [];
    for (let hour = 0; hour < hours; hour += 1) {
      history.push(`{${this.#stamp(midnightMs - dayMs + hour * hourMs)}}`);
    }
    for (let day = 0; day < freezes; day += 1) {
      history.push(`{${this.#stamp(midnightMs - day * dayMs)}}`);
    }
    const closed = this.#closed;
    const members = [
      `"v":1`,
      this.#stamp(nowMs),
      `"temperatureC":"18.2"`,
      `"batteryMv":3600`,
      `"signalDbm":-105`,
      `"valve":"${closed === null ? "open" : "closed"}"`,
      `"status":[]`,
      `"history":[${history.join(",")}]`,
    ];
    if (closed !== null) {
      members.push(`"reply":{"commandId":"${closed.commandId}","result":"executed"}`);
    }
    return generate({
      cmd: "publish",
      topic: `meters/${this.#credential.id}/up/json`,
      payload: `{${members.join(",")}}`,
      qos: 1,
      messageId: 2,
      retain: false,
      dup: false,
    });
  }

  #stamp(atMs: number): string {
    const litres = litresAt(Math.min(atMs, this.#closed?.atMs ?? atMs));
    return `"measuredAt":${atMs},"volumeM3":"${(litres / 1_000).toFixed(3)}"`;
  }
}

/** The register of every household alike: whole litres, the same value whenever it is asked for. */
export function litresAt(atMs: number): number {
  const inDayMs = atMs % dayMs;
  const hour = Math.floor(inDayMs / hourMs);
  const ofDay = hourlyLitres.slice(0, hour).reduce((sum, litres) => sum + litres, 0);
  const ofHour = ((hourlyLitres[hour] ?? 0) * (inDayMs % hourMs)) / hourMs;
  const days = Math.floor(atMs / dayMs) % 1_000;
  return startLitres + days * dayLitres + ofDay + Math.floor(ofHour);
}
