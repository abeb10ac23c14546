/** One close from the leak, or from two persons, to its end, with one crash somewhere in it. */
import type { Command, CommandState } from "#domain/command.ts";
import { statusBits } from "#domain/status.ts";
import { emptyReading, type CommandReply } from "#domain/telegram.ts";
import { hourMs, minuteMs, secondMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { Downlink } from "#ports/intake.ts";
import type { Actor, Ask, AskResult } from "#ports/requests.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { encodeJsonUplink } from "#protocols/json/protocol.ts";
import { Valve, type ValveKind } from "#simulators/valve.ts";
import { isEnded } from "#valves/commandTable.ts";
import { reviveContext } from "#engine/context.ts";
import { meterDraft, packed } from "../support/engine.ts";
import { chanceOf, type Chance } from "../support/random.ts";
import { CrashRig } from "./crashRig.ts";

const startMs = Date.UTC(2026, 10, 22, 8);
const intervalMs = 30 * minuteMs;
const wakesMax = 70;
const flowMlPerHour = 2_000_000;
const anna: Actor = { label: "anna", role: "dispatcher" };
const ben: Actor = { label: "ben", role: "operator" };
const eva: Actor = { label: "eva", role: "engineer" };

/** Who wants the close. */
export const causes = ["leak", "person", "twoPersons"] as const;
export type Cause = (typeof causes)[number];

export interface StoryFacts {
  /** Where it could have died, in order; with a crash, up to there. */
  readonly points: readonly string[];
  readonly crashed: boolean;
  readonly wrongs: readonly string[];
}

/** What must become of the close once the valve has the order; a late one may still be open when people are sent. */
const endings: Partial<Record<ValveKind, readonly CommandState[]>> = {
  obeys: ["verified"],
  mute: ["verified"],
  late: ["verified", "failed"],
  liar: ["failed"],
  silent: ["failed"],
};
export const storyValves = Object.keys(endings) as readonly ValveKind[];
/** It ends so when both attempts are lost on their way, and a person hears of it. */
const undelivered: readonly CommandState[] = ["failed"];

/** Plays it; `crashAt` is the number of the point, negative for none. */
export function playStory(
  cause: Cause,
  kind: ValveKind,
  seed: number,
  crashAt: number,
): StoryFacts {
  const story = new Story(cause, kind, seed, crashAt);
  try {
    story.play();
    return story.facts();
  } finally {
    story.rig.close();
  }
}

class Story {
  readonly rig = new CrashRig(startMs);
  readonly #cause: Cause;
  readonly #kind: ValveKind;
  readonly #chance: Chance;
  readonly #valve: Valve;
  readonly #meterNo: number;
  readonly #points: string[];
  readonly #wrongs: string[] = [];
  /** Ids of commands that a client was told of. */
  readonly #promised = new Set<string>();
  #answers: CommandReply[] = [];
  #askNo = 0;
  #indexMl = 5_000_000_000;
  #lastMs = startMs;
  #hasLeak = false;
  #unknownSinceMs: number | null = null;
  #ordersReceived = 0;
  /** Whether gas was really stopped when each command ended. */
  readonly #shutAtEnd = new Map<string, boolean>();

  constructor(cause: Cause, kind: ValveKind, seed: number, crashAt: number) {
    this.#cause = cause;
    this.#kind = kind;
    this.#chance = chanceOf(seed);
    const delayMs = 1.2 * intervalMs;
    this.#valve = new Valve({ kind, motorMs: 5 * secondMs, passingMlPerHour: 0, delayMs });
    for (const { label, role } of [anna, ben, eva]) {
      this.#ask({ kind: "apiKey.issue", apiKey: { id: label, keyHash: "0", role, label } }, anna);
    }
    const meter = meterDraft("M1", { reportEveryMs: intervalMs });
    const registered = this.#ask({ kind: "meter.register", meter }, eva);
    this.#meterNo =
      registered.ok && registered.answer.kind === "meter" ? registered.answer.meter.no : 0;
    if (cause === "twoPersons") {
      this.#ask({ kind: "valves.policy", secondPerson: "always", reason: "house rule" }, eva);
    }
    this.#report();
    this.#points = this.rig.arm(crashAt).passed;
  }

  play(): void {
    this.#want();
    for (let wake = 0; wake < wakesMax && !this.#isOver(); wake += 1) {
      this.rig.nowMs += intervalMs + this.#chance.whole(-60, 60) * secondMs;
      this.rig.process({});
      this.#noteUnknown();
      this.#wake();
      this.#noteUnknown();
      this.#noteEnds();
    }
  }

  facts(): StoryFacts {
    this.#judge();
    return { points: this.#points, crashed: this.rig.crashes > 0, wrongs: this.#wrongs };
  }

  /** The leak begins, or persons order; they repeat their request until it is answered. */
  #want(): void {
    if (this.#cause === "leak") {
      this.#hasLeak = true;
      return;
    }
    const reason = "smell of gas";
    const ordered = this.#ask(
      { kind: "valve.close", meterId: "M1", reason, expiresInMs: 30 * hourMs },
      anna,
    );
    const command = commandOf(ordered);
    if (command === null) return this.#wrong("the order was refused");
    this.#promised.add(command.id);
    if (this.#cause !== "twoPersons") return;
    const approved = this.#ask({ kind: "command.approve", commandId: command.id, reason }, ben);
    if (!approved.ok) this.#wrong(`the approval was refused: ${approved.refusal.kind}`);
  }

  #ask(ask: Ask, actor: Actor): AskResult {
    const askNo = (this.#askNo += 1);
    const idempotency = { key: `${actor.label} ${askNo}`, requestHash: String(askNo) };
    const envelope = { actor, ask, idempotency, source: "test" };
    for (;;) {
      const report = this.rig.process({ asks: [{ askNo, envelope }] });
      const answer = report?.answers[0];
      if (answer === undefined || this.rig.diesAt("answer before")) continue;
      return answer.result;
    }
  }

  /** A report, the orders that come with it, their answers, and a report when the motor has stopped. */
  #wake(): void {
    const sent = this.#report();
    for (const downlink of sent) this.#obey(downlink);
    this.#tellAnswers();
  }

  #obey({ bytes, commandId }: Downlink): void {
    if (this.rig.diesAt("send before")) return;
    const order = decodeJsonCommand(bytes);
    if (!order.ok || order.value.action !== "close") return this.#wrong("no order to close");
    if (this.rig.nowMs >= order.value.expiresAtMs) this.#wrong("delivered after its expiry");
    // Now and then the radio loses it, and nobody hears of it.
    if (this.#chance.once(6)) return;
    this.rig.nowMs += secondMs;
    this.#ordersReceived += 1;
    const answer = this.#valve.close(order.value.commandId, this.rig.nowMs);
    if (answer !== null) {
      const { result, reason, position: valve } = answer;
      this.#answers.push({ commandId, sequence: null, result, reason, valve });
    }
    if (this.rig.diesAt("send after")) return;
    this.rig.process({ notices: [{ kind: "downlink", commandId, outcome: "delivered" }] });
    this.rig.diesAt("delivered after");
  }

  /** Kept by the meter until they are acknowledged. */
  #tellAnswers(): void {
    const answers = this.#answers.splice(0);
    if (answers.length === 0) return;
    this.#send(
      encodeJsonUplink({
        address: null,
        frameId: null,
        readings: [],
        replies: answers.slice(0, 1),
      }),
    );
    if (this.rig.diesAt("answered after")) return;
    this.rig.nowMs += 10 * secondMs;
    for (const downlink of this.#report()) this.#obey(downlink);
  }

  #report(): readonly Downlink[] {
    const { nowMs } = this.rig;
    const hours = (nowMs - this.#lastMs) / hourMs;
    const limit = this.#valve.limitMlPerHour(nowMs) ?? flowMlPerHour;
    this.#indexMl += Math.round((hours * limit) / 1_000) * 1_000;
    this.#lastMs = nowMs;
    const reading = {
      ...emptyReading,
      measuredAtMs: timestampMs(nowMs),
      volume: { ml: volumeMl(this.#indexMl), count: this.#indexMl / 1_000, exponent: -3 },
      valve: this.#valve.positionAt(nowMs),
      status: this.#hasLeak ? statusBits.leak : 0,
    };
    return this.#send(
      encodeJsonUplink({ address: null, frameId: null, readings: [reading], replies: [] }),
    );
  }

  /** Byte for byte again until it is acknowledged; orders that a dead process had in hand are lost with it. */
  #send(bytes: Uint8Array): readonly Downlink[] {
    const uplink = { meterNo: this.#meterNo, bytes, reachable: true };
    for (;;) {
      const report = this.rig.process({ uplinks: packed([uplink], this.rig.nowMs) });
      if (report === null || this.rig.diesAt("acknowledge before")) continue;
      return report.downlinks;
    }
  }

  #commands(): readonly Command[] {
    const open = this.rig.ledger.openCommands();
    const promised = [...this.#promised].flatMap(
      (id) => this.rig.ledger.command(id as never) ?? [],
    );
    return [...open, ...promised];
  }

  #isOver(): boolean {
    const isWanted = this.#cause !== "leak" || this.#newest() !== undefined;
    return isWanted && this.rig.ledger.openCommands().length === 0;
  }

  /** Of the only meter. */
  #newest(): Command | undefined {
    const [open] = this.#commands();
    if (open !== undefined) this.#promised.add(open.id);
    return open;
  }

  #noteUnknown(): void {
    const isUnknown = this.#newest()?.state === "unknown";
    this.#unknownSinceMs = isUnknown ? (this.#unknownSinceMs ?? this.rig.nowMs) : null;
    const forMs = this.rig.nowMs - (this.#unknownSinceMs ?? this.rig.nowMs);
    if (forMs > intervalMs + minuteMs) this.#wrong(`unknown for ${forMs / minuteMs} minutes`);
  }

  #noteEnds(): void {
    for (const id of this.#promised) {
      const state = this.rig.ledger.command(id as never)?.state;
      if (state === undefined || !isEnded(state) || this.#shutAtEnd.has(id)) continue;
      this.#shutAtEnd.set(id, this.#valve.limitMlPerHour(this.rig.nowMs) === 0);
    }
  }

  #judge(): void {
    const ids = [...this.#promised];
    const commands = ids.flatMap((id) => this.rig.ledger.command(id as never) ?? []);
    if (commands.length < ids.length)
      this.#wrong("a command that was promised is not in the ledger");
    if (commands.length === 0) this.#wrong("the close that was wanted was never ordered");
    for (const { id, state } of commands) {
      if (!isEnded(state)) this.#wrong(`never ended: ${state}`);
      const isShut = this.#shutAtEnd.get(id) ?? false;
      if (isShut !== (state === "verified"))
        this.#wrong(`${state}, and the valve ${isShut ? "is" : "is not"} shut`);
      const wanted = this.#ordersReceived > 0 ? (endings[this.#kind] ?? []) : undelivered;
      if (!wanted.includes(state)) this.#wrong(`ended as ${state}`);
      if (state === "failed" && !this.#hasRung()) this.#wrong("failed, and nobody was told");
    }
    if (this.#valve.movements > 1) this.#wrong(`${this.#valve.movements} movements`);
    if (commands.some(({ attempts }) => attempts > 2)) this.#wrong("more than two attempts");
  }

  #hasRung(): boolean {
    for (const { json } of this.rig.ledger.contexts()) {
      if (reviveContext(json).live.R15 !== undefined) return true;
    }
    return false;
  }

  #wrong(what: string): void {
    this.#wrongs.push(what);
  }
}

function commandOf(result: AskResult): Command | null {
  return result.ok && result.answer.kind === "command" ? result.answer.command : null;
}
