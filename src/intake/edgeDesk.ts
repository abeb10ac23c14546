/**
 * Sessions of gateways that speak Sparkplug B: which of them hear what is asked of the node and of its meters, and how
 * they learn that this host is there. Nothing is kept for them: who does not listen is not asked.
 */
import type { Meter } from "#domain/meter.ts";
import type { CommandListener, IntakeDirectory } from "#ports/intake.ts";
import { edgeFilter, type EdgeFilter } from "./edgeTopics.ts";
import type { MqttLimits } from "./limits.ts";
import { speaksFor } from "./ownership.ts";
import type { Login, Session } from "./session.ts";

/** What this host says of itself, as bytes: the same time in both (Sparkplug B 3.0, section 5.14). */
export interface EdgeHost {
  readonly stateTopic: string;
  readonly birth: Uint8Array;
  readonly death: Uint8Array;
}

interface Entry {
  readonly filter: EdgeFilter;
  /** Since SUBACK; with the quality of service that was asked for. */
  qos: number | null;
}

type Filters = Map<string, Entry>;

const lineFeed = 0x0a;

export class EdgeDesk {
  readonly #directory: IntakeDirectory;
  readonly #limits: MqttLimits;
  readonly #host: EdgeHost | null;
  readonly #bySession = new Map<Session, Filters>();
  #isGone = false;

  constructor(directory: IntakeDirectory, limits: MqttLimits, host: EdgeHost | null) {
    this.#directory = directory;
    this.#limits = limits;
    this.#host = host;
  }

  /** Filters of one session. */
  countOf(session: Session): number {
    return this.#bySession.get(session)?.size ?? 0;
  }

  /** True: the gateway may listen there. */
  grant(session: Session, login: Login, topic: string): boolean {
    const filter = edgeFilter(topic, login, this.#host?.stateTopic ?? null);
    if (filter === undefined) return false;
    const filters: Filters = this.#bySession.get(session) ?? new Map<string, Entry>();
    filters.set(topic, { filter, qos: null });
    this.#bySession.set(session, filters);
    return true;
  }

  /** SUBACK was written: the session hears us, and first that this host is there. */
  listen(session: Session, topic: string, qos: number): void {
    const entry = this.#bySession.get(session)?.get(topic);
    if (entry === undefined) return;
    entry.qos = qos;
    if (entry.filter.kind === "state" && !this.#isGone) this.#tellState(session, qos, true);
  }

  stop(session: Session, topics: readonly string[]): void {
    const filters = this.#bySession.get(session);
    for (const topic of topics) filters?.delete(topic);
    if (filters?.size === 0) this.#bySession.delete(session);
  }

  end(session: Session): void {
    this.#bySession.delete(session);
  }

  /** Something may be ordered of a meter behind this session. */
  isListening(session: Session): boolean {
    const entries = this.#bySession.get(session)?.values() ?? [];
    return [...entries].some(({ filter }) => filter.kind === "device");
  }

  /** Where the orders for one meter go now; the newest session of a gateway that still speaks for it. */
  find(meterNo: number): CommandListener | undefined {
    const meter = this.#directory.meterByNo(meterNo);
    if (meter === undefined) return undefined;
    return this.#listenerWhere((filter, gatewayId) => {
      const isHeard = filter.kind === "device" && isNamed(meter, filter.device);
      return isHeard && speaksFor(gatewayId, meter.id, this.#directory);
    });
  }

  findGateway(gateway: string): CommandListener | undefined {
    return this.#listenerWhere((filter, id) => filter.kind === "node" && id === gateway);
  }

  /** We are stopping: whoever asked for our state is told. */
  sayGone(): void {
    this.#isGone = true;
    for (const [session, filters] of this.#bySession) {
      for (const { filter, qos } of filters.values()) {
        if (filter.kind === "state" && qos !== null) this.#tellState(session, qos, false);
      }
    }
  }

  #listenerWhere(
    isWanted: (filter: EdgeFilter, gatewayId: string) => boolean,
  ): CommandListener | undefined {
    const sessions = [...this.#bySession].filter(([{ login, socket }, filters]) => {
      if (login === null || socket.destroyed) return false;
      const heard = [...filters.values()].filter(({ qos }) => qos !== null);
      return heard.some(({ filter }) => isWanted(filter, login.id));
    });
    const [session] = sessions.at(-1) ?? [];
    if (session === undefined) return undefined;
    return {
      isHeardFirst: false,
      carry: ({ bytes }, ended) => this.#carry(session, bytes, ended),
    };
  }

  /**
   * The bytes begin with their topic. At QoS 0, which the standard asks for, nobody ever confirms: what becomes of it
   * only the meter's own data tell.
   */
  #carry(session: Session, bytes: Uint8Array, ended: (delivered: boolean) => void): void {
    const end = bytes.indexOf(lineFeed);
    const topic = Buffer.from(bytes.subarray(0, Math.max(0, end))).toString();
    const isStuck = session.socket.writableNeedDrain || session.socket.destroyed;
    const isMuch = session.downlinksInFlight >= this.#limits.downlinksInFlightPerSessionMax;
    if (isStuck || isMuch || !this.#covers(session, topic)) return ended(false);
    const order = { topic, bytes: bytes.slice(end + 1), isConfirmed: false, qos: 0 } as const;
    session.carry(order, () => ended(false));
  }

  #covers(session: Session, topic: string): boolean {
    const every = `${topic.slice(0, topic.lastIndexOf("/"))}/+`;
    const filters = this.#bySession.get(session);
    return filters?.has(topic) === true || filters?.has(every) === true;
  }

  #tellState(session: Session, qos: number, isOnline: boolean): void {
    const host = this.#host;
    if (host === null || session.socket.destroyed) return;
    const bytes = isOnline ? host.birth : host.death;
    const isConfirmed = qos > 0;
    // To a new subscriber it is what a broker would have retained; what is said later is news.
    const isRetained = isOnline;
    session.carry({ topic: host.stateTopic, bytes, isConfirmed, isRetained }, () => undefined);
  }
}

/** By its id or its carrier address; null: all that the gateway has. */
function isNamed({ id, carrierAddress }: Meter, device: string | null): boolean {
  return device === null || device === id || device.toLowerCase() === carrierAddress;
}
