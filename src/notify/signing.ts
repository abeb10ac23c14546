/**
 * Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, and secrets that are derived from the data directory's
 * own key and a number. So nothing secret stands in the ledger, and a secret can be shown once and used for years.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac, hkdfSync } from "node:crypto";
import type { Webhook } from "#domain/webhook.ts";

const secretBytes = 32;
const prefix = "whsec_";

/** The secret of this number, as receivers are given it: `whsec_` and base64. */
export function webhookSecret(pepper: Uint8Array, webhookId: string, secretNo: number): string {
  const info = `mercaptan webhook\0${webhookId}\0${secretNo}`;
  const bytes = Buffer.from(hkdfSync("sha256", pepper, "", info, secretBytes));
  return prefix + bytes.toString("base64");
}

/** The secrets that sign now: the present one, and the one before while receivers follow. */
export function secretsInForce(
  pepper: Uint8Array,
  { id, secretNo, previousSecretUntilMs }: Webhook,
  nowMs: number,
): readonly string[] {
  const isRotating = previousSecretUntilMs !== null && nowMs < previousSecretUntilMs;
  const numbers = isRotating && secretNo > 1 ? [secretNo, secretNo - 1] : [secretNo];
  return numbers.map((number) => webhookSecret(pepper, id, number));
}

/** The three headers; `webhook-signature` has one signature per secret, the present one first. */
export function signedHeaders(
  deliveryId: string,
  atSeconds: number,
  body: string,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const signed = `${deliveryId}.${atSeconds}.${body}`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  });
  return {
    "webhook-id": deliveryId,
    "webhook-timestamp": String(atSeconds),
    "webhook-signature": signatures.join(" "),
  };
}
