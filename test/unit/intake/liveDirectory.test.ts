/** What the listeners know of the registry after a change of several meters at once. */
import { expect, test } from "vitest";
import { invariant } from "#domain/invariant.ts";
import type { Meter } from "#domain/meter.ts";
import { LiveDirectory } from "../../../src/liveDirectory.ts";
import { HandDirectory } from "../../support/mqttRig.ts";

function meter(no: number, id: string, address: string | null): Meter {
  const hand = new HandDirectory();
  const carrierAddress = address === null ? null : `imei-${address}`;
  hand.addMeter(no, id, { frameAddress: address, carrierAddress });
  const made = hand.meterById(id);
  invariant(made !== undefined, "it was just added");
  return made;
}

const others = { gateways: [], credentials: [], apiKeys: [] };
const nothing = { ...others, revoked: [], revokedApiKeys: [] };
const first = meter(1, "M1", "X");
const second = meter(2, "M2", "Y");

test.each<[string, readonly Meter[]]>([
  ["the taker first", [meter(1, "M1", "Y"), meter(2, "M2", "X")]],
  ["the giver first", [meter(2, "M2", "X"), meter(1, "M1", "Y")]],
])("two meters exchange their addresses in one batch, %s", (_what, meters) => {
  const directory = new LiveDirectory({ ...others, meters: [first, second] });
  directory.apply({ ...nothing, meters });
  expect(directory.meterByFrameAddress("X")?.id).toBe("M2");
  expect(directory.meterByFrameAddress("Y")?.id).toBe("M1");
  expect(directory.meterByCarrierAddress("imei-X")?.id).toBe("M2");
  expect(directory.meterByCarrierAddress("imei-Y")?.id).toBe("M1");
});

test("an address that a meter gives up is nobody's", () => {
  const directory = new LiveDirectory({ ...others, meters: [first, second] });
  directory.apply({ ...nothing, meters: [meter(1, "M1", null)] });
  expect(directory.meterByFrameAddress("X")).toBeUndefined();
  expect(directory.meterByCarrierAddress("imei-X")).toBeUndefined();
  expect(directory.meterByFrameAddress("Y")?.id).toBe("M2");
});
