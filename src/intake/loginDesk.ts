/** Decides logins, and makes those wait who guess. */
import { createSecretKey, type KeyObject } from "node:crypto";
import type { Clock } from "#ports/clock.ts";
import type { IntakeDirectory } from "#ports/intake.ts";
import type { Observer } from "#ports/observer.ts";
import type { MqttLimits } from "./limits.ts";
import {
  findLogin,
  isUsername,
  judgeRequest,
  type LoginFault,
  type LoginRequest,
} from "./login.ts";
import type { Login } from "./session.ts";
import { StrikeBook } from "./strikes.ts";

export type LoginDecision =
  | { readonly ok: true; readonly login: Login }
  | { readonly ok: false; readonly fault: LoginFault; readonly delayMs: number };

const noSession = { clientId: "", keepAliveSeconds: 0, will: null, certificateName: null } as const;

export class LoginDesk {
  readonly #limits: MqttLimits;
  readonly #directory: IntakeDirectory;
  /** Made once: making a key of bytes costs more than the hash. */
  readonly #pepper: KeyObject;
  readonly #observer: Observer;
  /**
   * By user name and address: a stranger who guesses at a meter's secret from elsewhere must not be able to silence
   * the meter. The secrets are too long to be guessed; the wait is for the noise.
   */
  readonly #names: StrikeBook;
  /** By address. Many meters share an operator's address, so right secrets are never delayed. */
  readonly #addresses: StrikeBook;

  constructor(
    limits: MqttLimits,
    directory: IntakeDirectory,
    pepper: Uint8Array,
    clock: Clock,
    observer: Observer,
  ) {
    this.#limits = limits;
    this.#directory = directory;
    this.#pepper = createSecretKey(pepper);
    this.#observer = observer;
    const common = {
      windowMs: limits.loginWindowMs,
      waitMs: limits.loginWaitMs,
      keysMax: limits.rememberedMax,
    };
    this.#names = new StrikeBook({ ...common, strikesMax: limits.loginFailuresMax }, clock);
    this.#addresses = new StrikeBook(
      { ...common, strikesMax: limits.loginFailuresPerAddressMax },
      clock,
    );
  }

  decide(request: LoginRequest, address: string): LoginDecision {
    const pair = `${address}|${request.username}`;
    if (this.#names.isWaiting(pair)) return this.#refuse("LOCKED", address);
    const known = this.#recognise(request, address);
    if (!known.ok) return known;
    const { login } = known;
    const judged = judgeRequest(request, login, this.#directory, this.#limits);
    if (!judged.ok) return { ok: false, fault: judged.fault, delayMs: 0 };
    return { ok: true, login };
  }

  /**
   * By the secret alone, where there is no session to be judged. A right one is never made to wait: requests of
   * platforms and of strangers may come through one proxy, and a stranger must not be able to silence a gateway.
   */
  recognise(username: string, secret: Uint8Array, address: string): LoginDecision {
    const request = { ...noSession, username, secret };
    return this.#recognise(request, address);
  }

  /** A wrong signature counts as a wrong secret; a right one is never made to wait. */
  strike(username: string, address: string): { readonly delayMs: number } {
    this.#countWrong(username, address);
    return this.#refuse("CREDENTIAL", address);
  }

  #recognise(request: LoginRequest, address: string): LoginDecision {
    const pair = `${address}|${request.username}`;
    const login = findLogin(request, this.#pepper, this.#directory);
    if (login === undefined) {
      this.#countWrong(request.username, address);
      return this.#refuse("CREDENTIAL", address);
    }
    this.#names.forgive(pair);
    return { ok: true, login };
  }

  #countWrong(name: string, address: string): void {
    const username = isUsername(name) ? name : "(malformed)";
    this.#observer.note("login.failed", { username });
    if (isUsername(name) && this.#names.strike(`${address}|${name}`)) {
      this.#observer.note("login.locked", { username });
    }
  }

  #refuse(
    fault: "LOCKED" | "CREDENTIAL",
    address: string,
  ): Extract<LoginDecision, { readonly ok: false }> {
    if (this.#addresses.strike(address)) this.#observer.note("login.locked", { address: "many" });
    const delayMs = this.#addresses.isWaiting(address) ? this.#limits.loginDelayMs : 0;
    return { ok: false, fault, delayMs };
  }
}
