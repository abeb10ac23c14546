/** Pushes over HTTP: who sends them, whether there is room, and the answer once everything is on disk. */
import { setTimeout as delay } from "node:timers/promises";
import type { CarrierName } from "#domain/platform.ts";
import type { Clock } from "#ports/clock.ts";
import type { Envelopes } from "#ports/envelopes.ts";
import type { CommandListeners, IntakeDirectory, UplinkQueue } from "#ports/intake.ts";
import type { Observer } from "#ports/observer.ts";
import type {
  DeliveryAnswer,
  DeliveryCaller,
  DeliveryDesk,
  DeliveryItem,
  DeliveryQuestion,
  DeliveryRefusal,
  SignedDeliveries,
} from "#ports/deliveries.ts";
import { carriedUplink } from "./carriedUplinks.ts";
import { defaultMqttLimits, pushLimits } from "./limits.ts";
import { LoginDesk } from "./loginDesk.ts";

export interface DeliveryDeskOptions {
  readonly directory: IntakeDirectory;
  readonly queue: UplinkQueue;
  readonly envelopes: Envelopes;
  readonly listeners: CommandListeners;
  readonly signed: SignedDeliveries;
  readonly observer: Observer;
  readonly clock: Clock;
  /** Key of the secrets' hashes. */
  readonly pepper: Uint8Array;
  readonly limits?: Partial<typeof pushLimits>;
  /** False while the service starts or stops: nothing is taken. */
  isOpen(): boolean;
}

/** Frames of one gateway that are offered and not yet durable. */
interface Load {
  frames: number;
  pushes: number;
}

type Refused = Extract<DeliveryAnswer, { ok: false }>;

/** OneNET signs what it pushes; the others present the gateway's secret. */
const signingCarriers: readonly CarrierName[] = ["onenet"];

/** The desk for one process. */
export function openDeliveryDesk(options: DeliveryDeskOptions): DeliveryDesk {
  return new HttpDeliveryDesk(options);
}

class HttpDeliveryDesk implements DeliveryDesk {
  readonly #options: DeliveryDeskOptions;
  readonly #limits: typeof pushLimits;
  readonly #logins: LoginDesk;
  /** Only of gateways that have something in flight. */
  readonly #loads = new Map<string, Load>();

  constructor(options: DeliveryDeskOptions) {
    const { directory, pepper, clock, observer } = options;
    this.#options = options;
    this.#limits = { ...pushLimits, ...options.limits };
    this.#logins = new LoginDesk(defaultMqttLimits, directory, pepper, clock, observer);
  }

  async admit(caller: DeliveryCaller): Promise<Refused | null> {
    const { carrier, gatewayId, username, secret, address } = caller;
    if (!signingCarriers.includes(carrier)) {
      const known = this.#logins.recognise(gatewayId, Buffer.from(secret ?? ""), address);
      if (!known.ok) await delay(known.delayMs);
      const isGateway = known.ok && known.login.kind === "gateway";
      if (!isGateway || (username ?? gatewayId) !== gatewayId) {
        return this.#refuse("unauthorised", caller);
      }
    }
    const isMany = (this.#loads.get(gatewayId)?.pushes ?? 0) >= this.#limits.pushesInFlightMax;
    return isMany || !this.#options.isOpen() ? this.#refuse("overloaded", caller) : null;
  }

  async take(
    caller: Pick<DeliveryCaller, "carrier" | "gatewayId">,
    bytes: Uint8Array,
  ): Promise<DeliveryAnswer> {
    const { carrier, gatewayId } = caller;
    const clear = this.#clear(carrier, gatewayId, bytes);
    if (clear === null) {
      this.#options.observer.note("security.deliverySignature", { gateway: gatewayId });
      return this.#refuse("unauthorised", caller);
    }
    const frames = this.#frames(carrier, clear);
    if (frames === null) return this.#refuse("notAnEnvelope", caller);
    const fitting = frames.filter((frame) => frame.length <= this.#limits.envelopeBytesMax);
    if (!this.#hasRoom(gatewayId, fitting.length)) return this.#refuse("overloaded", caller);
    const isStored = await this.#store(carrier, gatewayId, fitting);
    if (!isStored) return { ok: false, refusal: "notStored" };
    return { ok: true, items: frames.map((frame) => this.#itemOf(frame)) };
  }

  mayAnswer(gatewayId: string, question: DeliveryQuestion): boolean {
    const isSigned = this.#options.signed.isSigned(gatewayId, question);
    if (!isSigned)
      this.#options.observer.note("security.deliverySignature", { gateway: gatewayId });
    return isSigned;
  }

  #clear(carrier: CarrierName, gatewayId: string, bytes: Uint8Array): Uint8Array | null {
    if (!signingCarriers.includes(carrier)) return bytes;
    return this.#options.signed.unseal(gatewayId, bytes);
  }

  /** What cannot be taken apart is kept as it is, for quarantine, where it is not too large for that. */
  #frames(carrier: CarrierName, bytes: Uint8Array): readonly Uint8Array[] | null {
    const frames = this.#options.envelopes.split(carrier, bytes);
    if (frames !== null) return frames;
    return bytes.length <= this.#limits.envelopeBytesMax ? [bytes] : null;
  }

  /** When the queue is full every gateway may still have one frame in it, so that a leak gets through. */
  #hasRoom(gatewayId: string, frames: number): boolean {
    const { framesInFlightMax } = this.#limits;
    const most = this.#options.queue.isFull ? 1 : framesInFlightMax;
    return (this.#loads.get(gatewayId)?.frames ?? 0) + frames <= most;
  }

  #itemOf(frame: Uint8Array): DeliveryItem {
    const fits = frame.length <= this.#limits.envelopeBytesMax;
    return fits ? { outcome: "stored" } : { outcome: "refused", reason: "SIZE" };
  }

  /** False: at least one could not be stored, so all of them are sent again; what is stored twice is a duplicate. */
  async #store(
    carrier: CarrierName,
    gatewayId: string,
    frames: readonly Uint8Array[],
  ): Promise<boolean> {
    const { queue, clock } = this.#options;
    const load = this.#loads.get(gatewayId) ?? { frames: 0, pushes: 0 };
    this.#loads.set(gatewayId, load);
    load.frames += frames.length;
    load.pushes += 1;
    const gateway = { kind: "gateway", id: gatewayId } as const;
    const place = { meterNo: null, route: `gateway:${gatewayId}`, protocol: carrier } as const;
    const receivedAtMs = clock.nowMs();
    const stored = frames.map(
      (bytes) =>
        new Promise<boolean>((resolve) => {
          const arrived = carriedUplink(this.#options, gateway, place, bytes);
          queue.offer({ ...place, receivedAtMs, ...arrived }, (failure) =>
            resolve(failure === null),
          );
        }),
    );
    const all = await Promise.all(stored);
    load.frames -= frames.length;
    load.pushes -= 1;
    if (load.pushes === 0) this.#loads.delete(gatewayId);
    return all.every(Boolean);
  }

  #refuse(
    refusal: DeliveryRefusal,
    { carrier, gatewayId }: Pick<DeliveryCaller, "carrier" | "gatewayId">,
  ): Refused {
    const event = refusal === "unauthorised" ? "delivery.unauthorised" : "delivery.refused";
    this.#options.observer.note(event, { reason: refusal, protocol: carrier, gateway: gatewayId });
    return { ok: false, refusal };
  }
}
