/** Envelopes as the platforms send them, written without the carriers that open them. */

export interface Wrapping {
  readonly frame: Uint8Array;
  /** IMEI, or for ChirpStack the devEUI. */
  readonly address: string;
  readonly deliveryId?: string;
}

function base64(frame: Uint8Array): string {
  return Buffer.from(frame).toString("base64");
}

function hexOf(frame: Uint8Array): string {
  return Buffer.from(frame).toString("hex").toUpperCase();
}

/** What the subscription of CTWing AEP pushes. */
export function ctwingPush({ frame, address }: Wrapping): string {
  return JSON.stringify({
    upPacketSN: -1,
    upDataSN: -1,
    topic: "v1/up/ad",
    timestamp: 1_795_305_612_345,
    tenantId: "2000000001",
    serviceId: "",
    protocol: "lwm2m",
    productId: "15000001",
    payload: { APPdata: base64(frame) },
    messageType: "dataReport",
    deviceId: "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    IMSI: "undefined",
    IMEI: address,
  });
}

/** The message inside OneNET's push, which is what it signs. */
export function onenetMessage({ frame, address }: Wrapping): string {
  return JSON.stringify({
    projectId: "990000001",
    productId: "00001",
    deviceName: "gas-0042",
    messageType: "notify",
    notifyType: "property",
    imei: address,
    data: { id: "12345", params: { "19_0_0": { time: 1_795_305_612_000, value: hexOf(frame) } } },
  });
}

/** OneNET's push. */
export function onenetPush(msg: string, signature = "", deliveryId = "3799902"): string {
  return JSON.stringify({
    msg,
    nonce: "abcdefgh",
    signature,
    time: 1_795_305_613_000,
    id: deliveryId,
  });
}

/** ChirpStack's event `up`. */
export function chirpstackUp({ frame, address, deliveryId = "3ac7e3c4" }: Wrapping): string {
  return JSON.stringify({
    deduplicationId: deliveryId,
    time: "2026-11-22T00:00:12.345678901+00:00",
    deviceInfo: { tenantId: "52f14cd4", deviceName: "0042", devEui: address, tags: { a: "b" } },
    devAddr: "00189440",
    adr: true,
    dr: 1,
    fCnt: 4_711,
    fPort: 2,
    confirmed: false,
    data: base64(frame),
    object: null,
    rxInfo: [{ gatewayId: "0016c001f153a14c", rssi: -96, snr: 7.8, location: { latitude: 30.01 } }],
    joinServerContext: null,
  });
}

/** The plain envelope of a gateway. */
export function gatewayPush(...frames: readonly object[]): string {
  return JSON.stringify({ v: 1, frames });
}

/** A frame as the plain envelope carries it. */
export function hexFrame(frame: Uint8Array, named: object = {}): object {
  return { ...named, hex: hexOf(frame) };
}
