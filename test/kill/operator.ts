/** An operator who wants valves closed and asks again, with the same key, until the service has written it down. */
import { setTimeout as delay } from "node:timers/promises";
import type { Role } from "#domain/role.ts";
import { callApi } from "../bench/service.ts";
import type { Victim } from "./victim.ts";

const askAgainMs = 50;
const answerWithinMs = 5_000;
const expiresInSeconds = 3_600;
/** Answers that say "not now". */
const passing = new Set([429, 503]);

/** An order as the service has written it down. */
export interface WrittenOrder {
  readonly id: string;
  readonly state: string;
  readonly detail: string | null;
}

export class Operator {
  /** Meters whose closing was answered with 202. */
  readonly ordered = new Set<string>();
  /** Answers that nobody expects. */
  readonly surprises: string[] = [];
  readonly #victim: Victim;
  readonly #key: string;
  readonly #asking = new Set<Promise<void>>();

  private constructor(victim: Victim, key: string) {
    this.#victim = victim;
    this.#key = key;
  }

  /** The administrator may not touch valves, so the operator gets a key of his own. */
  static async employ(victim: Victim, role: Role = "operator"): Promise<Operator> {
    const body = { role, label: `${role} of the test` };
    const made = (await callApi(victim, "POST", "/v1/keys", body)) as { readonly key: string };
    return new Operator(victim, made.key);
  }

  /** Goes on by itself over any number of kills. */
  close(meterId: string): void {
    const asking = this.#insist(meterId).finally(() => this.#asking.delete(asking));
    this.#asking.add(asking);
  }

  /** Resolves when every order is written down. */
  async settled(): Promise<void> {
    await Promise.all(this.#asking);
  }

  /** Commands that have not come to an end; held ones wait for a person, and none comes here. */
  async openCommands(): Promise<number> {
    const states = "queued,sent,delivered,accepted,unknown,executed";
    const caller = { api: this.#victim.api, key: this.#key };
    const page = await callApi(caller, "GET", `/v1/commands?limit=1000&state=${states}`);
    return (page as { readonly items: readonly unknown[] }).items.length;
  }

  /** Asks again until it is written down; what was then written, null: an answer that nobody expects. */
  async order(
    meterId: string,
    act: string,
    seconds: number,
    idempotencyKey: string,
  ): Promise<WrittenOrder | null> {
    for (;;) {
      const answer = await this.#ask(meterId, act, seconds, idempotencyKey).catch(() => null);
      if (answer?.status === 202) return answer.json as WrittenOrder;
      if (answer !== null && !passing.has(answer.status)) {
        this.surprises.push(`${act} of ${meterId} was answered with ${answer.status}`);
        return null;
      }
      await delay(askAgainMs);
    }
  }

  async #insist(meterId: string): Promise<void> {
    const key = `close-${meterId}`;
    const written = await this.order(meterId, "valve/close", expiresInSeconds, key);
    if (written !== null) this.ordered.add(meterId);
  }

  async #ask(meterId: string, act: string, seconds: number, idempotencyKey: string) {
    const response = await fetch(`${this.#victim.api}/v1/meters/${meterId}/${act}`, {
      method: "POST",
      signal: AbortSignal.timeout(answerWithinMs),
      headers: {
        authorization: `Bearer ${this.#key}`,
        "content-type": "application/json",
        "idempotency-key": idempotencyKey,
      },
      body: JSON.stringify({ reason: "kill test", expiresInSeconds: seconds }),
    });
    return { status: response.status, json: await response.json() };
  }
}
