/** One connection of a waking meter: MQTT 3.1.1, QoS 1, clean session, no reconnecting of its own. */
import { Socket } from "node:net";
import { connect } from "mqtt";
import type { MqttClient } from "mqtt";

export interface Broker {
  readonly host: string;
  readonly port: number;
}

export interface Login {
  readonly meterId: string;
  readonly secret: string;
  readonly protocol: string;
}

export interface SessionEvents {
  /** Connected and listening on the command topic. */
  readonly opened: () => void;
  readonly commanded: (bytes: Uint8Array) => void;
  /** Called once, however it ended; null: by our own wish. */
  readonly ended: (error: Error | null) => void;
}

const connectTimeoutMs = 10_000;
/** Longer than any listening window: a waking meter never needs a ping. */
const keepAliveSeconds = 120;

/** The connection was not ended by the meter. */
class SessionLostError extends Error {
  override readonly name = "SessionLostError";
  readonly code = "SESSION_LOST";
}

export class Session {
  readonly #client: MqttClient;
  readonly #upTopic: string;
  #events: SessionEvents | null;

  constructor(broker: Broker, login: Login, events: SessionEvents) {
    this.#events = events;
    this.#upTopic = `meters/${login.meterId}/up/${login.protocol}`;
    this.#client = connect({
      protocol: "mqtt",
      host: broker.host,
      port: broker.port,
      clientId: login.meterId,
      username: login.meterId,
      password: login.secret,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: connectTimeoutMs,
      keepalive: keepAliveSeconds,
      resubscribe: false,
    });
    let cause: Error | null = null;
    this.#client.on("error", (error) => {
      cause = error;
      // A refused login leaves the socket to us.
      this.#client.end(true);
    });
    this.#client.once("close", () => {
      this.#end(cause ?? new SessionLostError("the connection was closed by the other side"));
    });
    this.#client.on("message", (_topic, payload) => this.#events?.commanded(payload));
    this.#client.once("connect", () => {
      // A reply follows the PUBACK of its order closely; it shall not wait for the other side's ACK.
      if (this.#client.stream instanceof Socket) this.#client.stream.setNoDelay(true);
      this.#client.subscribe(
        `meters/${login.meterId}/down/${login.protocol}`,
        { qos: 1 },
        (error) => {
          if (error === null) this.#events?.opened();
          else this.#end(error);
        },
      );
    });
  }

  /** Resolves with the PUBACK; rejects when the session ends first. */
  async publish(bytes: Uint8Array): Promise<void> {
    await this.#client.publishAsync(this.#upTopic, Buffer.from(bytes), { qos: 1 });
  }

  /** Says goodbye and goes to sleep. */
  close(): void {
    this.#end(null);
  }

  #end(error: Error | null): void {
    const events = this.#events;
    if (events === null) return;
    this.#events = null;
    // Unforced, the client first waits for what is in flight; a lost session has nothing to wait for.
    this.#client.end(error !== null);
    events.ended(error);
  }
}
