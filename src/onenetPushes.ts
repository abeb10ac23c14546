/** Signatures and ciphers of platforms, with the tokens of the settings. */
import type { DeliverySecret } from "#config/secrets.ts";
import type { SignedDeliveries } from "#ports/deliveries.ts";
import { readSignedPush, withMessage } from "#protocols/carriers/onenet.ts";
import { decipherOnenet, isSignedByOnenet } from "#protocols/carriers/security.ts";

/**
 * OneNET's, by gateway. A push is stored in the clear: the cipher protects the way here, as TLS does, and its key may
 * be another one when somebody decodes the push again.
 */
export function onenetPushes(secrets: readonly DeliverySecret[]): SignedDeliveries {
  const byGateway = new Map(secrets.map((secret) => [secret.gateway, secret]));
  return {
    hasToken: (gatewayId) => byGateway.has(gatewayId),
    isSigned(gatewayId, question) {
      // A gateway without a token takes as long as one with a wrong signature.
      const secret = byGateway.get(gatewayId);
      const isSigned = isSignedByOnenet(secret?.token ?? "none", question);
      return isSigned && secret !== undefined;
    },
    unseal(gatewayId, bytes) {
      const push = readSignedPush(bytes);
      if (!push.ok || !this.isSigned(gatewayId, push.value)) return null;
      const aesKey = byGateway.get(gatewayId)?.aesKey ?? null;
      if (aesKey === null) return bytes;
      const clear = decipherOnenet(aesKey, push.value.msg);
      // It is signed, so it is the platform's: what cannot be deciphered waits in quarantine as it came.
      return clear.ok ? withMessage(push.value, clear.value) : bytes;
    },
  };
}
