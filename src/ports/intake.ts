/** The seam between the listeners and the engine's queue on the main thread. */
import type { CommandId } from "#domain/ids.ts";
import type { Meter, ProtocolName } from "#domain/meter.ts";
import type { UplinkName } from "#domain/platform.ts";
import type { UplinkRoute } from "./ledger.ts";

/** What the listener could see in an envelope, to sort it; the engine opens it again and decides. */
export interface CarriedFrame {
  /** null: no meter that this gateway speaks for. */
  readonly meterNo: number | null;
  readonly protocol: ProtocolName | null;
  readonly bytes: Uint8Array | null;
}

/** Bytes as they arrived, with who sent them; identity comes from the credential. */
export interface Uplink {
  /** null: a gateway's frame whose address names the meter. */
  readonly meterNo: number | null;
  readonly route: UplinkRoute;
  /** A protocol, or the carrier whose envelope the bytes are. */
  readonly protocol: UplinkName;
  readonly bytes: Uint8Array;
  /** Only with a carrier. */
  readonly carried?: CarriedFrame;
  readonly receivedAtMs: number;
  /** The meter can be sent a command at this moment. */
  readonly reachable: boolean;
}

/** Called once: after the commit (null), or with the reason why there is none. */
export type Committed = (
  failure: "store-failed" | "disk-low" | "overloaded" | "stopping" | null,
) => void;

/**
 * `delivered`: the session confirmed it. `undelivered`: it never left. `unconfirmed`: it left and nothing came
 * back, so the meter may have it; only its own report can tell.
 */
export type DownlinkOutcome = "delivered" | "undelivered" | "unconfirmed";

export interface UplinkQueue {
  /** Takes ownership of the bytes. The callback decides the acknowledgement. */
  offer(uplink: Uplink, committed: Committed): void;
  /** A meter listens now (it connected and subscribed): waiting commands may leave. */
  contact(meterNo: number): void;
  /** What became of a command that the engine handed over. */
  downlinkOutcome(commandId: CommandId, outcome: DownlinkOutcome): void;
  /** True: nothing but single frames of idle meters should be read for now. */
  readonly isFull: boolean;
}

/** A command on its way, already recorded as sent. */
export interface Downlink {
  readonly commandId: CommandId;
  readonly meterNo: number;
  readonly protocol: ProtocolName;
  readonly bytes: Uint8Array;
  readonly expiresAtMs: number;
}

/** What the engine has for a gateway that speaks for its meters in a conversation, besides their commands. */
export type LinkNote =
  /** It is asked to say everything again; the bytes name their own topic. */
  | {
      readonly kind: "ask";
      readonly gateway: string;
      readonly because: string;
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: "limit";
      readonly gateway: string;
      readonly what: string;
      readonly max: number;
    };

/** Carries encoded commands to whatever session the meter has. */
export interface DownlinkCarrier {
  send(downlink: Downlink): void;
  /** Asks a gateway, at once or never: nothing waits for it, and it is asked again when there is a reason again. */
  ask(gateway: string, bytes: Uint8Array): void;
}

/** A live session that listens for one meter's commands. */
export interface CommandListener {
  /** Writes the command; `ended` is called once: true when it arrived, false when the session ended before. */
  carry(
    command: { readonly bytes: Uint8Array; readonly expiresAtMs: number },
    ended: (delivered: boolean) => void,
  ): void;
  /** A platform is between us and the meter: a command leaves only when the meter has just been heard. */
  readonly isHeardFirst: boolean;
}

/** The sessions that listen now: the meter's own before its gateway's, the newest first. */
export interface CommandListeners {
  /** Also those that wrap the frame in a platform's envelope, whatever the protocol. */
  find(meterNo: number, protocol: ProtocolName): CommandListener | undefined;
}

/** The sessions of gateways that listen for what is asked of the gateway itself. */
export interface GatewayListeners {
  findGateway(gateway: string): CommandListener | undefined;
}

/** The registry as the listeners see it, kept current by the engine's commits. */
export interface IntakeDirectory {
  meterById(id: string): Meter | undefined;
  meterByNo(no: number): Meter | undefined;
  meterByFrameAddress(address: string): Meter | undefined;
  /** By the name under which a platform carries it, lower case. */
  meterByCarrierAddress(address: string): Meter | undefined;
  /** Credentials of a user name: keyed hashes. Empty: unknown. */
  secretHashes(
    username: string,
  ): readonly { readonly kind: "meter" | "gateway"; readonly secretHash: string }[];
  /** Meters that may be reported through a gateway; undefined: no such gateway. */
  gatewayMeters(gatewayId: string): ReadonlySet<string> | undefined;
}

/** How one standard's frames stand in a stream of bytes, and how an exchange ends; given by the standard. */
export interface StreamDialect {
  readonly protocol: ProtocolName;
  /** No frame is longer, so no more is kept of one that has begun. */
  readonly frameBytesMax: number;
  /** Whole frames and the noise between them, and what may be the beginning of another frame. */
  split(
    buffer: Uint8Array,
    /** Nothing more will come. */
    isEnded: boolean,
  ): {
    readonly parts: readonly { readonly kind: "frame" | "noise"; readonly bytes: Uint8Array }[];
    readonly rest: Uint8Array;
  };
  /** What of some noise may have been a frame; null: nothing. */
  damaged(noise: Uint8Array): Uint8Array | null;
  /** Whose frame it is, by its address; null: it cannot be read. */
  addressOf(frame: Uint8Array): string | null;
  /** What the meter waits for when its frame is stored, telling it to sleep; null: nothing. */
  answer(frame: Uint8Array): Uint8Array | null;
}
