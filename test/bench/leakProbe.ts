/** Meters that leak and recover by turns, and a live client that notes when each alarm arrives. */
import { performance } from "node:perf_hooks";
import WebSocket from "ws";
import { quantilesMs, type Quantiles } from "./quantiles.ts";
import { emptyCounts, RawMeter } from "./rawMeter.ts";
import type { Credential, Service } from "./service.ts";

/** Names of the meters that leak. */
export const probeIds: readonly string[] = Array.from({ length: 100 }, (_, no) => `P${no}`);

/** One leak in two turns: 375 in half a minute. */
const turnEveryMs = 40;
const hearWithinMs = 5_000;

interface ProbeMeter {
  readonly meter: RawMeter;
  isLeaking: boolean;
}

export class LeakProbe {
  readonly counts = emptyCounts();
  readonly #service: Service;
  readonly #meters: readonly ProbeMeter[];
  /** Whose last uplink is durable: a leak that overtakes the meter's own good news is no new leak. */
  readonly #ready: ProbeMeter[];
  readonly #sentAtMs = new Map<string, number>();
  #latencies: number[] = [];
  #socket: WebSocket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #expected = 0;

  constructor(service: Service, credentials: readonly Credential[]) {
    this.#service = service;
    this.#meters = credentials.map((one) => ({
      meter: new RawMeter(one, this.counts),
      isLeaking: false,
    }));
    this.#ready = [...this.#meters];
    for (const one of this.#meters) one.meter.onAck = () => this.#ready.push(one);
  }

  async open(): Promise<void> {
    for (const { meter } of this.#meters) await meter.open(this.#service.mqttPort);
    const url = `${this.#service.api.replace("http", "ws")}/v1/live`;
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${this.#service.key}` },
    });
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#hear(data));
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  }

  start(): void {
    this.#latencies = [];
    this.#expected = 0;
    this.#timer = setInterval(() => this.#next(), turnEveryMs);
  }

  /** Each meter in turn: leak, then quiet again, so that its next leak rings anew. */
  #next(): void {
    const one = this.#ready.shift();
    if (one === undefined) return;
    one.isLeaking = !one.isLeaking;
    if (one.isLeaking) {
      this.#sentAtMs.set(one.meter.id, performance.now());
      this.#expected += 1;
    }
    one.meter.send(one.isLeaking);
  }

  #hear(data: Buffer): void {
    const event = JSON.parse(data.toString()) as {
      readonly kind: string;
      readonly meterId?: string;
      readonly alarm?: { readonly rule: string };
    };
    if (event.alarm?.rule !== "R1") return;
    if (event.kind !== "alarm.raised" && event.kind !== "alarm.reraised") return;
    const sentAtMs = this.#sentAtMs.get(event.meterId ?? "");
    if (sentAtMs !== undefined) this.#latencies.push(performance.now() - sentAtMs);
  }

  /** Stops and gives the latencies; `missed` must be 0. */
  async stop(): Promise<Quantiles & { readonly missed: number }> {
    if (this.#timer !== null) clearInterval(this.#timer);
    const untilMs = performance.now() + hearWithinMs;
    while (this.#latencies.length < this.#expected && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { ...quantilesMs(this.#latencies), missed: this.#expected - this.#latencies.length };
  }

  close(): void {
    this.#socket?.terminate();
    for (const { meter } of this.#meters) meter.close();
  }
}
