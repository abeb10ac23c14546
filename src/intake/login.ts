/** Judges a CONNECT: who it is (by the credential alone), and whether what it asks for may be granted. */
import type { KeyObject } from "node:crypto";
import type { IntakeDirectory } from "#ports/intake.ts";
import { parseMeterId } from "#domain/ids.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { MqttLimits } from "./limits.ts";
import { isNodeDeath } from "./edgeTopics.ts";
import { uplinkPlace, type Identity } from "./ownership.ts";
import { hashSecret, sameHash } from "./secrets.ts";
import type { Login } from "./session.ts";

/** What a CONNECT says, and what the transport knows. */
export interface LoginRequest {
  readonly username: string;
  readonly secret: Uint8Array | undefined;
  readonly clientId: string;
  readonly keepAliveSeconds: number;
  readonly will: { readonly topic: string; readonly retain: boolean } | null;
  /** Common name of a client certificate that our authority signed. */
  readonly certificateName: string | null;
}

export type LoginFault = "CREDENTIAL" | "LOCKED" | "CLIENT_ID" | "KEEP_ALIVE" | "WILL";

/** CONNACK return codes of MQTT 3.1.1, 3.2.2.3. A wrong name, a wrong secret and a locked name look alike. */
export const returnCodes = {
  CLIENT_ID: 2,
  CREDENTIAL: 4,
  LOCKED: 4,
  KEEP_ALIVE: 5,
  WILL: 5,
} as const satisfies Record<LoginFault, number>;

/** `/` and a suffix that tells one session of a credential from the next. */
const suffixPattern = /^\/[0-9A-Za-z_-]{1,32}$/;
/** Compared with when there is no such user name, so that it takes as long as a wrong secret. */
const nobody = [{ kind: "meter", secretHash: "0".repeat(64) }] as const;

export function isUsername(text: string): boolean {
  return parseMeterId(text) !== undefined;
}

/** The credential that matches, or undefined. */
export function findLogin(
  request: LoginRequest,
  pepper: KeyObject,
  directory: IntakeDirectory,
): Login | undefined {
  const { username, clientId } = request;
  const known = isUsername(username) ? directory.secretHashes(username) : [];
  const offered = hashSecret(pepper, request.secret ?? "");
  let match: Login | undefined;
  for (const { kind, secretHash } of known.length > 0 ? known : nobody) {
    if (sameHash(offered, secretHash) && known.length > 0) {
      match = { kind, id: username, clientId, secretHash };
    }
  }
  const [first] = known;
  if (match === undefined && first !== undefined && request.certificateName === username) {
    match = { kind: first.kind, id: username, clientId, secretHash: null };
  }
  return match;
}

/** True while the credential of a live session still exists. */
export function isStillValid(login: Login, directory: IntakeDirectory): boolean {
  const known = directory.secretHashes(login.id);
  if (login.secretHash === null) return known.length > 0;
  return known.some(({ secretHash }) => secretHash === login.secretHash);
}

/** What remains to be judged once the credential is right. */
export function judgeRequest(
  request: LoginRequest,
  identity: Identity,
  directory: IntakeDirectory,
  limits: MqttLimits,
): Result<null, LoginFault> {
  const { clientId, keepAliveSeconds, will } = request;
  if (!clientId.startsWith(identity.id)) return fail("CLIENT_ID");
  const suffix = clientId.slice(identity.id.length);
  if (suffix !== "" && !suffixPattern.test(suffix)) return fail("CLIENT_ID");
  if (keepAliveSeconds === 0 || keepAliveSeconds > limits.keepAliveSecondsMax) {
    return fail("KEEP_ALIVE");
  }
  if (will === null) return ok(null);
  const place = uplinkPlace(will.topic, identity, directory);
  if (!place.ok || will.retain) return fail("WILL");
  const isDeath = place.value.protocol !== "sparkplug" || isNodeDeath(will.topic);
  return isDeath ? ok(null) : fail("WILL");
}
