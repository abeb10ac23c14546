/** Whatever happens in whatever order, these hold for each command. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import type { Command, CommandState } from "#domain/command.ts";
import { commandId } from "#domain/ids.ts";
import { valvePositions } from "#domain/telegram.ts";
import { minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import { commandTable, isEnded } from "#valves/commandTable.ts";
import { judgeClose } from "#valves/judge.ts";
import type { AutomationState } from "#valves/judge.ts";
import { commandLimits } from "#valves/limits.ts";
import { stepValve } from "#valves/stepValve.ts";
import type { ValveInput } from "#valves/stepValve.ts";
import { initialValveState } from "#valves/valveState.ts";
import type { ValveState } from "#valves/valveState.ts";
import { at, settings } from "./kit.ts";

const simple = fc.constantFrom(
  ...(["contact", "contact", "contact", "contact"] as const),
  ...(["delivered", "delivered", "delivered", "delivered"] as const),
  "undelivered",
  "clock",
  "cancel",
  "restart",
  "approve",
  "orderByLeak",
  "orderPastBreaker",
  "orderByPerson",
  "orderForTwo",
  "orderUnjudged",
);
/** What a meter that obeys would report at that moment. */
const fitting = ["fitting", "fitting", "fitting", "fitting", "fitting"] as const;
const event = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: simple }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("reading" as const),
      valve: fc.option(fc.constantFrom(...valvePositions, ...fitting)),
      consumedMl: fc.constantFrom(0, 0, 0, 0, 4_000, 10_000, 30_000, -5_000),
      hasIndex: fc.boolean(),
      agoMinutes: fc.constantFrom(0, 0, 0, 1, 30),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant("reply" as const),
      result: fc.constantFrom("accepted", "executed", "executed", "refused", "failed"),
      to: fc.constantFrom("id", "sequence", "other-id", "other-sequence"),
    }),
  },
);
const events = fc.array(
  fc.record({ event, afterMinutes: fc.constantFrom(0, 0, 0.2, 1, 3, 20, 20, 60, 1_600) }),
  { minLength: 5, maxLength: 60 },
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** A world around one valve that drives it as the engine does and remembers everything. */
class World {
  state: ValveState = initialValveState;
  automation: AutomationState = { stopped: false, recentClosesMs: [], fleetSize: 1_000 };
  nowMs = Number(at(0));
  indexMl = 1_000_000;
  ordered = 0;
  approvals = 0;
  readonly histories = new Map<string, CommandState[]>();
  readonly sendings = new Map<string, number>();
  /** Meter times of readings that could verify, since each command was executed. */
  readonly quietAtMs = new Set<number>();

  now() {
    return timestampMs(this.nowMs);
  }

  play(event: Event): void {
    switch (event.what) {
      case "orderByLeak":
        return this.#order("alarm", 24 * 60);
      case "orderPastBreaker":
        this.automation = { ...this.automation, recentClosesMs: Array(3).fill(this.nowMs) };
        return this.#order("alarm", 24 * 60);
      case "orderByPerson":
        return this.#order("person", 15);
      case "orderForTwo":
        return this.#order("person", 14);
      case "orderUnjudged":
        return this.#orderUnjudged();
      case "contact":
      case "clock":
      case "restart":
        return this.step({ kind: event.what, nowMs: this.now() });
      case "approve":
        return this.#approve();
      case "delivered":
      case "undelivered":
        return this.step({ kind: event.what, commandId: this.#id(), nowMs: this.now() });
      case "cancel":
        return this.step({ kind: "cancel", commandId: this.#id(), by: "anna", nowMs: this.now() });
      case "reading": {
        this.indexMl += event.consumedMl;
        const measuredAtMs = timestampMs(this.nowMs - event.agoMinutes * minuteMs);
        const indexMl = event.hasIndex ? volumeMl(this.indexMl) : null;
        const valve = event.valve === "fitting" ? this.#fittingValve() : event.valve;
        return this.step({ kind: "reading", measuredAtMs, indexMl, valve, nowMs: this.now() });
      }
      case "reply": {
        const command = this.state.outstanding?.command;
        const byId = event.to.endsWith("id");
        const id = event.to === "id" ? this.#id() : commandId("other");
        const sequence = (command?.sequence ?? 0) + (event.to === "sequence" ? 0 : 1);
        const told = { commandId: byId ? id : null, sequence: byId ? null : sequence };
        const reply = { ...told, result: event.result, reason: null, valve: null } as const;
        return this.step({ kind: "reply", reply, nowMs: this.now() });
      }
      default:
        throw new Error("no such event");
    }
  }

  step(input: ValveInput): void {
    const before = this.state;
    const step = stepValve(settings, before, input);
    // What is stored is what goes on: nothing hides outside the JSON of the state.
    expect(stepValve(settings, JSON.parse(JSON.stringify(before)), input)).toEqual(step);
    const { state, changes, send } = step;
    for (const { command, transitions } of changes) {
      for (const transition of transitions) this.#record(command, transition.state);
    }
    this.state = state;
    if (send !== null) this.#checkSend(before, send, input);
    this.#checkVerified(before, changes.at(-1)?.command, input);
    this.#checkState();
  }

  #order(kind: "alarm" | "person", minutes: number): void {
    const now = this.now();
    const judged = judgeClose(this.automation, this.state, {
      cause: { kind, ref: "x" },
      reason: "r",
      nowMs: now,
      expiresAtMs: timestampMs(this.nowMs + minutes * minuteMs),
      id: this.#nextId(),
      meterNo: 7,
      critical: false,
      lifecycle: "active",
      measuredAtMs: now,
      receivedAtMs: now,
      late: false,
      doubted: false,
      needsSecondPerson: minutes < 15,
    });
    this.automation = judged.automation;
    if (judged.supersedes !== null) this.#record(judged.supersedes.command, "superseded");
    for (const { state } of judged.transitions) this.#record(judged.command, state);
    this.step({ kind: "order", command: judged.command, by: "x" });
  }

  /** A caller that forgot to judge: one command at most all the same. */
  #orderUnjudged(): void {
    if (this.state.outstanding === null) return;
    const waiting = this.state.outstanding.command;
    if (waiting.sentAtMs === null) return;
    const id = this.#nextId();
    this.histories.set(id, ["requested", "authorised"]);
    const command: Command = { ...waiting, id, state: "authorised", attempts: 0, sentAtMs: null };
    this.step({ kind: "order", command, by: "x" });
    expect(this.state.outstanding).toEqual(expect.objectContaining({ command: waiting }));
  }

  /** Anna, Ben and whoever asked (x) say yes in turn. */
  #approve(): void {
    const by = ["anna", "ben", "x"][(this.approvals += 1) % 3] ?? "x";
    const ask = { by, role: "operator", atMs: this.now(), mayApprove: true, gone: [] } as const;
    this.step({ kind: "approve", commandId: this.#id(), ask, nowMs: this.now() });
  }

  #fittingValve() {
    const state = this.state.outstanding?.command.state;
    const isShut = state === "delivered" || state === "executed" || state === "unknown";
    return isShut ? "closed" : "open";
  }

  #nextId() {
    this.ordered += 1;
    return commandId(`c-${this.ordered}`);
  }

  #id() {
    return this.state.outstanding?.command.id ?? commandId("none");
  }

  #record(command: Command, entered: CommandState): void {
    const history = this.histories.get(command.id) ?? [];
    this.histories.set(command.id, [...history, entered]);
    const handed = this.sendings.get(command.id) ?? 0;
    if (entered === "sent") this.sendings.set(command.id, handed + 1);
    const isBack = command.detail === "undelivered";
    if (isBack && (entered === "queued" || entered === "expired")) {
      this.sendings.set(command.id, handed - 1);
    }
  }

  #checkSend(before: ValveState, send: Command, input: ValveInput): void {
    expect(input.kind).toBe("contact");
    expect(this.nowMs).toBeLessThan(send.expiresAtMs);
    const persons = new Set(send.approvals.map(({ by }) => by));
    expect(persons.size).toBeGreaterThanOrEqual(send.approvalsNeeded);
    if (send.cause.kind === "person") expect(persons).not.toContain(send.cause.ref);
    expect(before.position).not.toBe("closed");
    expect(send).toEqual(this.state.outstanding?.command);
    expect(send).toMatchObject({ state: "sent", sentAtMs: this.nowMs, action: "close" });
    expect(this.sendings.get(send.id)).toBeLessThanOrEqual(commandLimits.attemptsMax);
    expect(send.attempts).toBe(this.sendings.get(send.id));
  }

  /** Verified means: two readings with different, later times and no consumption since the shut one. */
  #checkVerified(before: ValveState, command: Command | undefined, input: ValveInput): void {
    const shutMl = before.outstanding?.shutIndexMl;
    if (input.kind === "reading" && before.outstanding?.command.state === "executed") {
      const consumedMl = (input.indexMl ?? Number.NaN) - (shutMl ?? Number.NaN);
      if (Math.abs(consumedMl) < settings.quantumMl) this.quietAtMs.add(input.measuredAtMs);
    }
    if (command?.state === "executed") this.quietAtMs.clear();
    if (command?.state === "verified") {
      expect(input.kind).toBe("reading");
      expect(this.quietAtMs.size).toBeGreaterThanOrEqual(2);
    }
  }

  #checkState(): void {
    const { outstanding, nextSequence } = this.state;
    expect(nextSequence).toBeGreaterThanOrEqual(0);
    expect(nextSequence).toBeLessThan(256);
    const open = [...this.histories].filter(
      ([, history]) => !isEnded(history.at(-1) ?? "requested"),
    );
    const expected =
      outstanding === null ? [] : [[outstanding.command.id, outstanding.command.state]];
    expect(open.map(([id, history]) => [id, history.at(-1)])).toEqual(expected);
  }
}

const pairs = new Set(commandTable.map(({ from, to }) => `${from} ${to}`));

test.prop([events], { numRuns: 1_000 })(
  "one valve, any inputs",
  (lines) => {
    const world = new World();
    world.play({ what: "orderByLeak" });
    for (const { event, afterMinutes } of lines) {
      world.nowMs += afterMinutes * minuteMs;
      world.play(event);
    }
    for (const history of world.histories.values()) {
      expect(history[0]).toBe("requested");
      for (const [i, state] of history.slice(1).entries()) {
        expect(pairs).toContain(`${history[i]} ${state}`);
      }
    }
    // In the end each command ends: no silence lasts for ever.
    for (let days = 0; days < 8; days += 1) {
      world.nowMs += 30 * 60 * minuteMs;
      world.play({ what: "clock" });
    }
    expect(world.state.outstanding).toBeNull();
  },
  60_000,
);
