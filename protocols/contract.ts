/** What every protocol offers: bytes to telegrams and commands to bytes, with no socket and no clock. */
import type { CommandAction } from "#domain/command.ts";
import type { CommandId } from "#domain/ids.ts";
import type { ProtocolName } from "#domain/meter.ts";
import type { MeterFile } from "#domain/meterFile.ts";
import type { QuarantineReason } from "#domain/quarantine.ts";
import type { MeterParameters } from "#domain/parameters.ts";
import type { Result } from "#domain/result.ts";
import type { StatusFlags } from "#domain/status.ts";
import type { Telegram } from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";

/**
 * What could be heard of an uplink that cannot be used: a leak bit must not be lost for a register without digits.
 * It has no time and no register; it may raise an alarm, and it says nothing of a valve.
 */
export interface Heard {
  /** As in a telegram. */
  readonly address: string | null;
  readonly status: StatusFlags;
  /** Noise that looks like a position would end an unsent close: of a refused uplink none is believed. */
  readonly valve: null;
}

/** Expected trouble with bytes, as a value. `reasonOf` maps each to its public quarantine reason. */
export type DecodeFault = Trouble & {
  /** Only where the status was read, in bytes that are otherwise whole. */
  readonly heard?: Heard;
};

type Trouble =
  | { readonly kind: "truncated"; readonly neededBytes: number; readonly availableBytes: number }
  | { readonly kind: "checksumMismatch"; readonly expected: number; readonly actual: number }
  | { readonly kind: "wrongLength"; readonly field: string; readonly atByte: number }
  | { readonly kind: "notBcd"; readonly field: string; readonly atByte: number }
  | { readonly kind: "unexpectedValue"; readonly field: string; readonly atByte: number }
  | { readonly kind: "unsupported"; readonly what: string }
  | { readonly kind: "implausible"; readonly field: string }
  | { readonly kind: "schema"; readonly path: string; readonly problem: string }
  | { readonly kind: "tooDeep"; readonly limit: number }
  | { readonly kind: "notFinite"; readonly path: string }
  | { readonly kind: "illFormedText"; readonly path: string }
  | { readonly kind: "tooLarge"; readonly limitBytes: number }
  /** Ciphered, and no key of this name is on file. */
  | { readonly kind: "keyMissing"; readonly keyName: string }
  /** The tag does not verify: the wrong key, or not what the meter sent. */
  | { readonly kind: "notAuthentic" }
  /** A frame counter below the highest one seen under this key. */
  | { readonly kind: "replayed"; readonly counter: number }
  /** Numbers whose meaning only an earlier word of the gateway gives, and that word was not heard. */
  | { readonly kind: "unexplained"; readonly count: number };

const reasons = {
  truncated: "TRUNCATED",
  checksumMismatch: "CHECKSUM",
  wrongLength: "LENGTH",
  notBcd: "BCD",
  unexpectedValue: "SCHEMA",
  unsupported: "UNSUPPORTED",
  implausible: "PLAUSIBILITY",
  schema: "SCHEMA",
  tooDeep: "DEPTH",
  notFinite: "NONFINITE",
  illFormedText: "ENCODING",
  tooLarge: "SIZE",
  keyMissing: "KEY",
  notAuthentic: "AUTH",
  replayed: "REPLAY",
  unexplained: "BIRTH",
} as const satisfies Record<DecodeFault["kind"], QuarantineReason>;

/** The public reason code of a fault. */
export function reasonOf(fault: DecodeFault): QuarantineReason {
  return reasons[fault.kind];
}

/** One field of a frame with the bytes it came from; bytes `from` up to but not including `to`. */
export interface FieldTrace {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** As a person would write it. */
  readonly value: string;
  readonly unit: string | null;
}

/** Everything an encoder needs to know of a command; there is no action that opens. */
export interface CommandOrder {
  readonly commandId: CommandId;
  readonly action: CommandAction;
  readonly sequence: number;
  readonly issuedAtMs: TimestampMs;
  readonly expiresAtMs: TimestampMs;
  /** With `change_parameters` only. */
  readonly parameters?: MeterParameters | null;
  /** The address for the frame, where the protocol has one. */
  readonly frameAddress: string | null;
}

export type EncodeFault =
  { readonly kind: "noFrameAddress" } | { readonly kind: "unsupported"; readonly what: string };

export interface Protocol {
  readonly name: ProtocolName;
  /** An 8-bit sum lets one random error in 256 through: then the register must witness that the frame is whole. */
  readonly hasWeakChecksum: boolean;
  /** What its status bits mean is the maker's: without a confirmed profile they ring, and close nothing. */
  readonly hasMakersStatus?: boolean;
  /** Bytes of one uplink to a telegram, with what is on file of its meter. Never throws, linear in the bytes. */
  decode(bytes: Uint8Array, file?: MeterFile): Result<Telegram, DecodeFault>;
  /** The same walk for people: every field that could be read, in wire order, and the fault that ended it. */
  explain(
    bytes: Uint8Array,
    file?: MeterFile,
  ): {
    readonly fields: readonly FieldTrace[];
    readonly fault: DecodeFault | null;
  };
  /**
   * The address that stands in clear in a frame, before any key is known; null: none does. It only says which
   * meter's file to open. Absent where `decode` needs no file to find it.
   */
  addressOf?(bytes: Uint8Array): string | null;
  /** Cheap look for an alarm status, for the fast lane: may say yes wrongly, never no wrongly. */
  mayBeUrgent(bytes: Uint8Array): boolean;
  encodeCommand(order: CommandOrder, file?: MeterFile): Result<Uint8Array, EncodeFault>;
  /** Where an uplink has its full meaning only in the order of what its gateway said before. */
  readonly link?: LinkProtocol;
}

/**
 * What is known of the conversation with one gateway: plain JSON that the ledger keeps. `now` changes with nearly
 * every uplink and is small; `births` may be large, and is the same object until a birth or death changes it.
 */
export interface LinkState {
  readonly now: unknown;
  readonly births: unknown;
}

/** Where an uplink of a conversation comes from. */
export interface LinkPlace {
  /** The conversation that it belongs to. */
  readonly key: string;
  /** Who behind the gateway speaks; null: the gateway of itself. */
  readonly name: string | null;
}

/** What an uplink, or the passing of time, means. `ref` is the number of the uplink that said it. */
export type LinkEffect =
  /** What one meter said. An old uplink may come with a later one, for which it had to wait. */
  | {
      readonly kind: "telegram";
      readonly ref: number;
      readonly name: string;
      readonly telegram: Telegram;
    }
  /** The uplink, or a part of it, cannot be used. */
  | {
      readonly kind: "fault";
      readonly ref: number;
      readonly name: string | null;
      readonly fault: DecodeFault;
    }
  /** It is kept in the state until what is missing before it has come. */
  | { readonly kind: "held"; readonly ref: number }
  /** Nothing in it was news. */
  | { readonly kind: "known"; readonly ref: number }
  /** The gateway is to be asked, after the commit, to say everything again. */
  | { readonly kind: "ask"; readonly because: string; readonly bytes: Uint8Array }
  | { readonly kind: "limit"; readonly what: string; readonly max: number };

export interface LinkStep {
  readonly state: LinkState;
  readonly effects: readonly LinkEffect[];
}

/** What is on file of the meter of this name. */
export type FileOfName = (name: string) => MeterFile;

/** A conversation with a gateway, as a pure step: no clock, no broker. */
export interface LinkProtocol {
  /** Nothing has been heard of the gateway. */
  readonly unknown: LinkState;
  /** The gateway that a conversation is with. */
  gatewayOf(key: string): string;
  /** Null: the bytes are no uplink of a conversation. */
  placeOf(bytes: Uint8Array): LinkPlace | null;
  take(
    state: LinkState,
    uplink: { readonly bytes: Uint8Array; readonly ref: number },
    fileOf: FileOfName,
    nowMs: TimestampMs,
  ): LinkStep;
  /** Something waits for what is missing: `tick` wants to be called. */
  isWaiting(state: LinkState): boolean;
  /** Time has passed. */
  tick(state: LinkState, key: string, fileOf: FileOfName, nowMs: TimestampMs): LinkStep;
  /** One uplink once more by what is known now; it changes nothing of the conversation. */
  again(state: LinkState, bytes: Uint8Array, file: MeterFile): Result<Telegram, DecodeFault>;
}
