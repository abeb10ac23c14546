/** LwM2M as a protocol: objects of a meter in, and the maker's own frames out through object 19. */
import { hasStatus, urgentStatus } from "#domain/status.ts";
import { fail, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { decodeRecords, guessEncoding, type Encoding } from "./decode.ts";
import { containerResources, omaObjects, type ObjectTable } from "./objects.ts";
import { parsePath, type PathPrefix } from "./path.ts";
import { telegramOf } from "./telegram.ts";
import { writeResource } from "./tlv.ts";

/** What the carrier of a payload knows of it; what is left out is guessed or unknown. */
export interface Lwm2mCarrier {
  /** By the content format of the message. */
  readonly encoding?: Encoding | undefined;
  /** Where the bytes were read from or reported for: `/3/0`. TLV cannot be read without it. */
  readonly path?: string | undefined;
  readonly receivedAtMs?: TimestampMs | undefined;
  /** Objects of a meter model, beside those of the registry. */
  readonly objects?: ObjectTable | undefined;
  /** The protocol of the frames in object 19. */
  readonly inner?: Pick<Protocol, "decode" | "encodeCommand" | "hasWeakChecksum"> | undefined;
}

const nowhere: PathPrefix = { object: null, instance: null, resource: null, item: null };

/** LwM2M as one carrier brings it. */
export function lwm2mOver(carrier: Lwm2mCarrier) {
  const { inner } = carrier;
  const objects = { ...omaObjects, ...carrier.objects };
  const receivedAtMs = carrier.receivedAtMs ?? null;
  const decodeInner = inner === undefined ? null : (bytes: Uint8Array) => inner.decode(bytes);
  const readAt = (
    bytes: Uint8Array,
    place: string | undefined,
    trace: FieldTrace[] | null,
  ): Result<Telegram, DecodeFault> => {
    const context = { path: parsePath(place ?? "") ?? nowhere, objects, receivedAtMs };
    const encoding = carrier.encoding ?? guessEncoding(bytes, context);
    const records = decodeRecords(bytes, encoding, context, trace);
    return records.ok ? telegramOf(records.value, decodeInner) : records;
  };
  const read = (bytes: Uint8Array, trace: FieldTrace[] | null) =>
    readAt(bytes, carrier.path, trace);
  return {
    name: "lwm2m",
    hasWeakChecksum: inner?.hasWeakChecksum ?? false,
    decode: (bytes) => read(bytes, null),
    explain(bytes) {
      const fields: FieldTrace[] = [];
      const telegram = read(bytes, fields);
      return { fields, fault: telegram.ok ? null : telegram.fault };
    },
    /** The status may stand anywhere, so the cheap look is a whole one, at every place that it may be of. */
    mayBeUrgent(bytes) {
      const isUnplaced = carrier.path === undefined && carrier.encoding === undefined;
      const isNamed = guessEncoding(bytes) !== "tlv";
      const places = isUnplaced && !isNamed ? urgentPlaces : [carrier.path];
      return places.some((place) => isUrgent(readAt(bytes, place, null)));
    },
    /** No object of the registry closes a valve: the maker's frame does, written to /19/1/0. */
    encodeCommand: (order) =>
      inner === undefined
        ? fail({ kind: "unsupported", what: "a valve without a vendor frame" })
        : inner.encodeCommand(order),
  } as const satisfies Omit<Protocol, "name"> & { readonly name: string };
}

/** Where a command is written, as carriers name it. */
export const commandPath = "/19/1/0";

/** A maker's frame as it is written to `commandPath`: as it is, or as an item of TLV. */
export function encodeContainer(frame: Uint8Array, encoding: "opaque" | "tlv"): Uint8Array {
  return encoding === "opaque" ? frame : writeResource(containerResources.data, frame);
}

/** LwM2M from a carrier that says nothing: SenML, which names its paths itself. */
export const lwm2mProtocol = lwm2mOver({});

/** Where bytes without a path may be of, when they may hold an alarm or an answer. */
const urgentPlaces = ["", "/3423", "/3423/0", "/19/0", "/19/0/0"];

function isUrgent(read: Result<Telegram, DecodeFault>): boolean {
  if (!read.ok) return hasStatus(read.fault.heard?.status ?? 0, urgentStatus);
  const { readings, replies } = read.value;
  if (replies.length > 0) return true;
  return readings.some(({ status }) => status !== null && hasStatus(status, urgentStatus));
}
