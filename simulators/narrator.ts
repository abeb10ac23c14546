/** Tells what happens in plain lines, and keeps what the summary needs. */
import type { LiveEvent } from "./liveFeed.ts";
import type { MeterPlan } from "./meter.ts";
import type { RadioNotice } from "./radio.ts";
import type { Role } from "./story.ts";

/** Real instants (ms, monotonic) of one leak's way; absent: not yet. */
type Milestone = "begun" | "reported" | "raised" | "sent" | "accepted" | "executed" | "verified";
type Progress = { [Name in Milestone]?: number };

const commandTexts: Readonly<Record<string, string>> = {
  "command.refused": "close refused",
  "command.held":
    "close held by the breaker: enough valves were closed automatically, a person decides",
  "command.delivered": "order delivered",
  "command.passing": "gas passes the valve that says closed: people must go there",
  "command.failed": "the close has failed: people must go there",
  "command.expired": "the close expired",
  "command.unknown": "nobody knows whether the order arrived",
};
const ruleTexts: Readonly<Record<string, string>> = {
  R1: "gas escapes (R1)",
  R2: "overload (R2)",
  R3: "abnormally large flow (R3)",
  R6: "micro-leak (R6)",
  R9: "gas flows through a shut valve (R9)",
  R10: "low battery (R10)",
  R11: "tampering (R11)",
  R12: "no contact (R12)",
  R15: "valve trouble (R15)",
  BREAKER: "the breaker holds automatic closes",
};

export class Narrator {
  readonly #startMs = performance.now();
  readonly #print: (line: string) => void;
  #roles = new Map<string, Role>();
  readonly #progress = new Map<string, Progress>();
  readonly #kinds = new Map<string, number>();

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  cast(roles: readonly Role[]): void {
    this.#roles = new Map(roles.map((role) => [role.plan.id, role]));
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#startMs) / 1_000;
  }

  say(text: string): void {
    this.#print(`${this.elapsedSeconds.toFixed(1).padStart(6)} s  ${text}`);
  }

  begin(role: Role): void {
    this.#mark(role.plan.id, "begun");
    this.#of(role.plan, role.says);
  }

  /** The meter's side. */
  heard(notice: RadioNotice): void {
    const progress = this.#progress.get(notice.meterId);
    if (notice.kind === "sent" && progress?.begun !== undefined) {
      this.#mark(notice.meterId, "reported");
    }
  }

  /** The engine's side. */
  happened(event: LiveEvent): void {
    this.#kinds.set(event.kind, (this.#kinds.get(event.kind) ?? 0) + 1);
    const role = event.meterId === null ? undefined : this.#roles.get(event.meterId);
    if (role !== undefined) this.#told(event, role);
    else if (event.meterId === null && event.kind.startsWith("alarm.")) {
      this.say(`system: ${this.#alarmText(event)}`);
    }
  }

  #told(event: LiveEvent, role: Role): void {
    const { plan } = role;
    const progress = this.#progress.get(plan.id);
    switch (event.kind) {
      case "alarm.raised":
      case "alarm.reraised":
      case "alarm.escalated":
        this.#of(plan, this.#raised(event, progress));
        break;
      case "command.sent":
        this.#mark(plan.id, "sent");
        this.#of(plan, "order to close sent");
        break;
      case "command.accepted":
        this.#mark(plan.id, "accepted");
        this.#of(plan, `meter accepts the order${since(progress?.sent, "the order")}`);
        break;
      case "command.executed":
        this.#mark(plan.id, "executed");
        this.#of(plan, `meter reports its valve closed${since(progress?.sent, "the order")}`);
        break;
      case "command.verified":
        this.#mark(plan.id, "verified");
        this.#of(plan, `verified: no gas flows${since(progress?.begun, "the leak began")}`);
        break;
      default: {
        const text = commandTexts[event.kind];
        const detail = event.detail === null ? "" : ` (${event.detail})`;
        if (text !== undefined) this.#of(plan, text + detail);
      }
    }
  }

  #raised(event: LiveEvent, progress: Progress | undefined): string {
    if (event.rule !== "R1" || event.meterId === null) return this.#alarmText(event);
    this.#mark(event.meterId, "raised");
    return `${this.#alarmText(event)}${since(progress?.reported, "the report")}`;
  }

  #alarmText(event: LiveEvent): string {
    const rule = event.rule ?? "";
    return `alarm P${event.priority ?? "?"} ${event.kind.slice("alarm.".length)}: ${ruleTexts[rule] ?? rule}`;
  }

  #mark(meterId: string, milestone: Milestone): void {
    const progress = this.#progress.get(meterId) ?? {};
    // Of several attempts the last is the one that is answered.
    if (milestone === "sent") progress.sent = performance.now();
    else progress[milestone] ??= performance.now();
    this.#progress.set(meterId, progress);
  }

  #of(plan: MeterPlan, text: string): void {
    this.say(`${plan.id} (${plan.protocol}, ${plan.size}, ${plan.area})  ${text}`);
  }

  /** True: the leak's close is proved by zero flow. */
  isVerified(role: Role): boolean {
    return this.#progress.get(role.plan.id)?.verified !== undefined;
  }

  count(kind: string): number {
    return this.#kinds.get(kind) ?? 0;
  }

  /** One line a leak: how long each step took. */
  summarise(roles: readonly Role[]): void {
    const row = (...cells: readonly string[]): void => {
      this.#print(`  ${cells.map((cell) => cell.padEnd(12)).join("")}`);
    };
    row("protocol", "meter", "report", "alarm", "close sent", "accepted", "executed", "verified");
    for (const { plan } of roles) {
      const { begun, reported, raised, sent, accepted, executed, verified } =
        this.#progress.get(plan.id) ?? {};
      const at = (mark: number | undefined): string =>
        mark === undefined || begun === undefined
          ? "-"
          : `+${((mark - begun) / 1_000).toFixed(3)} s`;
      const steps = [reported, raised, sent, accepted, executed, verified].map(at);
      row(plan.protocol, plan.id, ...steps);
    }
    this.#print("  (real seconds since the leak began)");
  }
}

function since(markMs: number | undefined, what: string): string {
  if (markMs === undefined) return "";
  const ms = performance.now() - markMs;
  const span = ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
  return `, ${span} after ${what}`;
}
