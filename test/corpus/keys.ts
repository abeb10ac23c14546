/** Keys of a row as a decoder takes them, and the same frame under a key that is not its own. */
import type { Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import type { Row } from "./rows.ts";
import type { Apart, Judgement } from "./verdict.ts";

/** What a row has on file of its meter. */
export interface RowKeys {
  readonly key?: Uint8Array | undefined;
  readonly authKey?: Uint8Array | undefined;
  readonly systemTitle?: Uint8Array | undefined;
  readonly iv?: Uint8Array | undefined;
}

export function keysOf({ key, authKey, systemTitle, iv }: Row): RowKeys {
  const bytes = (hex: string | null | undefined) =>
    typeof hex === "string" && hex !== "" ? bytesOfHex(hex) : undefined;
  return {
    key: bytes(key),
    authKey: bytes(authKey),
    systemTitle: bytes(systemTitle),
    iv: bytes(iv),
  };
}

/**
 * A frame that was opened with its key: is it refused under another, and not for another reason? null: it has no
 * key, or can be read without one, for it was sent in clear.
 */
export function underAnotherKey<Keys extends RowKeys>(
  keys: Keys,
  decode: (keys: Keys) => Result<unknown, DecodeFault>,
): Judgement["keyed"] {
  if (keys.key === undefined) return null;
  if (decode({ ...keys, key: undefined }).ok) return null;
  const other = decode({ ...keys, key: keys.key.map((byte) => byte ^ 0x5a) });
  return {
    isOpened: decode(keys).ok,
    isRefusedUnderAnother: !other.ok && other.fault.kind === "notAuthentic",
  };
}

/** Keys, and the switches of meters that work against the standard or are believed in plain. */
export interface CipherKeys extends RowKeys {
  readonly emptyAad?: boolean | undefined;
  readonly allowPlain?: boolean | undefined;
}

const switches = [
  {
    on: { emptyAad: true },
    reason: "its tag verifies with empty additional data only: the switch of such a meter",
  },
  {
    on: { allowPlain: true },
    reason: "sent in plain, with a key beside it: believed with that switch only",
  },
] as const;

/** What opens a row: by the standard, else with a switch, which is then counted apart. */
export function cipherOf(
  row: Row,
  decode: (keys: CipherKeys) => Result<unknown, DecodeFault>,
): { readonly options: CipherKeys; readonly apart: readonly Apart[] } {
  const options: CipherKeys = keysOf(row);
  const isClosed = (keys: CipherKeys) => {
    const decoded = decode(keys);
    return !decoded.ok && ["notAuthentic", "keyMissing"].includes(decoded.fault.kind);
  };
  if (options.key === undefined || !isClosed(options)) return { options, apart: [] };
  const opening = switches.find(({ on }) => !isClosed({ ...options, ...on }));
  if (opening === undefined) return { options, apart: [] };
  const { on, reason } = opening;
  return { options: { ...options, ...on }, apart: [{ where: "frame", reason }] };
}
