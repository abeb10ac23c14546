/** Which sessions listen for the commands of which meter, at this moment. */
import type { Meter, ProtocolName } from "#domain/meter.ts";
import { carrierNames, uplinkNames, type UplinkName } from "#domain/platform.ts";
import type {
  CommandListener,
  CommandListeners,
  GatewayListeners,
  IntakeDirectory,
} from "#ports/intake.ts";
import type { Envelopes } from "#ports/envelopes.ts";
import type { EdgeDesk } from "./edgeDesk.ts";
import { speaksFor, type DownlinkPlace } from "./ownership.ts";
import type { Session } from "./session.ts";

interface Entry {
  readonly session: Session;
  readonly topic: string;
  readonly listener: CommandListener;
}

export class Listeners implements CommandListeners, GatewayListeners {
  readonly #directory: IntakeDirectory;
  readonly #edges: EdgeDesk;
  /** The newest last. */
  readonly #byPlace = new Map<number, readonly Entry[]>();

  readonly #canReach: Envelopes["canReach"];

  constructor(directory: IntakeDirectory, envelopes: Pick<Envelopes, "canReach">, edges: EdgeDesk) {
    this.#directory = directory;
    this.#canReach = (carrier, meter) => envelopes.canReach(carrier, meter);
    this.#edges = edges;
  }

  add(place: DownlinkPlace, session: Session, topic: string, listener: CommandListener): void {
    const key = keyOf(place.meterNo, place.protocol);
    const others = this.#others(key, session, topic);
    this.#byPlace.set(key, [...others, { session, topic, listener }]);
  }

  remove(place: DownlinkPlace, session: Session, topic: string): void {
    const key = keyOf(place.meterNo, place.protocol);
    const others = this.#others(key, session, topic);
    if (others.length > 0) this.#byPlace.set(key, others);
    else this.#byPlace.delete(key);
  }

  find(meterNo: number, protocol: ProtocolName): CommandListener | undefined {
    if (protocol === "sparkplug") return this.#edges.find(meterNo);
    const meter = this.#directory.meterByNo(meterNo);
    const live = this.#live(meterNo, protocol, meter);
    const own = live.findLast(({ session }) => session.login?.kind === "meter");
    const newest = own ?? live.at(-1);
    if (newest !== undefined || meter === undefined) return newest?.listener;
    // The plain frame before one in an envelope: it comes without a platform's delay.
    const heard = carrierNames.flatMap((name) => {
      const live = this.#live(meterNo, name, meter);
      // Asked for each uplink: what cannot be heard anyway is not written first.
      return live.length > 0 && this.#canReach(name, meter) ? live : [];
    });
    return heard.at(-1)?.listener;
  }

  #live(meterNo: number, name: UplinkName, meter: Meter | undefined): readonly Entry[] {
    const entries = this.#byPlace.get(keyOf(meterNo, name)) ?? [];
    return entries.filter(({ session }) => this.#mayHear(session, meter));
  }

  findGateway(gateway: string): CommandListener | undefined {
    return this.#edges.findGateway(gateway);
  }

  /** A gateway may have lost the meter since it subscribed. */
  #mayHear(session: Session, meter: Meter | undefined): boolean {
    const { login, socket } = session;
    if (login === null || socket.destroyed) return false;
    if (login.kind === "meter") return true;
    return meter !== undefined && speaksFor(login.id, meter.id, this.#directory);
  }

  #others(key: number, session: Session, topic: string): readonly Entry[] {
    const entries = this.#byPlace.get(key) ?? [];
    return entries.filter((entry) => entry.session !== session || entry.topic !== topic);
  }
}

function keyOf(meterNo: number, name: UplinkName): number {
  return meterNo * uplinkNames.length + uplinkNames.indexOf(name);
}
