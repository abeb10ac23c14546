/**
 * Valves and how they misbehave. Each counts its own movements, which is the only honest answer to "how often
 * did it move". There is no way to open one by command.
 */
import type { ReplyResult, ValvePosition } from "#domain/telegram.ts";
import { unreachable } from "#domain/invariant.ts";

/**
 * obeys: closes. late: closes long after it said so. liar: acknowledges and stays open. mute: closes and never
 * answers. passing: reports closed while gas flows. silent: never answers and never moves. jams: the motor runs
 * and the valve stops half-way. neighbour: stays open and answers what another meter was asked. twice: closes
 * and answers twice. reopened: closes, and somebody opens it by hand. flat: the battery ends while the motor runs.
 */
export type ValveKind =
  | "obeys"
  | "late"
  | "liar"
  | "mute"
  | "passing"
  | "silent"
  | "jams"
  | "neighbour"
  | "twice"
  | "reopened"
  | "flat";

export const valveKinds = [
  "obeys",
  "late",
  "liar",
  "mute",
  "passing",
  "silent",
  "jams",
  "neighbour",
  "twice",
  "reopened",
  "flat",
] as const satisfies readonly ValveKind[];

export interface ValveSettings {
  readonly kind: ValveKind;
  readonly motorMs: number;
  /** What still gets through a valve that passes, when it says closed. */
  readonly passingMlPerHour: number;
  /** How long after its answer a late one begins to move, and after its motor a reopened one is opened. */
  readonly delayMs?: number;
}

export interface ValveAnswer {
  readonly result: ReplyResult;
  readonly reason: string | null;
  /** Position at the moment of answering: normally before the motor moved. */
  readonly position: ValvePosition;
  /** False: this order was known already and nothing was done again. */
  readonly isNew: boolean;
  /** It names an order that was never given to it. */
  readonly isForeign: boolean;
  readonly copies: 1 | 2;
}

/** Orders a meter remembers, to know a repeated one. */
const rememberedOrdersMax = 16;

export class Valve {
  readonly settings: ValveSettings;
  #movements = 0;
  #motorStartsAtMs: number | null = null;
  #motorEndsAtMs: number | null = null;
  readonly #answered = new Map<string, ValveAnswer>();

  constructor(settings: ValveSettings) {
    this.settings = settings;
  }

  get movements(): number {
    return this.#movements;
  }

  /** When the motor stops or stopped; null when it never ran. */
  get motorEndsAtMs(): number | null {
    return this.#motorEndsAtMs;
  }

  /** The battery is empty: nothing is said any more. */
  get isDead(): boolean {
    return this.settings.kind === "flat" && this.#motorStartsAtMs !== null;
  }

  /** Carries out one order to close. Null: no answer at all. `order` tells a repeated order from a new one. */
  close(order: string, nowMs: number): ValveAnswer | null {
    if (this.settings.kind === "silent" || this.isDead) return null;
    const known = this.#answered.get(order);
    if (known !== undefined) return { ...known, position: this.positionAt(nowMs), isNew: false };
    const answer = this.#obey(nowMs);
    this.#answered.set(order, answer);
    for (const oldest of this.#answered.keys()) {
      if (this.#answered.size <= rememberedOrdersMax) break;
      this.#answered.delete(oldest);
    }
    return this.settings.kind === "mute" || this.isDead ? null : answer;
  }

  #obey(nowMs: number): ValveAnswer {
    const { kind, motorMs, delayMs = 0 } = this.settings;
    const position = this.positionAt(nowMs);
    const isForeign = kind === "neighbour";
    const said = { position, isNew: true, isForeign, copies: kind === "twice" ? 2 : 1 } as const;
    if (position === "closed") return { ...said, result: "executed", reason: "already-closed" };
    if (position === "fault") return { ...said, result: "failed", reason: "valve-fault" };
    const moves = kind !== "liar" && kind !== "neighbour" && this.#motorStartsAtMs === null;
    if (moves) {
      this.#movements += 1;
      this.#motorStartsAtMs = nowMs + (kind === "late" ? delayMs : 0);
      this.#motorEndsAtMs = this.#motorStartsAtMs + motorMs;
    }
    return { ...said, result: isForeign ? "executed" : "accepted", reason: null };
  }

  /** What the meter says of its valve. */
  positionAt(atMs: number): ValvePosition {
    const [startsAtMs, endsAtMs] = [this.#motorStartsAtMs, this.#motorEndsAtMs];
    if (startsAtMs === null || endsAtMs === null || atMs < startsAtMs) return "open";
    if (atMs < endsAtMs || this.settings.kind === "flat") return "moving";
    if (this.#isReopenedAt(atMs)) return "open";
    return this.settings.kind === "jams" ? "fault" : "closed";
  }

  #isReopenedAt(atMs: number): boolean {
    const { kind, delayMs = 0 } = this.settings;
    return kind === "reopened" && atMs >= (this.#motorEndsAtMs ?? 0) + delayMs;
  }

  /** The most that gets through at the instant; null: as much as the appliances and leaks take. */
  limitMlPerHour(atMs: number): number | null {
    if (this.#motorEndsAtMs === null || atMs < this.#motorEndsAtMs) return null;
    const { kind } = this.settings;
    switch (kind) {
      case "obeys":
      case "late":
      case "mute":
      case "twice":
        return 0;
      case "reopened":
        return this.#isReopenedAt(atMs) ? null : 0;
      case "passing":
        return this.settings.passingMlPerHour;
      case "liar":
      case "neighbour":
      case "silent":
      case "jams":
      case "flat":
        return null;
      default:
        return unreachable(kind);
    }
  }
}
