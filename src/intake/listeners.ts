/** Which sessions listen for the commands of which meter, at this moment. */
import { protocolNames, type ProtocolName } from "#domain/meter.ts";
import type { CommandListener, CommandListeners, IntakeDirectory } from "#ports/intake.ts";
import { speaksFor, type DownlinkPlace } from "./ownership.ts";
import type { Session } from "./session.ts";

interface Entry {
  readonly session: Session;
  readonly topic: string;
  readonly listener: CommandListener;
}

export class Listeners implements CommandListeners {
  readonly #directory: IntakeDirectory;
  /** The newest last. */
  readonly #byPlace = new Map<number, readonly Entry[]>();

  constructor(directory: IntakeDirectory) {
    this.#directory = directory;
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
    const entries = this.#byPlace.get(keyOf(meterNo, protocol));
    if (entries === undefined) return undefined;
    const live = entries.filter(({ session }) => this.#mayHear(session, meterNo));
    const own = live.findLast(({ session }) => session.login?.kind === "meter");
    return (own ?? live.at(-1))?.listener;
  }

  /** A gateway may have lost the meter since it subscribed. */
  #mayHear(session: Session, meterNo: number): boolean {
    const { login, socket } = session;
    if (login === null || socket.destroyed) return false;
    if (login.kind === "meter") return true;
    const meter = this.#directory.meterByNo(meterNo);
    return meter !== undefined && speaksFor(login.id, meter.id, this.#directory);
  }

  #others(key: number, session: Session, topic: string): readonly Entry[] {
    const entries = this.#byPlace.get(key) ?? [];
    return entries.filter((entry) => entry.session !== session || entry.topic !== topic);
  }
}

function keyOf(meterNo: number, protocol: ProtocolName): number {
  return meterNo * protocolNames.length + protocolNames.indexOf(protocol);
}
