/** What a host says of itself, and where its orders go. */
import { describe, expect, test } from "vitest";
import { timestampMs } from "#domain/units.ts";
import { decodeHostState, encodeRebirthRequest } from "#protocols/sparkplug/downlink.ts";
import {
  hostBirth,
  hostDeath,
  hostSubscriptions,
  orderMessage,
  saysGone,
} from "#protocols/sparkplug/host.ts";
import { utf8 } from "./cards.ts";

describe("the host's own state", () => {
  const session = { hostId: "mercaptan", connectedAtMs: timestampMs(1_795_305_605_000) };
  const { topic } = hostBirth(session);

  test("will, birth and death are kept by the broker and have the same time", () => {
    expect(hostSubscriptions(session)[0]).toBe(topic);
    expect(topic).toBe("spBv1.0/STATE/mercaptan");
    for (const [message, isOnline] of [
      [hostBirth(session), true],
      [hostDeath(session), false],
    ] as const) {
      expect(message).toMatchObject({ topic, qos: 1, isRetained: true });
      expect(decodeHostState(message.bytes)).toEqual({ isOnline, atMs: session.connectedAtMs });
    }
  });

  test("told that it is gone, it speaks again; of others it says nothing", () => {
    expect(saysGone(session, topic, hostDeath(session).bytes)).toBe(true);
    expect(saysGone(session, topic, hostBirth(session).bytes)).toBe(false);
    expect(saysGone(session, topic, utf8("x"))).toBe(false);
    expect(saysGone(session, "spBv1.0/STATE/other", hostDeath(session).bytes)).toBe(false);
  });

  test("orders are not kept by the broker", () => {
    const bytes = encodeRebirthRequest(session.connectedAtMs);
    const place = { group: "Gas", edge: "G7" };
    expect(orderMessage({ ...place, device: null }, bytes)).toEqual({
      topic: "spBv1.0/Gas/NCMD/G7",
      bytes,
      qos: 0,
      isRetained: false,
    });
    expect(orderMessage({ ...place, device: "M1" }, bytes).topic).toBe("spBv1.0/Gas/DCMD/G7/M1");
  });
});
