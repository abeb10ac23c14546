/**
 * Takes publishes to the engine's queue and settles them when their commit is decided. aedes writes PUBACK and
 * PUBREC right after `authorizePublish` has called back, so that callback is the acknowledgement.
 */
import type { PublishPacket } from "aedes";
import type { Clock } from "#ports/clock.ts";
import { isCarrierName } from "#domain/platform.ts";
import type { Envelopes } from "#ports/envelopes.ts";
import type { IntakeDirectory, UplinkQueue } from "#ports/intake.ts";
import type { Observer } from "#ports/observer.ts";
import { carriedUplinks, isCarriedPlace } from "./carriedUplinks.ts";
import type { EdgeDesk } from "./edgeDesk.ts";
import type { MqttLimits } from "./limits.ts";
import type { Listeners } from "./listeners.ts";
import { uplinkPlace, type TopicFault, type UplinkPlace } from "./ownership.ts";
import type { Login, Session } from "./session.ts";
import { SessionError } from "./sessionError.ts";
import { StrikeBook } from "./strikes.ts";
import { parseTopic } from "./topics.ts";

export interface UplinkDeskOptions {
  readonly limits: MqttLimits;
  readonly directory: IntakeDirectory;
  readonly queue: UplinkQueue;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly listeners: Listeners;
  readonly envelopes: Envelopes;
  readonly edges: EdgeDesk;
}

type Settled = (error: Error | null) => void;
const nothing = Buffer.alloc(0);

export class UplinkDesk {
  readonly #options: UplinkDeskOptions;
  readonly #foreign: StrikeBook;
  #inFlight = 0;
  #bytesInFlight = 0;
  #isCrowded = false;
  #whenIdle: (() => void) | null = null;

  constructor(options: UplinkDeskOptions) {
    this.#options = options;
    const { limits, clock } = options;
    this.#foreign = new StrikeBook(
      {
        strikesMax: limits.foreignPublishesMax,
        windowMs: limits.loginWindowMs,
        waitMs: 0,
        keysMax: limits.rememberedMax,
      },
      clock,
    );
  }

  /** How many more publishes of this session may pass its gate now. */
  publishesAllowed(session: Session): number {
    const { limits, observer } = this.#options;
    const crowd = this.#crowd();
    if (crowd !== null && !this.#isCrowded) observer.note("mqtt.throttled", { limit: crowd });
    this.#isCrowded = crowd !== null;
    const most = crowd === null ? limits.uplinksInFlightPerSessionMax : 1;
    const allowed = Math.max(0, most - session.inFlight);
    if (allowed === 0 && crowd === null && !session.isThrottled) {
      session.isThrottled = true;
      observer.note("mqtt.throttled", { limit: "uplinksInFlightPerSession" });
    }
    return allowed;
  }

  /** One publish that came through the gate. */
  take(session: Session, login: Login, packet: PublishPacket, settled: Settled): void {
    const settle = (error: Error | null): void => {
      session.inFlight -= 1;
      // An unfinished QoS 2 exchange keeps the packet; its content is durable and no longer needed.
      packet.payload = nothing;
      const { qos, messageId } = packet;
      const isOurs = error === null && qos === 1 && messageId !== undefined;
      // For aedes a QoS 0 publish has nothing left to be said.
      if (isOurs && session.acknowledge(messageId)) packet.qos = 0;
      settled(error);
    };
    this.offer(session, login, packet, settle);
  }

  /** A publish outside the topic table, on its way to being refused. */
  noteRefused(username: string, reason: TopicFault | "RETAINED", topic: string): void {
    const { observer } = this.#options;
    const protocol = parseTopic(topic)?.protocol ?? "";
    observer.note("mqtt.publishRefused", { reason, username, protocol });
    const isForeign = reason === "NOT_OWNER";
    if (isForeign && this.#foreign.strike(username))
      observer.note("security.foreignTopic", { username });
  }

  /** Resolves when everything that was taken is settled. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle = resolve;
      this.#tellIdle();
    });
  }

  /** An uplink by itself; so comes a last will, when nobody is left to be told. */
  offer(session: Session, login: Login, packet: PublishPacket, settled: Settled): void {
    const { directory, observer, queue } = this.#options;
    const place = uplinkPlace(packet.topic, login, directory);
    if (packet.retain || !place.ok) {
      const reason = place.ok ? "RETAINED" : place.fault;
      this.noteRefused(login.id, reason, packet.topic);
      settled(new SessionError("PUBLISH_REFUSED", reason));
      return;
    }
    const sent = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    // Without its topic a message of an edge node does not say whose it is.
    const isEdge = place.value.protocol === "sparkplug";
    const bytes = isEdge ? Buffer.concat([Buffer.from(`${packet.topic}\n`), sent]) : sent;
    if (packet.qos === 0) {
      observer.note("mqtt.unacknowledged", { protocol: place.value.protocol });
    }
    const receivedAtMs = this.#options.clock.nowMs();
    const arrived = this.#arrived(session, login, place.value, bytes);
    // Each frame of an envelope counts as a publish of its own.
    session.inFlight += arrived.length - 1;
    this.#inFlight += arrived.length;
    this.#bytesInFlight += bytes.length;
    let waiting = arrived.length;
    let failed: string | null = null;
    for (const one of arrived) {
      queue.offer({ ...place.value, receivedAtMs, ...one }, (failure) => {
        this.#inFlight -= 1;
        waiting -= 1;
        failed ??= failure;
        if (waiting > 0) return;
        session.inFlight -= arrived.length - 1;
        this.#bytesInFlight -= bytes.length;
        if (failed !== null) settled(new SessionError("NOT_COMMITTED", failed));
        else if (session.socket.destroyed) settled(new SessionError("SESSION_ENDED", "committed"));
        else settled(null);
        this.#tellIdle();
      });
    }
  }

  #arrived(session: Session, login: Login, place: UplinkPlace, bytes: Uint8Array) {
    if (isCarriedPlace(place)) return carriedUplinks(this.#options, login, place, bytes);
    return [{ bytes, reachable: this.#isReachable(session, place) }];
  }

  /** A gateway's frame names its meter only inside, so any command topic of the gateway counts. */
  #isReachable(session: Session, place: UplinkPlace): boolean {
    const { meterNo, protocol } = place;
    if (session.socket.destroyed) return false;
    if (protocol === "sparkplug") return this.#options.edges.isListening(session);
    if (meterNo === null || isCarrierName(protocol)) return session.topics.size > 0;
    return this.#options.listeners.find(meterNo, protocol) !== undefined;
  }

  #crowd(): "queue" | "uplinksInFlight" | "uplinkBytesInFlight" | null {
    const { limits, queue } = this.#options;
    if (queue.isFull) return "queue";
    if (this.#inFlight >= limits.uplinksInFlightMax) return "uplinksInFlight";
    if (this.#bytesInFlight >= limits.uplinkBytesInFlightMax) return "uplinkBytesInFlight";
    return null;
  }

  #tellIdle(): void {
    if (this.#inFlight === 0) this.#whenIdle?.();
  }
}
