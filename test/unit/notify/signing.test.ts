/** Signatures against the worked example that Standard Webhooks' own test suites use. */
import { expect, test } from "vitest";
import { secretsInForce, signedHeaders, webhookSecret } from "#notify/signing.ts";
import { timestampMs } from "#domain/units.ts";
import type { Webhook } from "#domain/webhook.ts";

test("the example of the specification", () => {
  const headers = signedHeaders(
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1_614_265_330,
    '{"test": 2432232314}',
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
  );
  expect(headers).toEqual({
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

const pepper = new Uint8Array(32).fill(1);

test("a secret is of 32 bytes, and its own for each webhook, number and data directory", () => {
  const secrets = [
    webhookSecret(pepper, "a", 1),
    webhookSecret(pepper, "a", 2),
    webhookSecret(pepper, "b", 1),
    webhookSecret(new Uint8Array(32).fill(2), "a", 1),
  ];
  expect(new Set(secrets).size).toBe(4);
  for (const secret of secrets) {
    expect(secret).toMatch(/^whsec_/);
    expect(Buffer.from(secret.slice(6), "base64")).toHaveLength(32);
  }
  expect(webhookSecret(pepper, "a", 1)).toBe(secrets[0]);
});

test("the one before signs until its instant and not after", () => {
  const webhook = {
    id: "a",
    secretNo: 2,
    previousSecretUntilMs: timestampMs(1_000),
  } as Webhook;
  expect(secretsInForce(pepper, webhook, 999)).toEqual([
    webhookSecret(pepper, "a", 2),
    webhookSecret(pepper, "a", 1),
  ]);
  expect(secretsInForce(pepper, webhook, 1_000)).toEqual([webhookSecret(pepper, "a", 2)]);
});
