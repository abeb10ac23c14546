/**
 * The sessions of the broker and the answers to what aedes asks about them. No answer may throw: an exception in a
 * hook of aedes would end the process, so it ends the one session instead.
 */
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { AedesPublishPacket, Client, ConnectPacket, PublishPacket, Subscription } from "aedes";
import { isCarrierName } from "#domain/platform.ts";
import type { Envelopes } from "#ports/envelopes.ts";
import type { CommandListener, IntakeDirectory, UplinkQueue } from "#ports/intake.ts";
import type { Clock } from "#ports/clock.ts";
import type { Observer } from "#ports/observer.ts";
import { EdgeDesk, type EdgeHost } from "./edgeDesk.ts";
import type { MqttLimits } from "./limits.ts";
import { Listeners } from "./listeners.ts";
import { isStillValid, returnCodes, type LoginRequest } from "./login.ts";
import { LoginDesk } from "./loginDesk.ts";
import { downlinkPlace, type DownlinkPlace } from "./ownership.ts";
import { QuietBroker } from "./quietBroker.ts";
import { gateReads, Session } from "./session.ts";
import { explain, SessionError } from "./sessionError.ts";
import { UplinkDesk } from "./uplinkDesk.ts";

export interface MqttSessionsOptions {
  readonly limits: MqttLimits;
  readonly directory: IntakeDirectory;
  readonly queue: UplinkQueue;
  readonly observer: Observer;
  readonly clock: Clock;
  readonly pepper: Uint8Array;
  readonly envelopes: Envelopes;
  readonly edgeHost?: EdgeHost;
  readonly loggedIn: (socket: Socket) => void;
}

type Command = Parameters<CommandListener["carry"]>[0];
type ConnectDone = (error: Error | null, isWelcome: boolean) => void;
type LoginDone = (error: SessionError | null, isWelcome: boolean) => void;

/** aedes announces itself to a cluster that we do not have; once a day is seldom enough. */
const heartbeatMs = 86_400_000;

export class MqttSessions {
  readonly listeners: Listeners;
  readonly #options: MqttSessionsOptions;
  readonly #edges: EdgeDesk;
  readonly #uplinks: UplinkDesk;
  readonly #logins: LoginDesk;
  readonly #broker: QuietBroker;
  readonly #byClient = new WeakMap<Client, Session>();
  readonly #byClientId = new Map<string, Session>();
  #credentialCheck: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(options: MqttSessionsOptions) {
    const { limits, directory, observer, clock, pepper } = options;
    this.#options = options;
    const edges = new EdgeDesk(directory, limits, options.edgeHost ?? null);
    this.#edges = edges;
    this.listeners = new Listeners(directory, options.envelopes, edges);
    const { listeners } = this;
    this.#uplinks = new UplinkDesk({ ...options, listeners, edges });
    this.#logins = new LoginDesk(limits, directory, pepper, clock, observer);
    this.#broker = this.#createBroker();
  }

  get count(): number {
    return this.#byClientId.size;
  }

  async open(): Promise<void> {
    await this.#broker.listen();
    const { credentialCheckMs } = this.#options.limits;
    this.#credentialCheck = setInterval(() => this.#cutRevoked(), credentialCheckMs);
  }

  /** A connection that was let in; what it sends is read from now on. */
  greet(socket: Socket, certificateName: string | null): void {
    const { limits } = this.#options;
    const session = new Session(socket, certificateName, limits);
    gateReads(session, {
      publishesAllowed: () => this.#uplinks.publishesAllowed(session),
      isStopping: () => this.#isStopping,
      refuse: (fault) => this.#cut(session, fault),
    });
    socket.once("close", () => this.#end(session));
    const client = this.#broker.handle(socket);
    session.client = client;
    this.#byClient.set(client, session);
  }

  /** Reads nothing more and waits until what was taken is acknowledged or refused. */
  async settle(): Promise<void> {
    this.#isStopping = true;
    await this.#uplinks.idle();
    this.#edges.sayGone();
    // The last acknowledgements are written in the turns after their commit.
    await turn();
    await turn();
  }

  async close(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#credentialCheck);
    await new Promise<void>((resolve) => this.#broker.close(resolve));
  }

  #createBroker(): QuietBroker {
    const { limits, observer } = this.#options;
    const broker = new QuietBroker(
      {
        connectTimeout: limits.connectTimeoutMs,
        drainTimeout: limits.drainTimeoutMs,
        maxInflightInbound: limits.uplinksInFlightPerSessionMax,
        heartbeatInterval: heartbeatMs,
        preConnect: (client, packet, done) =>
          this.#judge(client, (session) => this.#readConnect(session, packet, done)),
        authenticate: (client, username, password, done) =>
          this.#judge(client, (session) => this.#logIn(session, username, password, done)),
        authorizePublish: (client, packet, done) =>
          this.#judge(client, (session) => this.#takePublish(session, packet, done)),
        authorizeSubscribe: (client, subscription, done) =>
          this.#judge(client, (session) => this.#grant(session, subscription, done)),
        authorizeForward: (client, packet) => this.#forward(client, packet),
      },
      (client, frameId) => this.#byClient.get(client)?.confirm(frameId, true),
    );
    broker.on("subscribe", (subscriptions, client) =>
      this.#judge(client, (session) => this.#listen(session, subscriptions)),
    );
    broker.on("unsubscribe", (topics, client) =>
      this.#judge(client, (session) => this.#stopListening(session, topics)),
    );
    const explainEnd = (client: Client, error: Error): void =>
      this.#judge(client, (session) => this.#explain(session, error));
    broker.on("clientError", explainEnd);
    broker.on("connectionError", explainEnd);
    // An "error" event that nobody hears would end the process; aedes' types forget that there is one.
    const events: EventEmitter = broker;
    events.on("error", (error: Error) => observer.note("mqtt.hookFailed", { why: error.message }));
    return broker;
  }

  /** Runs an answer for a session; our own mistake in it ends that session and nothing else. */
  #judge(client: Client | null, answer: (session: Session) => void): void {
    const session = client === null ? undefined : this.#byClient.get(client);
    if (session === undefined) return;
    try {
      answer(session);
    } catch (error) {
      const why = error instanceof Error ? error.message : "no error object";
      this.#options.observer.note("mqtt.hookFailed", { why });
      session.socket.destroy();
    }
  }

  #readConnect(session: Session, packet: ConnectPacket, done: ConnectDone): void {
    // aedes itself answers MQTT 5 with return code 1.
    if (packet.protocolVersion === 5) this.#noteRefused(session, "PROTOCOL_VERSION");
    // No session outlives its connection: commands wait in the ledger, where they can expire.
    packet.clean = true;
    session.connect = packet;
    done(null, true);
  }

  #logIn(
    session: Session,
    username: string | undefined,
    secret: Buffer | undefined,
    done: LoginDone,
  ): void {
    // aedes asks a turn after CONNECT; who has left by then must not be entered as present.
    if (session.socket.destroyed) return done(new SessionError("SESSION_ENDED", "left"), false);
    const { connect, certificateName } = session;
    const request: LoginRequest = {
      username: username ?? "",
      secret,
      clientId: connect?.clientId ?? "",
      keepAliveSeconds: connect?.keepalive ?? 0,
      will: connect?.will
        ? { topic: connect.will.topic, retain: connect.will.retain === true }
        : null,
      certificateName,
    };
    const decision = this.#logins.decide(request, session.address);
    if (!decision.ok) {
      this.#noteRefused(session, decision.fault);
      const refusal = new SessionError(
        "LOGIN_REFUSED",
        decision.fault,
        returnCodes[decision.fault],
      );
      const refuse = (): void => this.#judge(session.client, () => done(refusal, false));
      if (decision.delayMs > 0) setTimeout(refuse, decision.delayMs);
      else refuse();
      return;
    }
    const { login } = decision;
    const { observer, loggedIn } = this.#options;
    if (this.#byClientId.has(login.clientId)) {
      observer.note("mqtt.takeover", { username: login.id });
    }
    session.login = login;
    session.gate.open();
    this.#byClientId.set(login.clientId, session);
    loggedIn(session.socket);
    observer.note("mqtt.connected", { username: login.id });
    done(null, true);
  }

  #takePublish(session: Session, packet: PublishPacket, done: (error: Error | null) => void): void {
    const { login, client } = session;
    // aedes hands over a will when its session has ended, and only then.
    const isWill = client?.closed === true;
    if (login === null || (isWill && this.#isStopping)) {
      done(new SessionError("SESSION_ENDED", "no uplink"));
      return;
    }
    // Called from the commit of a whole batch: a fault in one session must not reach the next one.
    const settled = (error: Error | null): void => this.#judge(client, () => done(error));
    if (isWill) this.#uplinks.offer(session, login, packet, settled);
    else this.#uplinks.take(session, login, packet, settled);
  }

  #grant(
    session: Session,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    const { directory, limits, observer } = this.#options;
    const { login, topics } = session;
    const { topic } = subscription;
    const heard = topics.size + this.#edges.countOf(session);
    const isRoom = topics.has(topic) || heard < limits.subscriptionsPerSessionMax;
    if (isRoom && login !== null && this.#edges.grant(session, login, topic)) {
      return done(null, subscription);
    }
    const place = login === null ? null : downlinkPlace(topic, login, directory);
    if (!isRoom || !place?.ok || !this.#hasDownlink(place.value)) {
      observer.note("mqtt.subscribeRefused", { username: login?.id ?? "" });
      this.#stopListening(session, [topic]);
      done(null, null);
      return;
    }
    topics.set(topic, place.value);
    done(null, subscription);
  }

  #hasDownlink({ protocol: name }: DownlinkPlace): boolean {
    return !isCarrierName(name) || this.#options.envelopes.hasDownlink(name);
  }

  /** After SUBACK was written: the meter hears us, so waiting commands may leave. */
  #listen(session: Session, subscriptions: readonly Subscription[]): void {
    const { queue } = this.#options;
    if (session.socket.destroyed) return;
    for (const { topic, qos } of subscriptions) {
      const place = session.topics.get(topic);
      if (place === undefined) this.#edges.listen(session, topic, qos);
      if (place === undefined) continue;
      const listener = this.#listenerFor(session, topic, qos > 0, place);
      this.listeners.add(place, session, topic, listener);
      // A platform that has subscribed is not a meter that was heard.
      if (!listener.isHeardFirst) queue.contact(place.meterNo);
    }
  }

  #listenerFor(
    session: Session,
    topic: string,
    isConfirmed: boolean,
    { meterNo, protocol: name }: DownlinkPlace,
  ): CommandListener {
    const { limits, directory, envelopes } = this.#options;
    const wrapped = (command: Command): Uint8Array | undefined => {
      if (!isCarrierName(name)) return command.bytes;
      const meter = directory.meterByNo(meterNo);
      return meter === undefined ? undefined : envelopes.wrap(name, meter, command);
    };
    return {
      isHeardFirst: isCarrierName(name) && envelopes.isHeardFirst(name),
      carry: (command, ended) => {
        const bytes = wrapped(command);
        const isStuck = session.socket.writableNeedDrain;
        const isMuch = session.downlinksInFlight >= limits.downlinksInFlightPerSessionMax;
        const isHopeless = bytes === undefined || session.socket.destroyed;
        if (isStuck || isMuch || isHopeless) ended(false);
        else session.carry({ topic, bytes, isConfirmed }, ended);
      },
    };
  }

  #stopListening(session: Session, topics: readonly string[]): void {
    this.#edges.stop(session, topics);
    for (const topic of topics) {
      const place = session.topics.get(topic);
      if (place === undefined) continue;
      session.topics.delete(topic);
      this.listeners.remove(place, session, topic);
    }
  }

  /** The second barrier before a meter: nothing but the command that is being carried may pass. */
  #forward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    const frameId = this.#byClient.get(client)?.permittedFrameId(packet.payload) ?? null;
    if (frameId === null) return null;
    packet.messageId = frameId;
    return packet;
  }

  #end(session: Session): void {
    const { login } = session;
    this.#stopListening(session, [...session.topics.keys()]);
    this.#edges.end(session);
    session.end();
    if (login === null) return;
    if (this.#byClientId.get(login.clientId) === session) this.#byClientId.delete(login.clientId);
    this.#options.observer.note("mqtt.disconnected", { username: login.id });
  }

  #cut(session: Session, reason: string): void {
    if (!session.isExplained) this.#options.observer.note("mqtt.cut", { reason });
    session.isExplained = true;
    session.socket.destroy();
  }

  #explain(session: Session, error: Error): void {
    const ending = session.isExplained ? null : explain(error);
    if (ending === null) return;
    const { login } = session;
    if (ending.event === "mqtt.cut") this.#cut(session, ending.reason);
    else if (login !== null) this.#uplinks.noteRefused(login.id, ending.reason, "");
    session.isExplained = true;
  }

  #noteRefused(session: Session, reason: string): void {
    session.isExplained = true;
    this.#options.observer.note("mqtt.refused", { reason });
  }

  #cutRevoked(): void {
    for (const session of this.#byClientId.values()) {
      const { login, gate } = session;
      gate.forgetAsks();
      const isValid = login !== null && isStillValid(login, this.#options.directory);
      if (!isValid) this.#cut(session, "REVOKED");
    }
  }
}
