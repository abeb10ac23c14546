/**
 * The MQTT 3.1.1 listener: meters and gateways log in, their uplinks go to the engine's queue, and commands find
 * their session. aedes speaks the protocol; what may come in and what it means is decided here.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { invariant } from "#domain/invariant.ts";
import type { Clock } from "#ports/clock.ts";
import type { Envelopes } from "#ports/envelopes.ts";
import type {
  CommandListeners,
  GatewayListeners,
  IntakeDirectory,
  UplinkQueue,
} from "#ports/intake.ts";
import type { Observer } from "#ports/observer.ts";
import { Admission } from "./admission.ts";
import type { EdgeHost } from "./edgeDesk.ts";
import { defaultMqttLimits, type MqttLimits } from "./limits.ts";
import { MqttSessions } from "./mqttSessions.ts";

export interface MqttTls {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** Signs the client certificates. */
  readonly ca?: string | Buffer;
  /** A certificate whose common name is a known user name may stand for its secret. */
  readonly requestClientCert?: boolean;
}

export interface MqttIntakeOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: MqttTls;
  readonly limits?: Partial<MqttLimits>;
  readonly directory: IntakeDirectory;
  readonly queue: UplinkQueue;
  readonly envelopes: Envelopes;
  readonly observer: Observer;
  readonly clock: Clock;
  /** What edge nodes hear of this host; absent: nothing. */
  readonly edgeHost?: EdgeHost;
  /** Key of the secrets' hashes. */
  readonly pepper: Uint8Array;
}

export interface MqttIntake {
  readonly port: number;
  /** Where the carrier finds the session of a meter. */
  readonly listeners: CommandListeners & GatewayListeners;
  /** Sessions that are logged in. */
  connectionCount(): number;
  /** Reads nothing more, settles what was taken, then ends every session. */
  close(): Promise<void>;
}

/** The listener could not be opened. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly code = "LISTEN_FAILED";
}

/** Starts to listen; resolves when meters may connect. */
export async function startMqttIntake(options: MqttIntakeOptions): Promise<MqttIntake> {
  const intake = new BrokerIntake(options);
  await intake.listen(options.host, options.port);
  return intake;
}

class BrokerIntake implements MqttIntake {
  readonly #limits: MqttLimits;
  readonly #sessions: MqttSessions;
  readonly #admission: Admission;
  readonly #server: Server;
  readonly #observer: Observer;

  constructor(options: MqttIntakeOptions) {
    const { observer, clock, tls } = options;
    this.#observer = observer;
    const limits = { ...defaultMqttLimits, ...options.limits };
    this.#limits = limits;
    this.#sessions = new MqttSessions({
      ...options,
      limits,
      loggedIn: (socket) => this.#admission.known(socket),
    });
    const sessions = this.#sessions;
    const greet = (socket: Socket): void => sessions.greet(socket, null);
    const admit = tls === undefined ? greet : secured(tls, limits, observer, sessions);
    this.#admission = new Admission(limits, clock, observer, admit);
    this.#server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true });
    this.#server.maxConnections = limits.connectionsMax;
    this.#server.on("connection", (socket: Socket) => this.#admission.offer(socket));
    this.#server.on("drop", () => observer.note("mqtt.refused", { reason: "CONNECTION_LIMIT" }));
  }

  get port(): number {
    const address = this.#server.address();
    invariant(address !== null && typeof address === "object", "a TCP listener has a port");
    return (address satisfies AddressInfo).port;
  }

  get listeners(): CommandListeners & GatewayListeners {
    return this.#sessions.listeners;
  }

  connectionCount(): number {
    return this.#sessions.count;
  }

  async listen(host: string, port: number): Promise<void> {
    await this.#sessions.open();
    const { backlog } = this.#limits;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen({ host, port, backlog }, () => {
          this.#server.off("error", reject);
          // The kernel may be out of file handles when it accepts; who is already here goes on.
          this.#server.on("error", () => {
            this.#observer.note("mqtt.refused", { reason: "ACCEPT_FAILED" });
          });
          resolve();
        });
      });
    } catch (error) {
      await this.#sessions.close();
      throw new ListenError(`no MQTT listener on ${host}:${port}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.race([
      this.#sessions.settle(),
      delay(this.#limits.closeGraceMs, null, { ref: false }),
    ]);
    await this.#sessions.close();
    this.#admission.close();
    await closed;
  }
}

/** Lets a connection through its TLS handshake before it is greeted. */
function secured(
  tls: MqttTls,
  limits: MqttLimits,
  observer: Observer,
  sessions: MqttSessions,
): (socket: Socket) => void {
  const handshakes = createTlsServer({
    key: tls.key,
    cert: tls.cert,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    requestCert: tls.requestClientCert ?? false,
    // A meter without a certificate still has its secret.
    rejectUnauthorized: false,
    handshakeTimeout: limits.connectTimeoutMs,
  });
  handshakes.on("secureConnection", (socket: TLSSocket) => {
    sessions.greet(socket, certificateName(socket));
  });
  handshakes.on("tlsClientError", (_error: Error, socket: TLSSocket) => {
    observer.note("mqtt.cut", { reason: "TLS" });
    socket.destroy();
  });
  return (socket) => handshakes.emit("connection", socket);
}

function certificateName(socket: TLSSocket): string | null {
  if (!socket.authorized) return null;
  const name = socket.getPeerCertificate().subject?.CN;
  return typeof name === "string" ? name : null;
}
