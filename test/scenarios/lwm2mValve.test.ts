/** A maker's frames inside LwM2M: a leak rings, a person closes with the maker's own frame, and it is proved. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { statusBits } from "#domain/status.ts";
import { emptyReading, type CommandReply, type DecodedReading } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { meterCodecs } from "#simulators/codec.ts";
import { eventually, Home, type Service } from "../support/program.ts";

const address = "51510000000042";
const codec = meterCodecs.cjt188;
const home = new Home();
let service: Service;
let atMs = Date.now() - 9 * 60_000;

beforeAll(async () => {
  service = await home.serve();
  const profile = "lwm2m-cjt188";
  await service.register([{ id: "L2", protocol: "lwm2m", frameAddress: address, profile }]);
});
afterAll(() => home.remove());

/** A CJ/T 188 frame as a pack of one item. */
function pack(reading: Partial<DecodedReading>, replies: readonly CommandReply[] = []): Buffer {
  atMs += 60_000;
  const whole = {
    ...emptyReading,
    measuredAtMs: timestampMs(atMs),
    volume: { ml: volumeMl(1_000_000_000), count: 100_000, exponent: -2 },
    status: 0,
    ...reading,
  };
  const frame = codec.encodeUplink({ address, frameId: null, readings: [whole], replies });
  const vd = Buffer.from(frame).toString("base64url");
  return Buffer.from(JSON.stringify([{ n: "/19/0/0", vd }]));
}

test("leak, alarm, order, reply, proof", async () => {
  const meter = await service.login("L2");
  const orders: Buffer[] = [];
  meter.on("message", (_topic, bytes) => orders.push(bytes));
  await meter.subscribeAsync("meters/L2/down/lwm2m", { qos: 1 });
  const report = (bytes: Buffer) => meter.publishAsync("meters/L2/up/lwm2m", bytes, { qos: 1 });

  await report(pack({ valve: "open", status: statusBits.leak }));
  expect(await service.items("/v1/alarms?meterId=L2")).toMatchObject([{ rule: "R1" }]);
  const refused = await service.items("/v1/commands?meterId=L2");
  expect(refused).toMatchObject([{ state: "refused", detail: "unconfirmed-profile" }]);

  const wanted = { reason: "leak alarm confirmed by telephone", expiresInSeconds: 600 };
  const { id } = await service.call<{ id: string }>("POST", "/v1/meters/L2/valve/close", wanted);
  await eventually(
    async () => orders.length,
    (count) => count === 1,
  );
  const order = codec.decodeOrder(orders[0] ?? Buffer.alloc(0));
  expect(order).toMatchObject({ isClose: true });
  const sequence = order?.sequence ?? null;
  const reply = { commandId: null, sequence, result: "accepted", reason: null } as const;
  await report(pack({ valve: "open" }, [{ ...reply, valve: "open" }]));
  for (let turn = 0; turn < 3; turn += 1) await report(pack({ valve: "closed" }));
  const done = await service.call("GET", `/v1/commands/${id}`);
  expect(done).toMatchObject({ state: "verified" });
  await meter.endAsync(true);
});
