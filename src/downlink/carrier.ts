/**
 * Carries an encoded command to the session that listens for its meter, and says once what became of it. Nothing
 * is queued here: a command that finds no session goes back, and the ledger decides whether it is sent again.
 */
import { secondMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type {
  CommandListeners,
  Downlink,
  DownlinkCarrier,
  GatewayListeners,
  UplinkQueue,
} from "#ports/intake.ts";
import type { Observer } from "#ports/observer.ts";

/** A meter that listens confirms within a round trip; a later confirmation is no longer counted. */
const confirmTimeoutMsDefault = 10 * secondMs;
/** What is left of an order's life when it goes into the socket: it was twice as much when the ledger let it go. */
const flightMs = secondMs;

export interface CarrierOptions {
  readonly listeners: CommandListeners;
  /** Absent: no gateway can be asked for anything. */
  readonly gateways?: GatewayListeners;
  readonly queue: Pick<UplinkQueue, "downlinkOutcome">;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly confirmTimeoutMs?: number;
}

/** The only way by which a command leaves for a meter. */
export function createCarrier(options: CarrierOptions): DownlinkCarrier {
  const { listeners, gateways, queue, clock, observer } = options;
  const confirmTimeoutMs = options.confirmTimeoutMs ?? confirmTimeoutMsDefault;

  function send(downlink: Downlink): void {
    const { commandId, meterNo, protocol } = downlink;
    // The last barrier: MQTT 3.1.1 has no expiry of its own.
    if (clock.nowMs() + flightMs >= downlink.expiresAtMs) {
      observer.note("downlink.expired", { commandId });
      queue.downlinkOutcome(commandId, "undelivered");
      return;
    }
    const listener = listeners.find(meterNo, protocol);
    if (listener === undefined) {
      observer.note("downlink.undelivered", { commandId });
      queue.downlinkOutcome(commandId, "undelivered");
      return;
    }
    let isOpen = true;
    const end = (delivered: boolean): void => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
      if (!delivered) observer.note("downlink.unconfirmed", { commandId });
      queue.downlinkOutcome(commandId, delivered ? "delivered" : "unconfirmed");
    };
    const timer = setTimeout(end, confirmTimeoutMs, false);
    observer.note("downlink.sent", { commandId });
    listener.carry(downlink, end);
  }

  /** A question to a gateway is no command: at QoS 0, and nothing remembers it. */
  function ask(gateway: string, bytes: Uint8Array): void {
    const listener = gateways?.findGateway(gateway);
    const expiresAtMs = clock.nowMs() + confirmTimeoutMs;
    if (listener === undefined) observer.note("edge.notAsked", { gateway });
    else listener.carry({ bytes, expiresAtMs }, () => observer.note("edge.asked", { gateway }));
  }

  return { send, ask };
}
