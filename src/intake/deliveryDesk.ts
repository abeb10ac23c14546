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
    if (signingCarriers.includes(carrier)) {
      // Whether there is room is said to those only who have signed: a stranger's request is no uplink.
      if (this.#options.signed.hasToken(gatewayId)) return null;
      await this.#strike(caller);
      return this.#refuse("unauthorised", caller);
    }
    const known = this.#logins.recognise(gatewayId, Buffer.from(secret ?? ""), address);
    if (!known.ok) await delay(known.delayMs);
    const isGateway = known.ok && known.login.kind === "gateway";
    if (!isGateway || (username ?? gatewayId) !== gatewayId) {
      return this.#refuse("unauthorised", caller);
    }
    return this.#mayBegin(gatewayId) ? null : this.#refuse("overloaded", caller);
  }

  async take(
    caller: Pick<DeliveryCaller, "carrier" | "gatewayId" | "address">,
    bytes: Uint8Array,
  ): Promise<DeliveryAnswer> {
    const { carrier, gatewayId } = caller;
    const clear = this.#clear(carrier, gatewayId, bytes);
    if (clear === null) {
      await this.#strike(caller);
      return this.#refuse("unauthorised", caller);
    }
    const frames = this.#frames(carrier, clear);
    if (frames === null) return this.#refuse("notAnEnvelope", caller);
    const isLate = signingCarriers.includes(carrier) && !this.#mayBegin(gatewayId);
    const fitting = frames.filter((frame) => frame.length <= this.#limits.envelopeBytesMax);
    if (isLate || !this.#hasRoom(gatewayId, fitting.length)) {
      return this.#refuse("overloaded", caller, frames.length);
    }
    this.#note("SIZE", caller, frames.length - fitting.length);
    const isStored = await this.#store(carrier, gatewayId, fitting);
    if (!isStored) return { ok: false, refusal: "notStored" };
    return { ok: true, items: frames.map((frame) => this.#itemOf(frame)) };
  }

  async mayAnswer(
    caller: Pick<DeliveryCaller, "gatewayId" | "address">,
    question: DeliveryQuestion,
  ): Promise<boolean> {
    const isSigned = this.#options.signed.isSigned(caller.gatewayId, question);
    if (!isSigned) await this.#strike(caller);
    return isSigned;
  }

  /** A wrong signature: noted, counted like a wrong secret, and answered late where there were many. */
  async #strike(caller: Pick<DeliveryCaller, "gatewayId" | "address">): Promise<void> {
    const { gatewayId, address } = caller;
    this.#options.observer.note("security.deliverySignature", { gateway: gatewayId });
    await delay(this.#logins.strike(gatewayId, address).delayMs);
  }

  #mayBegin(gatewayId: string): boolean {
    const pushes = this.#loads.get(gatewayId)?.pushes ?? 0;
    return pushes < this.#limits.pushesInFlightMax && this.#options.isOpen();
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

  /** `frames`: how many of them are turned away, where that is known. */
  #refuse(
    refusal: DeliveryRefusal,
    caller: Pick<DeliveryCaller, "carrier" | "gatewayId">,
    frames = 1,
  ): Refused {
    this.#note(refusal, caller, frames);
    return { ok: false, refusal };
  }

  /** Once for each frame, for each is an uplink that was refused. */
  #note(
    reason: DeliveryRefusal | "SIZE",
    { carrier, gatewayId }: Pick<DeliveryCaller, "carrier" | "gatewayId">,
    frames: number,
  ): void {
    const event = reason === "unauthorised" ? "delivery.unauthorised" : "delivery.refused";
    const fields = { reason, protocol: carrier, gateway: gatewayId };
    for (let frame = 0; frame < frames; frame += 1) this.#options.observer.note(event, fields);
  }
}
