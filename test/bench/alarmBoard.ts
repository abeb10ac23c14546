/** What a console shows that follows nothing but the live feed: alarms to be looked at, in the order of the list. */
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import WebSocket from "ws";
import type { Service } from "./service.ts";

export interface BoardAlarm {
  readonly id: string;
  readonly rule: string;
  readonly priority: number;
  readonly state: string;
  readonly meterId: string | null;
  readonly knownAt: string;
}

interface LiveEvent {
  readonly seq?: number;
  readonly kind: string;
  readonly alarm?: BoardAlarm;
}

/** Whatever makes a sound; with these states it does. */
const ringing: readonly string[] = ["alarm.raised", "alarm.reraised", "alarm.escalated"];
const toBeLookedAt: readonly string[] = [
  "unacknowledged",
  "returned-unacknowledged",
  "latched-unacknowledged",
];
const askEveryMs = 5;

export class AlarmBoard {
  /** Each time that something rang, in its order. */
  readonly rang: BoardAlarm[] = [];
  readonly #shown = new Map<string, BoardAlarm>();
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#hear(JSON.parse(data.toString()) as LiveEvent));
  }

  static async open({ api, key }: Pick<Service, "api" | "key">): Promise<AlarmBoard> {
    const headers = { authorization: `Bearer ${key}` };
    const socket = new WebSocket(`${api.replace("http", "ws")}/v1/live`, { headers });
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return new AlarmBoard(socket);
  }

  #hear({ kind, alarm }: LiveEvent): void {
    if (alarm === undefined) return;
    if (toBeLookedAt.includes(alarm.state)) this.#shown.set(alarm.id, alarm);
    else this.#shown.delete(alarm.id);
    if (ringing.includes(kind) && toBeLookedAt.includes(alarm.state)) this.rang.push(alarm);
  }

  /** By priority, the newest first. */
  shown(): readonly BoardAlarm[] {
    const newestFirst = (one: BoardAlarm, other: BoardAlarm) =>
      one.knownAt < other.knownAt ? 1 : -1;
    return [...this.#shown.values()].sort(
      (one, other) => one.priority - other.priority || newestFirst(one, other),
    );
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** How long it took until it was so; null: longer than that. */
export async function msUntil(
  isSo: () => boolean | Promise<boolean>,
  withinMs: number,
  sinceMs = performance.now(),
): Promise<number | null> {
  while (!(await isSo())) {
    if (performance.now() - sinceMs > withinMs) return null;
    await pause(askEveryMs);
  }
  return Math.round(performance.now() - sinceMs);
}
