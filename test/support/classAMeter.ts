/**
 * A gas meter on LoRaWAN and the network server between it and us: the server keeps what we send until the meter
 * speaks, and then it is heard for a moment. The meter counts how often its valve moved.
 */
import type { MqttClient } from "mqtt";
import { emptyReading, type DecodedReading } from "#domain/telegram.ts";
import { minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import { decodeCjt188Request } from "#protocols/cjt188/requests.ts";
import { encodeMeteringAnswer, encodeValveAnswer } from "#protocols/cjt188/uplink.ts";
import { chirpstackUp } from "./envelopes.ts";

interface NetworkDownlink {
  readonly devEui: string;
  readonly fPort: number;
  readonly confirmed: boolean;
  readonly data: string;
  readonly expiresAt: string;
}

export interface ClassAMeterOptions {
  /** Logged in as the gateway that stands for the network server. */
  readonly client: MqttClient;
  readonly gatewayId: string;
  readonly meterId: string;
  readonly devEui: string;
  readonly frameAddress: string;
  /** The instant of minute 0 by the meter's clock. */
  readonly startMs: number;
}

export class ClassAMeter {
  movements = 0;
  isClosed = false;
  /** What the network server keeps for the meter. */
  readonly queue: NetworkDownlink[] = [];
  readonly #options: ClassAMeterOptions;
  #deliveries = 0;
  #answer: Uint8Array | null = null;

  constructor(options: ClassAMeterOptions) {
    this.#options = options;
    const { client, gatewayId, meterId } = options;
    client.on("message", (topic, text) => {
      if (topic !== `gateways/${gatewayId}/down/chirpstack/${meterId}`) return;
      this.queue.push(JSON.parse(text.toString()) as NetworkDownlink);
    });
  }

  async listen(): Promise<void> {
    const { client, gatewayId, meterId } = this.#options;
    await client.subscribeAsync(`gateways/${gatewayId}/down/chirpstack/${meterId}`, { qos: 1 });
  }

  /** The meter wakes, reports, and hears what the network server had for it before. */
  async wake(minute: number, cubicMetres: number, status = 0): Promise<void> {
    const kept = this.queue.splice(0);
    const { frameAddress: address } = this.#options;
    const reading = this.#reading(minute, cubicMetres, status);
    await this.#send(this.#answer ?? encodeMeteringAnswer({ address, sequence: 0 }, reading));
    this.#answer = null;
    for (const downlink of kept) this.#receive(downlink, reading);
  }

  #reading(minute: number, cubicMetres: number, status: number): DecodedReading {
    const count = Math.round(cubicMetres * 100);
    return {
      ...emptyReading,
      measuredAtMs: timestampMs(this.#options.startMs + minute * minuteMs),
      volume: { ml: volumeMl(count * 10_000), count, exponent: -2 },
      valve: this.isClosed ? "closed" : "open",
      status,
    };
  }

  #receive({ devEui, fPort, data }: NetworkDownlink, reading: DecodedReading): void {
    if (devEui !== this.#options.devEui || fPort !== 2) return;
    const request = decodeCjt188Request(Buffer.from(data, "base64"));
    if (!request.ok || request.value.kind !== "valve") return;
    const { address, operation, sequence } = request.value;
    if (address !== this.#options.frameAddress || operation !== "close") return;
    // The answer tells the position before the motor has moved.
    this.#answer = encodeValveAnswer({ address, sequence }, reading);
    if (!this.isClosed) this.movements += 1;
    this.isClosed = true;
  }

  async #send(frame: Uint8Array): Promise<void> {
    const { client, gatewayId, devEui } = this.#options;
    this.#deliveries += 1;
    const text = chirpstackUp({
      frame,
      address: devEui,
      deliveryId: `delivery-${this.#deliveries}`,
    });
    await client.publishAsync(`gateways/${gatewayId}/up/chirpstack`, text, { qos: 1 });
  }
}
