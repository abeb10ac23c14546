/**
 * What is on file of a meter: everything beyond the bytes that a decoder or encoder may need. It is put together
 * from the keys in the vault, the profile of the meter's model, and what earlier uplinks taught. Plain data.
 */
import type { ProtocolName } from "./meter.ts";
import type { EdgeClose, EdgeMeaning } from "./edgeTable.ts";
import type { StatusFlags, StatusName } from "./status.ts";
import type { ValvePosition } from "./telegram.ts";
import type { TimestampMs } from "./units.ts";

/** Keys of one meter, 16 bytes each; they never leave the process. */
export interface MeterKeys {
  /** Encryption. */
  readonly key?: Uint8Array | undefined;
  /** Authentication (DLMS, wireless M-Bus), where it is another one. */
  readonly authKey?: Uint8Array | undefined;
}

/** Where a meter's status bytes say what, as data: the standards leave most of these bits to the makers. */
export interface StatusMap {
  /** The bits that hold the valve, and what their values mean; a value that is not listed is `unknown`. */
  readonly valve: {
    readonly byte: number;
    readonly mask: number;
    /** By the value of `byte & mask`, in decimal. */
    readonly positions: Readonly<Record<string, ValvePosition>>;
  } | null;
  readonly bits: readonly {
    readonly byte: number;
    readonly bit: number;
    readonly status: StatusName;
  }[];
}

/** Switches between the dialects of a standard; what a model does not say has the standard's meaning. */
export interface Dialect {
  /** CJ/T 188, CAT-1, M-Bus: what the maker's status bits mean. */
  readonly statusMap?: StatusMap | undefined;
  /** CJ/T 188: how this model is told to move its valve. */
  readonly valveDialect?: "standard" | "control2a" | "nonForced" | "twoByte" | undefined;
  /** CJ/T 188: order of the two bytes of the data identifier in what is sent to the meter. */
  readonly diOrder?: "di0First" | "di1First" | undefined;
  /** CJ/T 188: valve frames may carry the broadcast address, for the link leads to this one meter. */
  readonly broadcastValve?: "linkOfOneMeter" | undefined;
  /** CJ/T 188, CAT-1: T of what is sent to the meter; absent: gas. */
  readonly meterType?: number | undefined;
  /** Which volume is the register: at measurement conditions, or converted by the meter. Never mixed. */
  readonly volumeAt?: "measurement" | "base" | undefined;
  /** M-Bus: how far east of UTC the meter's clock stands in winter; absent: its times are not used. */
  readonly clockOffsetMs?: number | undefined;
  /** M-Bus: a companion standard that gives further records a meaning. */
  readonly companion?: "dsmrP2" | undefined;
  /** Wireless M-Bus: what the receiver does with block checksums. */
  readonly checksums?: "required" | "absent" | undefined;
  /** M-Bus: the initialisation vector in place of the one that follows from the address, 16 bytes. */
  readonly iv?: Uint8Array | undefined;
  /** Frames without a cipher are believed although a key is on file. */
  readonly allowPlain?: boolean | undefined;
  /** DLMS, DSMR: 8 bytes, for frames that do not carry their own. */
  readonly systemTitle?: Uint8Array | undefined;
  /** DLMS: the additional data of GCM are empty, against the standard. */
  readonly emptyAad?: boolean | undefined;
  /** DLMS: the register that counts, as C.D.E. */
  readonly volumeRegister?: string | undefined;
  /** DLMS: scaler and unit by C.D.E, for models that push registers without them. */
  readonly scalers?: Readonly<Record<string, { scaler: number; unit: number }>> | undefined;
  /** DLMS: the objects of a list, or the columns of a buffer, that come without names; null: means nothing. */
  readonly objectList?: readonly (string | null)[] | undefined;
  /** DLMS: how far the rows of a buffer are apart, where a push does not say. */
  readonly capturePeriodSeconds?: number | undefined;
  /** DLMS: minutes east of UTC, without summer time, for clocks that leave their deviation out. */
  readonly offsetMinutes?: number | undefined;
  /** DLMS: the deviation is written with the opposite sign. */
  readonly isDeviationInverted?: boolean | undefined;
  /** DSMR, DLMS: the M-Bus channel of the gas meter, where there is more than one. */
  readonly gasChannel?: number | undefined;
  /** DSMR: the gas meter's equipment id, where a telegram has more than one. */
  readonly equipmentId?: string | undefined;
  /** LwM2M: where the bytes stand in the tree of objects, for encodings that do not say: `/19/0/0`. */
  readonly resourcePath?: string | undefined;
  /** LwM2M: how the bytes are encoded, where they do not show it. */
  readonly resourceEncoding?:
    "text" | "opaque" | "cbor" | "senmlJson" | "senmlCbor" | "tlv" | "json" | undefined;
  /** LwM2M: the protocol of the frames that object 19 carries. */
  readonly inner?: ProtocolName | undefined;
  /** Sparkplug B: what the metrics mean, by their names. */
  readonly metrics?: Readonly<Record<string, EdgeMeaning>> | undefined;
  /** Sparkplug B: the metric that closes the valve, and the value to write. */
  readonly closeMetric?: EdgeClose | undefined;
}

/** What a decoder wants to be remembered of a meter. */
export interface Learned {
  /** The highest invocation counter that was authentic (DLMS, DSMR). */
  readonly invocationCounter?: number | undefined;
  /** The highest message counter that was authentic (wireless M-Bus). */
  readonly messageCounter?: number | undefined;
  /** Record heads of full frames by their signature, for compact frames (wireless M-Bus). */
  readonly formats?: Readonly<Record<string, string>> | undefined;
  /** What each status metric said last and when: only what changes is reported (Sparkplug B). */
  readonly levels?: StatusLevels | undefined;
}

/** Status flags by metric, each with the time of its value. */
export type StatusLevels = Readonly<
  Record<string, { readonly flags: StatusFlags; readonly atMs: number }>
>;

/** The three together, as a decoder takes them. */
export interface MeterFile extends MeterKeys, Dialect {
  /** What the meter's model can be told to do; absent: whatever its protocol can carry. */
  readonly functions?: readonly string[] | undefined;
  /** Movements that the model's valve is made for. */
  readonly actuationsRated?: number | null | undefined;
  /** The status map was held against the maker's document. */
  readonly isConfirmed?: boolean | undefined;
  /** When the uplink arrived, for times that are said relative to it (LwM2M). */
  readonly receivedAtMs?: TimestampMs | undefined;
  readonly invocationCounterSeen?: number | undefined;
  readonly messageCounterSeen?: number | undefined;
  readonly formats?: Readonly<Record<string, string>> | undefined;
  readonly levels?: StatusLevels | undefined;
}

/** Nothing is on file: the standard as it is. */
export const emptyMeterFile: MeterFile = Object.freeze({});

/** Formats that are remembered of one meter; a model has two or three. */
const formatsMax = 8;

/** The file with what earlier uplinks taught. */
export function withLearned(file: MeterFile, learned: Learned | null): MeterFile {
  if (learned === null) return file;
  const { invocationCounter, messageCounter, formats, levels } = learned;
  return {
    ...file,
    ...(invocationCounter === undefined ? {} : { invocationCounterSeen: invocationCounter }),
    ...(messageCounter === undefined ? {} : { messageCounterSeen: messageCounter }),
    ...(formats === undefined ? {} : { formats }),
    ...(levels === undefined ? {} : { levels }),
  };
}

/** Counters belong to a key: another key, or another module, begins to count anew. Formats are the model's. */
export function withoutCounters(learned: Learned | null): Learned | null {
  return learned?.formats === undefined ? null : { formats: learned.formats };
}

/** What is known after an uplink: counters only rise, and the newest formats stay. */
export function learnedAfter(before: Learned | null, now: Learned | undefined): Learned | null {
  if (now === undefined) return before;
  const formats = { ...before?.formats, ...now.formats };
  const names = Object.keys(formats);
  const kept = names.slice(-formatsMax).map((name) => [name, formats[name] ?? ""] as const);
  return {
    ...before,
    ...highest("invocationCounter", before, now),
    ...highest("messageCounter", before, now),
    ...(names.length === 0 ? {} : { formats: Object.fromEntries(kept) }),
    ...(now.levels === undefined ? {} : { levels: now.levels }),
  };
}

function highest(
  name: "invocationCounter" | "messageCounter",
  before: Learned | null,
  now: Learned,
): Learned {
  const values = [before?.[name], now[name]].filter((value) => value !== undefined);
  return values.length === 0 ? {} : { [name]: Math.max(...values) };
}
