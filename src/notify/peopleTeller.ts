/**
 * Tells people by short message and mail. Follows the ledger's events; what is to be told is on record with the place
 * in the events before it is sent, so a restart forgets nobody. A person may be told twice when the process ends
 * between the sending and its record; never with another id.
 */
import { minuteMs, timestampMs } from "#domain/units.ts";
import { recipientLimits, type Notification, type Recipient } from "#domain/recipient.ts";
import type { Messenger, SendAnswer } from "#ports/messenger.ts";
import type { Queries } from "#ports/queries.ts";
import type { NotificationReport } from "#ports/webhooks.ts";
import { waitMs } from "./backOff.ts";
import { isOnDuty, type LocalTime } from "./duty.ts";
import type { NotifierParts } from "./notifier.ts";
import { idOf, isWanted, toldEvent, type ToldEvent } from "./toldEvent.ts";
import { wordsOf } from "./words.ts";

export interface TellerParts extends Omit<
  NotifierParts,
  "queue" | "pepper" | "source" | "queries"
> {
  readonly queries: Pick<
    Queries,
    "events" | "eventSeqBefore" | "settings" | "waitingNotifications"
  >;
  readonly queue: { notificationReport(report: NotificationReport): void };
  readonly messengers: readonly Messenger[];
  readonly localTime: (atMs: number) => LocalTime;
}

interface RecipientChange {
  readonly recipients: readonly Recipient[];
  readonly removedRecipients: readonly string[];
}

/** What people are told of; anything else has no words. */
const tellable = /^(alarm\.(raised|reraised|escalated|unanswered|returned|cleared)|workOrder\.)/;
const hourMs = 60 * minuteMs;
const sendingsAtOnce = 8;

export class PeopleTeller {
  readonly #parts: TellerParts;
  readonly #stopping = new AbortController();
  readonly #recipients = new Map<string, Recipient>();
  /** Ids of customers by their meter, and of everybody else. */
  readonly #customers = new Map<string, Set<string>>();
  readonly #staff = new Set<string>();
  readonly #waiting = new Map<string, Notification>();
  /** When each person was told in each way, within the last hour. */
  readonly #recent = new Map<string, number[]>();
  /** null: not asked the ledger yet. */
  #toldSeq: number | null = null;
  #reportedSeq: number | null = null;
  #startedAtMs = 0;
  #isPoked = false;
  #running: Promise<void> | null = null;
  #ticker: NodeJS.Timeout | undefined;

  constructor(parts: TellerParts, recipients: readonly Recipient[]) {
    this.#parts = parts;
    for (const recipient of recipients) this.#put(recipient);
  }

  start(): void {
    this.#startedAtMs = this.#parts.clock.nowMs();
    this.#ticker = setInterval(() => this.poke(), this.#parts.limits.tickEveryMs);
    this.poke();
  }

  /** After a commit. */
  committed(change: RecipientChange | null): void {
    for (const recipient of change?.recipients ?? []) this.#put(recipient);
    for (const id of change?.removedRecipients ?? []) this.#drop(id);
    this.poke();
  }

  #put(recipient: Recipient): void {
    this.#drop(recipient.id);
    this.#recipients.set(recipient.id, recipient);
    if (recipient.kind !== "customer") this.#staff.add(recipient.id);
    else if (recipient.meterId !== null) {
      const own = this.#customers.get(recipient.meterId) ?? new Set();
      this.#customers.set(recipient.meterId, own.add(recipient.id));
    }
  }

  #drop(id: string): void {
    const before = this.#recipients.get(id);
    this.#recipients.delete(id);
    this.#staff.delete(id);
    this.#customers.get(before?.meterId ?? "")?.delete(id);
  }

  poke(): void {
    if (this.#stopping.signal.aborted) return;
    this.#isPoked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Ways in which somebody waits for longer than this to be told. */
  stuck(longerThanMs: number): number {
    const sinceMs = this.#parts.clock.nowMs() - longerThanMs;
    const late = [...this.#waiting.values()].filter(({ madeAtMs }) => madeAtMs < sinceMs);
    return new Set(late.map(({ way }) => way)).size;
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.#stopping.abort();
    await this.#running;
    if (this.#toldSeq !== null && this.#toldSeq !== this.#reportedSeq) this.#report([]);
  }

  async #run(): Promise<void> {
    try {
      while (this.#isPoked) {
        this.#isPoked = false;
        if (this.#toldSeq === null) await this.#begin();
        while (!this.#stopping.signal.aborted && (await this.#look()));
        await this.#sendDue();
      }
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "FAILED";
      this.#parts.observer.note("notify.failed", { code });
    }
  }

  /** Goes on where it was; what has become old meanwhile is no news, and before its first start it tells nothing. */
  async #begin(): Promise<void> {
    const { queries, clock } = this.#parts;
    const stored = (await queries.settings())["notify.toldSeq"];
    const floor = await queries.eventSeqBefore(clock.nowMs() - recipientLimits.newsMs);
    for (const one of await queries.waitingNotifications()) this.#waiting.set(one.id, one);
    this.#toldSeq =
      stored === undefined
        ? await queries.eventSeqBefore(this.#startedAtMs)
        : Math.max(Number(stored), floor);
  }

  /** Puts on record whom the next events concern; true: there may be more. */
  async #look(): Promise<boolean> {
    const { queries, limits, areaOf } = this.#parts;
    const stored = await queries.events(this.#toldSeq ?? 0, limits.eventsPerLook);
    const last = stored.at(-1);
    if (last === undefined) return false;
    const made = stored.flatMap((event) => this.#notificationsOf(toldEvent(event, areaOf)));
    for (const one of made) if (one.state === "waiting") this.#waiting.set(one.id, one);
    this.#toldSeq = last.seq;
    const behind = this.#reportedSeq === null ? Infinity : last.seq - this.#reportedSeq;
    const isWorthIt = behind >= limits.unreportedMax;
    if (made.length > 0 || isWorthIt) this.#report(made);
    return stored.length >= limits.eventsPerLook;
  }

  #notificationsOf(event: ToldEvent): readonly Notification[] {
    if (!tellable.test(event.kind) || event.isQuiet) return [];
    const nowMs = this.#parts.clock.nowMs();
    const eventAtMs = Date.parse(event.at);
    const local = this.#parts.localTime(eventAtMs);
    const isOld = nowMs - eventAtMs > recipientLimits.newsMs;
    return this.#concernedBy(event)
      .filter(({ filter, hours }) => isWanted(filter, event) && isOnDuty(hours, local))
      .flatMap((recipient) => waysOf(recipient).map((way) => ({ recipient, way })))
      .filter(({ way }) => this.#parts.messengers.some((messenger) => messenger.way === way))
      .map(({ recipient, way }): Notification => {
        const isTooMuch = !isOld && !this.#mayTell(`${recipient.id} ${way}`, event.priority, nowMs);
        const reason = isOld ? "TOO_OLD" : isTooMuch ? "TOO_MANY" : "";
        if (isTooMuch) this.#parts.observer.note("notify.tooMany", { recipient: recipient.id });
        return {
          id: `${idOf(event)}.${recipient.id}.${way}`,
          eventSeq: event.seq,
          eventKind: event.kind,
          recipientId: recipient.id,
          way,
          madeAtMs: timestampMs(nowMs),
          state: reason === "" ? "waiting" : "expired",
          attempts: 0,
          nextAtMs: reason === "" ? timestampMs(nowMs) : null,
          reason,
          receipt: null,
        };
      });
  }

  /** Everybody on the staff; of the customers, those of the meter. */
  #concernedBy({ meterId }: ToldEvent): readonly Recipient[] {
    const ids = [...this.#staff, ...(this.#customers.get(meterId ?? "") ?? [])];
    return ids.flatMap((id) => this.#recipients.get(id) ?? []);
  }

  #mayTell(key: string, priority: number | null, nowMs: number): boolean {
    const { perHourMax, perHourPriority1Max } = recipientLimits;
    const recent = (this.#recent.get(key) ?? []).filter((atMs) => atMs > nowMs - hourMs);
    const isAllowed = recent.length < (priority === 1 ? perHourPriority1Max : perHourMax);
    if (isAllowed) recent.push(nowMs);
    this.#recent.set(key, recent);
    return isAllowed;
  }

  async #sendDue(): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    const due = [...this.#waiting.values()].filter(({ nextAtMs }) => (nextAtMs ?? 0) <= nowMs);
    for (let from = 0; from < due.length; from += sendingsAtOnce) {
      if (this.#stopping.signal.aborted) return;
      await Promise.all(due.slice(from, from + sendingsAtOnce).map((one) => this.#send(one)));
    }
  }

  async #send(one: Notification): Promise<void> {
    const { messengers, queries, areaOf, localTime, clock } = this.#parts;
    const recipient = this.#recipients.get(one.recipientId);
    const messenger = messengers.find(({ way }) => way === one.way);
    const to = one.way === "sms" ? recipient?.phone : recipient?.mail;
    if (recipient === undefined || messenger === undefined || to === null || to === undefined) {
      return this.#settle(one, { outcome: "refused", reason: "NO_WAY", receipt: null });
    }
    if (clock.nowMs() - one.madeAtMs > recipientLimits.newsMs) {
      return this.#settle(one, { outcome: "failed", reason: "TOO_OLD", receipt: null });
    }
    const [stored] = await queries.events(one.eventSeq - 1, 1);
    // Events are kept for half a year at least; one that is gone has nothing to say.
    if (stored?.seq !== one.eventSeq) {
      return this.#settle(one, { outcome: "refused", reason: "NO_EVENT", receipt: null });
    }
    const event = toldEvent(stored, areaOf);
    const words = wordsOf(event, recipient, localTime(Date.parse(event.at)));
    const letter = { id: one.id, to, nowMs: clock.nowMs(), ...words };
    const answer = await messenger.send(letter, this.#stopping.signal);
    if (!this.#stopping.signal.aborted) this.#settle(one, answer);
  }

  #settle(one: Notification, { outcome, reason, receipt }: SendAnswer): void {
    const { clock, limits, rng, metrics, observer } = this.#parts;
    const nowMs = clock.nowMs();
    const attempts = one.attempts + 1;
    metrics.delivery(one.way, outcome);
    const isOver = nowMs - one.madeAtMs > recipientLimits.newsMs;
    const state = outcome === "failed" ? (isOver ? "expired" : "waiting") : outcome;
    const waits = state === "waiting";
    const nextAtMs = waits ? timestampMs(nowMs + waitMs(attempts, limits, rng)) : null;
    const next: Notification = { ...one, attempts, state, nextAtMs, reason, receipt };
    if (waits) this.#waiting.set(one.id, next);
    else this.#waiting.delete(one.id);
    if (outcome !== "delivered" && (attempts === 1 || !waits)) {
      observer.note("notify.notTold", { notification: one.id, way: one.way, code: reason });
    }
    this.#report([next]);
  }

  #report(notifications: readonly Notification[]): void {
    this.#reportedSeq = this.#toldSeq;
    this.#parts.queue.notificationReport({ toldSeq: this.#toldSeq, notifications });
  }
}

function waysOf({ phone, mail }: Recipient): readonly ("sms" | "mail")[] {
  return [
    ...(phone === null ? [] : (["sms"] as const)),
    ...(mail === null ? [] : (["mail"] as const)),
  ];
}
