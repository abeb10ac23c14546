/** DSMR P1 as a protocol: the gas meter's last value, in the telegram of the electricity meter beside it. */
import { fail, ok, type Result } from "#domain/result.ts";
import { emptyReading, type Telegram } from "#domain/telegram.ts";
import {
  endOfGeneralGlo,
  generalGloCiphering,
  openGeneralGlo,
  systemTitleOf,
  type CipherOptions,
  type Opened,
} from "#protocols/codec/security.ts";
import type { DecodeFault, EncodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { gasChannels, liveChannels, type ChannelOptions, type GasChannel } from "./channels.ts";
import {
  checksumFault,
  explainTelegram,
  readTelegrams,
  telegramsMax,
  tooManyTelegrams,
  type P1Telegram,
} from "./telegram.ts";

/** What is on file of a meter; channel or equipment id are needed where one telegram has several gas meters. */
export interface DsmrOptions extends CipherOptions, ChannelOptions {
  readonly equipmentId?: string | undefined;
}

/** A telegram with what stays on file of its envelope. */
export interface DsmrDecoded {
  readonly telegram: Telegram;
  /** null: it was not ciphered. */
  readonly cipher: Pick<Opened, "systemTitle" | "invocationCounter" | "isRepeat"> | null;
}

/** DSMR P1, versions 2.2 to 5, Belgian and Luxembourgish telegrams. The port only speaks. */
export const dsmrProtocol = {
  name: "dsmr",
  // Versions 2.2 and 3.0 have none at all: the register must witness that a telegram is whole.
  hasWeakChecksum: true,
  decode(bytes: Uint8Array, options: DsmrOptions = {}): Result<Telegram, DecodeFault> {
    const decoded = decodeDsmr(bytes, options);
    return decoded.ok ? ok(withLearned(decoded.value)) : decoded;
  },
  explain(bytes: Uint8Array, options: DsmrOptions = {}) {
    const fields: FieldTrace[] = [];
    const decoded = decodeDsmr(bytes, options, fields);
    const inWireOrder = fields.toSorted((a, b) => a.from - b.from);
    return { fields: inWireOrder, fault: decoded.ok ? null : decoded.fault };
  },
  // A telegram has no status word: gas that flows out, or the valve, is never told this way.
  mayBeUrgent: (_bytes: Uint8Array): boolean => false,
  encodeCommand: (): Result<Uint8Array, EncodeFault> =>
    fail({ kind: "unsupported", what: "the P1 port takes no commands" }),
  /** The system title of a ciphered telegram; the gas meter's equipment identifier in the clear. */
  addressOf(bytes: Uint8Array): string | null {
    if (bytes[0] === generalGloCiphering) return systemTitleOf(bytes);
    const decoded = decodeDsmr(bytes);
    return decoded.ok ? decoded.value.telegram.address : null;
  },
} as const satisfies Protocol;

function withLearned({ telegram, cipher }: DsmrDecoded): Telegram {
  if (cipher === null) return telegram;
  return { ...telegram, learned: { invocationCounter: cipher.invocationCounter } };
}

/** One payload, plain or ciphered, with the counter to keep. */
export function decodeDsmr(
  bytes: Uint8Array,
  options: DsmrOptions = {},
  trace: FieldTrace[] | null = null,
): Result<DsmrDecoded, DecodeFault> {
  if (bytes[0] === generalGloCiphering) return decodeCiphered(bytes, options, trace);
  // A meter with a key ciphers; in the clear anybody could speak in its name.
  if (options.key !== undefined && options.allowPlain !== true)
    return fail({ kind: "notAuthentic" });
  const telegram = readPayload(bytes, 0, options, checksumFault, trace);
  return telegram.ok ? ok({ telegram: telegram.value, cipher: null }) : telegram;
}

/** One ciphered telegram, or several that arrived together: those that are authentic count. */
function decodeCiphered(
  bytes: Uint8Array,
  options: DsmrOptions,
  trace: FieldTrace[] | null,
): Result<DsmrDecoded, DecodeFault> {
  const whole: Telegram[] = [];
  let cipher: DsmrDecoded["cipher"] = null;
  let firstFault: DecodeFault | null = null;
  const spans = frameSpans(bytes);
  if (spans.length > telegramsMax) return fail(tooManyTelegrams);
  for (const [from, to] of spans) {
    const invocationCounterSeen = cipher?.invocationCounter ?? options.invocationCounterSeen;
    const seen = { ...options, invocationCounterSeen };
    const opened = decodeFrame(bytes.subarray(from, to), from, seen, trace);
    if (opened.ok) {
      whole.push(opened.value.telegram);
      cipher = opened.value.cipher;
    } else firstFault ??= opened.fault;
  }
  const telegram = joined(whole);
  if (telegram !== undefined) return ok({ telegram, cipher });
  return fail(firstFault ?? { kind: "truncated", neededBytes: 1, availableBytes: 0 });
}

/** Where ciphered telegrams stand; what is cut, or is none, is the last of them. */
function frameSpans(bytes: Uint8Array): readonly (readonly [from: number, to: number])[] {
  const spans: (readonly [number, number])[] = [];
  let from = 0;
  while (from < bytes.length) {
    const to = endOfGeneralGlo(bytes, from);
    const isLast = to > bytes.length || spans.length === telegramsMax;
    spans.push([from, isLast ? bytes.length : to]);
    from = isLast ? bytes.length : to;
  }
  return spans;
}

function decodeFrame(
  frame: Uint8Array,
  from: number,
  options: DsmrOptions,
  trace: FieldTrace[] | null,
): Result<DsmrDecoded, DecodeFault> {
  const head: FieldTrace[] = [];
  const opened = openGeneralGlo(frame, options, head);
  for (const line of head) trace?.push({ ...line, from: line.from + from, to: line.to + from });
  if (!opened.ok) return opened;
  const { plaintext, payloadAt, systemTitle, invocationCounter, isRepeat } = opened.value;
  // The tag says more than the checksum inside, which some meters leave wrong.
  const telegram = readPayload(plaintext, payloadAt + from, options, () => null, trace);
  if (!telegram.ok) return telegram;
  const cipher = { systemTitle, invocationCounter, isRepeat };
  return ok({ telegram: telegram.value, cipher });
}

type Check = (telegram: P1Telegram) => DecodeFault | null;

/** One telegram, or several that arrived together: those that are whole count. */
function readPayload(
  bytes: Uint8Array,
  shift: number,
  options: DsmrOptions,
  check: Check,
  trace: FieldTrace[] | null,
): Result<Telegram, DecodeFault> {
  const whole: Telegram[] = [];
  let firstFault: DecodeFault | null = null;
  for (const read of readTelegrams(bytes)) {
    if (read.ok && trace !== null) explainTelegram(read.value, shift, trace);
    const meant = read.ok ? meaningOf(read.value, options, check) : read;
    if (meant.ok) whole.push(meant.value);
    else firstFault ??= meant.fault;
  }
  const telegram = joined(whole);
  if (telegram !== undefined) return ok(telegram);
  return fail(firstFault ?? { kind: "truncated", neededBytes: 1, availableBytes: 0 });
}

/** The readings of the meter that spoke last; undefined: nobody spoke. */
function joined(whole: readonly Telegram[]): Telegram | undefined {
  const last = whole.at(-1);
  if (last === undefined) return undefined;
  const ofSameMeter = whole.filter(({ address }) => address === last.address);
  return { ...last, readings: ofSameMeter.flatMap(({ readings }) => readings) };
}

function meaningOf(
  read: P1Telegram,
  options: DsmrOptions,
  check: Check,
): Result<Telegram, DecodeFault> {
  const fault = check(read);
  if (fault !== null) return fail(fault);
  const channels = gasChannels(read.objects, options);
  if (!channels.ok) return channels;
  const chosen = choose(channels.value, options);
  if (!chosen.ok) return chosen;
  return ok(telegramOf(chosen.value));
}

/** Registers of two meters must never become one history: who they belong to is not ours to guess. */
function choose(
  channels: readonly GasChannel[],
  { gasChannel, equipmentId }: DsmrOptions,
): Result<GasChannel | undefined, DecodeFault> {
  const named = channels.filter(
    (gas) =>
      (gasChannel === undefined || gas.channel === gasChannel) &&
      (equipmentId === undefined || gas.equipmentId === equipmentId),
  );
  const live = liveChannels(named);
  if (live.length <= 1) return ok(live[0]);
  const list = live.map(({ channel }) => channel).join(" and ");
  return fail({ kind: "unsupported", what: `gas meters on channels ${list}, and none is named` });
}

/** A telegram without a gas meter says nothing, and nothing is wrong with it. */
function telegramOf(gas: GasChannel | undefined): Telegram {
  if (gas === undefined) return { address: null, frameId: null, readings: [], replies: [] };
  const { equipmentId, measuredAtMs, volume, valve } = gas;
  const reading = { ...emptyReading, measuredAtMs, volume, valve };
  return { address: equipmentId, frameId: null, readings: [reading], replies: [] };
}
