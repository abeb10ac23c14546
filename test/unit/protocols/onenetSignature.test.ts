/** What OneNET signs and ciphers, against what others compute. */
import { describe, expect, test } from "vitest";
import { readSignedPush, withMessage } from "#protocols/carriers/onenet.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { decipherOnenet, isSignedByOnenet, onenetSignature } from "#protocols/carriers/security.ts";
import { utf8 } from "./cards.ts";

describe("OneNET's signature and cipher", () => {
  const token = "token of the utility";
  const msg = '{"messageType":"notify"}';
  // Computed with Python's hashlib.
  const signature = "Mf4HVXoDRLLC4JzKFAkiQg==";

  test("the signature is the one that others compute", () => {
    expect(onenetSignature(token, "abcdefgh", msg)).toBe(signature);
    expect(isSignedByOnenet(token, { msg, nonce: "abcdefgh", signature })).toBe(true);
    const asQuery = signature.replaceAll("+", " ");
    expect(isSignedByOnenet(token, { msg, nonce: "abcdefgh", signature: asQuery })).toBe(true);
  });

  test.each([
    ["another token", "token of another", "abcdefgh", msg, signature],
    ["another nonce", token, "abcdefgi", msg, signature],
    ["another message", token, "abcdefgh", `${msg} `, signature],
    ["no signature", token, "abcdefgh", msg, ""],
    ["a longer signature", token, "abcdefgh", msg, `${signature}=`],
  ])("%s is refused", (_what, by, nonce, text, given) => {
    expect(isSignedByOnenet(by, { msg: text, nonce, signature: given })).toBe(false);
  });

  test("parts that are missing fit no signature", () => {
    const read = readSignedPush(utf8(`{"msg":${JSON.stringify(msg)}}`));
    if (!read.ok) expect.unreachable("an envelope");
    expect(isSignedByOnenet(token, read.value)).toBe(false);
  });

  test("a push whose message was deciphered opens as if it had come so", () => {
    const clear = '{"messageType":"lifeCycle","deviceName":"Gas-0042"}';
    const signed = { msg: "x", nonce: "abcdefgh", signature, id: "7", sentAtMs: null };
    expect(carrierByName.onenet.open(withMessage(signed, clear))).toMatchObject({
      ok: true,
      value: { address: "gas-0042", event: "lifeCycle", deliveryId: "7", sentAtMs: null },
    });
  });

  test("the cipher is the one that openssl writes", () => {
    const ciphered =
      "idSQ9qzgmvykKAwdbA15oIkgqWzHzdpEgnaUIon7cr6SUhbt6ENq1Cn7k5/m8n4NTN8uZbAUm/8B/xdcqK3/+g==";
    const key = utf8("0123456789abcdef");
    const clear = '{"messageType":"lifeCycle","deviceName":"gas-0042"}';
    expect(decipherOnenet(key, ciphered)).toEqual({ ok: true, value: clear });
    const faults = [
      [utf8("0123456789abcdeF"), ciphered],
      [key, `${ciphered.slice(0, -8)}AAAAAA==`],
      [key, "not base64!"],
      [key, clear],
      [utf8("short"), ciphered],
    ] as const;
    for (const [other, text] of faults) expect(decipherOnenet(other, text).ok).toBe(false);
  });
});
