/**
 * Valves and how they misbehave. Each counts its own movements, which is the only honest answer to "how often
 * did it move". There is no way to open one by command.
 */
import type { ReplyResult, ValvePosition } from "#domain/telegram.ts";
import { unreachable } from "#domain/invariant.ts";

/**
 * obeys: closes. liar: acknowledges and stays open. passing: reports closed while gas flows. silent: never
 * answers and never moves. jams: the motor runs and the valve stops half-way.
 */
export type ValveKind = "obeys" | "liar" | "passing" | "silent" | "jams";

export interface ValveSettings {
  readonly kind: ValveKind;
  readonly motorMs: number;
  /** What still gets through a valve that passes, when it says closed. */
  readonly passingMlPerHour: number;
}

export interface ValveAnswer {
  readonly result: ReplyResult;
  readonly reason: string | null;
  /** Position at the moment of answering: normally before the motor moved. */
  readonly position: ValvePosition;
  /** False: this order was known already and nothing was done again. */
  readonly isNew: boolean;
}

/** Orders a meter remembers, to know a repeated one. */
const rememberedOrdersMax = 16;

export class Valve {
  readonly settings: ValveSettings;
  #movements = 0;
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

  /** Carries out one order to close. Null: no answer at all. `order` tells a repeated order from a new one. */
  close(order: string, nowMs: number): ValveAnswer | null {
    if (this.settings.kind === "silent") return null;
    const known = this.#answered.get(order);
    if (known !== undefined) return { ...known, position: this.positionAt(nowMs), isNew: false };
    const answer = this.#obey(nowMs);
    this.#answered.set(order, answer);
    for (const oldest of this.#answered.keys()) {
      if (this.#answered.size <= rememberedOrdersMax) break;
      this.#answered.delete(oldest);
    }
    return answer;
  }

  #obey(nowMs: number): ValveAnswer {
    const position = this.positionAt(nowMs);
    if (position === "closed") {
      return { result: "executed", reason: "already-closed", position, isNew: true };
    }
    if (position === "fault") {
      return { result: "failed", reason: "valve-fault", position, isNew: true };
    }
    if (this.settings.kind !== "liar" && this.#motorEndsAtMs === null) {
      this.#movements += 1;
      this.#motorEndsAtMs = nowMs + this.settings.motorMs;
    }
    return { result: "accepted", reason: null, position, isNew: true };
  }

  /** What the meter says of its valve. */
  positionAt(atMs: number): ValvePosition {
    if (this.#motorEndsAtMs === null) return "open";
    if (atMs < this.#motorEndsAtMs) return "moving";
    return this.settings.kind === "jams" ? "fault" : "closed";
  }

  /** The most that gets through at the instant; null: as much as the appliances and leaks take. */
  limitMlPerHour(atMs: number): number | null {
    if (this.#motorEndsAtMs === null || atMs < this.#motorEndsAtMs) return null;
    const { kind } = this.settings;
    switch (kind) {
      case "obeys":
        return 0;
      case "passing":
        return this.settings.passingMlPerHour;
      case "liar":
      case "silent":
      case "jams":
        return null;
      default:
        return unreachable(kind);
    }
  }
}
