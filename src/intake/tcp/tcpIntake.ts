/**
 * The listener for meters that speak frames over TCP. There is no log-in in these standards, so what is let in is
 * decided by the network: the listener is off until a port is set, and takes connections only from the peers named.
 */
import {
  BlockList,
  createServer,
  isIPv4,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { invariant } from "#domain/invariant.ts";
import type { Meter, ProtocolName } from "#domain/meter.ts";
import type { CommandListener, CommandListeners } from "#ports/intake.ts";
import { Admission } from "../admission.ts";
import { ListenError } from "../mqttBroker.ts";
import { defaultTcpLimits, type TcpLimits } from "./limits.ts";
import { TcpSession, type TcpSessionParts } from "./tcpSession.ts";

export interface TcpIntakeOptions extends Omit<TcpSessionParts, "limits" | "known"> {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Networks that may connect, as address/prefix; a bare address is one host. */
  readonly peers: readonly string[];
  readonly limits?: Partial<TcpLimits>;
}

/** Starts to listen; resolves when meters may connect. */
export async function startTcpIntake(options: TcpIntakeOptions): Promise<TcpIntake> {
  const intake = new TcpIntake(options);
  await intake.listen(options.host, options.port);
  return intake;
}

export class TcpIntake implements CommandListeners {
  readonly #limits: TcpLimits;
  readonly #options: TcpIntakeOptions;
  readonly #admission: Admission;
  readonly #server: Server;
  readonly #peers: BlockList;
  readonly #sessions = new Set<TcpSession>();
  readonly #byMeter = new Map<number, TcpSession>();

  constructor(options: TcpIntakeOptions) {
    const { observer, clock } = options;
    this.#options = options;
    const limits = { ...defaultTcpLimits, ...options.limits };
    this.#limits = limits;
    this.#peers = peersOf(options.peers);
    const events = { refused: "tcp.refused", throttled: "tcp.throttled" } as const;
    const admit = (socket: Socket): void => this.#greet(socket);
    this.#admission = new Admission(limits, clock, observer, admit, events);
    this.#server = createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true });
    this.#server.maxConnections = limits.connectionsMax;
    this.#server.on("connection", (socket: Socket) => this.#arrive(socket));
    this.#server.on("drop", () => this.#refuse("CONNECTION_LIMIT"));
  }

  get port(): number {
    const address = this.#server.address();
    invariant(address !== null && typeof address === "object", "a TCP listener has a port");
    return (address satisfies AddressInfo).port;
  }

  /** Connections that have shown whose they are. */
  get count(): number {
    return this.#byMeter.size;
  }

  find(meterNo: number, protocol: ProtocolName): CommandListener | undefined {
    if (protocol !== this.#options.dialect.protocol) return undefined;
    const session = this.#byMeter.get(meterNo);
    return session?.isListening === true ? session : undefined;
  }

  async listen(host: string, port: number): Promise<void> {
    const { backlog } = this.#limits;
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: Error): void =>
        reject(new ListenError(`no TCP listener on ${host}:${port}`, { cause }));
      this.#server.once("error", failed);
      this.#server.listen({ host, port, backlog }, () => {
        this.#server.off("error", failed);
        this.#server.on("error", () => this.#refuse("ACCEPT_FAILED"));
        resolve();
      });
    });
  }

  /** Reads nothing more, settles what was taken, then ends every connection. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const { socket } of this.#sessions) socket.pause();
    const untilMs = this.#options.clock.monotonicMs() + this.#limits.closeGraceMs;
    while (
      [...this.#sessions].some(({ isIdle }) => !isIdle) &&
      this.#options.clock.monotonicMs() < untilMs
    ) {
      await delay(10);
    }
    this.#admission.close();
    for (const { socket } of this.#sessions) socket.destroy();
    await closed;
  }

  /** Strangers are turned away before the door: in its queue they would take the meters' places. */
  #arrive(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    if (this.#peers.check(address, isIPv4(address) ? "ipv4" : "ipv6")) {
      this.#admission.offer(socket);
      return;
    }
    this.#refuse("PEER");
    socket.on("error", () => undefined);
    socket.destroy();
  }

  #greet(socket: Socket): void {
    const known = (session: TcpSession, meter: Meter): void => this.#known(session, meter);
    const session = new TcpSession(socket, { ...this.#options, limits: this.#limits, known });
    this.#sessions.add(session);
    socket.once("close", () => this.#sessions.delete(session));
  }

  /** The newest connection of a meter is the one it uses: the other one is left over from a lost radio link. */
  #known(session: TcpSession, { no, id }: Meter): void {
    this.#admission.known(session.socket);
    const before = this.#byMeter.get(no);
    this.#byMeter.set(no, session);
    if (before !== undefined) {
      this.#options.observer.note("tcp.takeover", { username: id });
      before.socket.destroy();
    }
    session.socket.once("close", () => {
      if (this.#byMeter.get(no) === session) this.#byMeter.delete(no);
    });
  }

  #refuse(reason: string): void {
    const { observer, dialect } = this.#options;
    observer.note("tcp.refused", { reason, protocol: dialect.protocol });
  }
}

function peersOf(networks: readonly string[]): BlockList {
  const peers = new BlockList();
  for (const network of networks) {
    const [address = "", prefix] = network.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (prefix === undefined) peers.addAddress(address, family);
    else peers.addSubnet(address, Number(prefix), family);
  }
  return peers;
}
