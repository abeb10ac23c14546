/** CJ/T 188: what is sent to meters, to the byte, in every dialect; and that nothing of it opens. */
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { timestampMs } from "#domain/units.ts";
import { encodeFrame } from "#protocols/cjt188/frame.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { valveRequest, valveRequestOfTwo } from "#protocols/cjt188/requestLayouts.ts";
import { decodeCjt188Request, encodeCjt188Clock } from "#protocols/cjt188/requests.ts";
import { stepValve } from "#valves/stepValve.ts";
import { aCommand, at, contact, settings, start } from "../valves/kit.ts";
import { bytesOfHex } from "./cards.ts";

const address = "51510000000042";
const order = {
  commandId: commandId("c-1"),
  action: "close",
  sequence: 42,
  issuedAtMs: timestampMs(0),
  expiresAtMs: timestampMs(1),
  frameAddress: address,
} as const;
const dialects = ["standard", "control2a", "nonForced", "twoByte"] as const;
const diOrders = ["di0First", "di1First"] as const;

function hexOf(encoded: ReturnType<typeof cjt188Protocol.encodeCommand>): string | undefined {
  return encoded.ok ? Buffer.from(encoded.value).toString("hex") : undefined;
}

describe("the closing order", () => {
  // sums: 68+30+42+51+51 = 17C, then C, L, A0+17 = B7, SER 2A, the operation
  test.each([
    ["standard", "di0First", "6830420000000051510404a0172a99fe16"],
    ["standard", "di1First", "683042000000005151040417a02a99fe16"],
    ["control2a", "di0First", "6830420000000051512a04a0172a992416"],
    ["nonForced", "di0First", "6830420000000051510404a0172a77dc16"],
    ["twoByte", "di0First", "6830420000000051512405a0172a99001f16"],
    ["twoByte", "di1First", "683042000000005151240517a02a99001f16"],
  ] as const)("%s, %s", (valveDialect, diOrder, wanted) => {
    expect(hexOf(cjt188Protocol.encodeCommand(order, { valveDialect, diOrder }))).toBe(wanted);
  });

  test("a profile that says nothing has the standard's", () => {
    expect(hexOf(cjt188Protocol.encodeCommand(order))).toBe("6830420000000051510404a0172a99fe16");
    expect(hexOf(cjt188Protocol.encodeCommand(order, {}))).toBe(
      "6830420000000051510404a0172a99fe16",
    );
  });

  test("T is what the profile says", () => {
    const encoded = cjt188Protocol.encodeCommand(order, { meterType: 0x20 });
    expect(hexOf(encoded)).toBe("6820420000000051510404a0172a99ee16");
  });

  test.each([null, "", "5151000000004", "515100000000421", "A1510000000042"])(
    "goes nowhere without 14 digits: %s",
    (frameAddress) => {
      const fault = { kind: "noFrameAddress" };
      const encoded = cjt188Protocol.encodeCommand({ ...order, frameAddress });
      expect(encoded).toEqual({ ok: false, fault });
    },
  );
});

describe("the hours of reports", () => {
  const schedule = { ...order, action: "change_parameters" } as const;
  const hours = (...reportHours: number[]) => ({ ...schedule, parameters: { reportHours } });

  test("A118 in wire order, what is not used as FF", () => {
    // 17C as above, C 04, L 11, A1+18 = B9, SER 2A, scheme 01, 03, 15, FF, FF: 48B
    const wanted = "6830420000000051510411a1182a00000000000000010315ffff00008b16";
    const encoded = cjt188Protocol.encodeCommand(hours(3, 15));
    expect(hexOf(encoded)).toBe(wanted);
    expect(encoded.ok && decodeCjt188Request(encoded.value)).toMatchObject({
      value: { kind: "schedule", address, scheme: 1, reportHours: [3, 15, null, null] },
    });
  });

  test("is answered under its own DI, and such an answer closes no valve", () => {
    const answered = (control: number, data: string) => {
      const head = { meterType: 0x30, address, control };
      const decoded = cjt188Protocol.decode(encodeFrame(head, bytesOfHex(data)));
      return decoded.ok ? decoded.value.replies : [];
    };
    const said = {
      commandId: null,
      sequence: 42,
      action: "change_parameters",
      valve: null,
    } as const;
    const executed = { ...said, result: "executed", reason: null };
    expect(answered(0x84, "a1182a")).toEqual([executed]);
    expect(answered(0x84, "a1182a00ff")).toEqual([executed]);
    expect(answered(0xc4, "a1182a05")).toMatchObject([{ ...said, result: "refused" }]);
    const after = (action: "close" | "change_parameters") => {
      const command = aCommand("authorised", { action, sequence: 42 });
      const asked = stepValve(settings, start, { kind: "order", command, by: "x" });
      const { state } = stepValve(settings, asked.state, contact(0));
      const reply = { ...said, result: "executed", reason: null } as const;
      return stepValve(settings, state, { kind: "reply", reply, nowMs: at(1) });
    };
    expect(after("close")).toMatchObject({ ignoredReply: "stale-sequence", changes: [] });
    expect(after("change_parameters").state.outstanding?.command.state).toBe("executed");
  });

  test("is never said to all, has no interval and no fifth hour", () => {
    const faultOf = (command: Parameters<typeof cjt188Protocol.encodeCommand>[0]) => {
      const encoded = cjt188Protocol.encodeCommand(command, { broadcastValve: "linkOfOneMeter" });
      return encoded.ok ? "encoded" : encoded.fault.kind;
    };
    expect(faultOf({ ...hours(3), frameAddress: "AAAAAAAAAAAAAA" })).toBe("noFrameAddress");
    expect(faultOf({ ...hours(3), frameAddress: null })).toBe("noFrameAddress");
    expect(faultOf({ ...schedule, parameters: { reportEverySeconds: 3_600 } })).toBe("unsupported");
    expect(faultOf(hours(1, 2, 3, 4, 5))).toBe("unsupported");
    expect(faultOf(hours())).toBe("unsupported");
    expect(faultOf(schedule)).toBe("unsupported");
  });
});

describe("the broadcast address", () => {
  const toAll = { ...order, sequence: 0, frameAddress: "AAAAAAAAAAAAAA" };
  const published = "6810aaaaaaaaaaaaaa0404a01700997616";

  test("takes no valve order, in whatever dialect", () => {
    for (const valveDialect of dialects) {
      for (const frameAddress of ["AAAAAAAAAAAAAA", "aaaaaaaaaaaaaa"]) {
        const encoded = cjt188Protocol.encodeCommand({ ...order, frameAddress }, { valveDialect });
        expect(encoded).toMatchObject({ ok: false, fault: { kind: "unsupported" } });
      }
    }
  });

  test("takes one where the link leads to one meter alone: the frame of the LoRaWAN projects", () => {
    const file = { broadcastValve: "linkOfOneMeter" } as const;
    expect(hexOf(cjt188Protocol.encodeCommand(toAll, file))).toBe(published);
    const nameless = { ...toAll, frameAddress: null };
    expect(hexOf(cjt188Protocol.encodeCommand(nameless, file))).toBe(published);
  });

  test("is not taken where the meter's own number is known, and no other wrong number is", () => {
    const file = { broadcastValve: "linkOfOneMeter" } as const;
    expect(hexOf(cjt188Protocol.encodeCommand(order, file))).toContain("42000000005151");
    const strange = { ...order, frameAddress: "AAAAAAAAAAAAA1" };
    expect(cjt188Protocol.encodeCommand(strange, file).ok).toBe(false);
  });

  test("takes no time either", () => {
    const to = { sequence: 1, clock: timestampMs(0) };
    const encoded = encodeCjt188Clock({ ...to, frameAddress: "AAAAAAAAAAAAAA" });
    expect(encoded).toEqual({ ok: false, fault: { kind: "noFrameAddress" } });
  });
});

describe("any order of any profile", () => {
  const files = fc.record({
    valveDialect: fc.option(fc.constantFrom(...dialects), { nil: undefined }),
    diOrder: fc.option(fc.constantFrom(...diOrders), { nil: undefined }),
    broadcastValve: fc.option(fc.constant("linkOfOneMeter" as const), { nil: undefined }),
    meterType: fc.option(fc.nat(255), { nil: undefined }),
  });
  const addresses = fc.oneof(
    fc.stringMatching(/^\d{14}$/),
    fc.constantFrom("AAAAAAAAAAAAAA", null),
    fc.string({ maxLength: 16 }),
  );

  propertyTest.prop([files, addresses, fc.nat(255)])(
    "closes, or is refused; the meter reads what was meant",
    (file, frameAddress, sequence) => {
      const encoded = cjt188Protocol.encodeCommand({ ...order, frameAddress, sequence }, file);
      if (!encoded.ok) return;
      const request = decodeCjt188Request(encoded.value);
      const wanted = file.valveDialect === "nonForced" ? "close, not forced" : "close";
      expect(request).toMatchObject({
        ok: true,
        value: { kind: "valve", operation: wanted, sequence },
      });
      const told = request.ok ? request.value.address : "";
      const isAddressed = /^\d{14}$/.test(frameAddress ?? "");
      expect(told).toBe(isAddressed ? frameAddress : "AAAAAAAAAAAAAA");
      if (!isAddressed) expect(file.broadcastValve).toBe("linkOfOneMeter");
      expect([0x99, 0x77]).toContain(encoded.value[14]);
      expect(cjt188Protocol.decode(encoded.value).ok).toBe(false);
    },
  );

  const sequences = Array.from({ length: 256 }, (_, sequence) => sequence);

  test("no SER, no dialect and no order of bytes makes an opening: 55 and 66 are never written", () => {
    for (const sequence of sequences) {
      for (const valveDialect of dialects) {
        for (const diOrder of diOrders) {
          const file = { valveDialect, diOrder };
          const encoded = cjt188Protocol.encodeCommand({ ...order, sequence }, file);
          const operation = encoded.ok ? encoded.value[14] : undefined;
          expect(operation).toBe(valveDialect === "nonForced" ? 0x77 : 0x99);
        }
      }
    }
  });
});

test.each([
  [0x55, "open"],
  [0x99, "close"],
  [0x66, "open, not forced"],
  [0x77, "close, not forced"],
  [0x00, "read position"],
  [0xff, "withdraw"],
] as const)("operation %i of other systems is read as %s and written back", (code, operation) => {
  const hex = code.toString(16).padStart(2, "0");
  const values = { diWire: "17a0", sequence: 255, operation };
  const short = bytesOfHex(`17a0ff${hex}`);
  const long = bytesOfHex(`17a0ff${hex}00`);
  for (const [control, data] of [
    [0x2a, short],
    [0x04, short],
    [0x24, long],
  ] as const) {
    const frame = encodeFrame({ meterType: 0x20, address, control }, data, 3);
    expect(decodeCjt188Request(frame)).toMatchObject({
      ok: true,
      value: { kind: "valve", ...values },
    });
  }
  expect(valveRequest.encode(values)).toEqual(short);
  expect(valveRequestOfTwo.encode({ ...values, spare: 0 })).toEqual(long);
});

describe("the time", () => {
  // 2026-11-22T08:00:05+08:00 as 05 00 08 22 11 26 20; 17C + 04 + 0A + B5 + 01 + 86 = 2C6
  const clock = timestampMs(Date.UTC(2026, 10, 22, 0, 0, 5));

  test("is A015 in local time", () => {
    const encoded = encodeCjt188Clock({ frameAddress: address, sequence: 1, clock });
    expect(hexOf(encoded)).toBe("683042000000005151040aa0150105000822112620c616");
    expect(encoded.ok && decodeCjt188Request(encoded.value)).toMatchObject({
      ok: true,
      value: { kind: "clock", diWire: "a015", sequence: 1, clock },
    });
  });

  test("goes in the profile's order of bytes", () => {
    const file = { diOrder: "di1First" } as const;
    const encoded = encodeCjt188Clock({ frameAddress: address, sequence: 1, clock }, file);
    expect(hexOf(encoded)).toContain("15a001");
  });
});

test.each([
  ["810a00", 0],
  ["810a", null],
  ["0a81", null],
] as const)("a read of the address with data %s", (hex, sequence) => {
  const frame = encodeFrame(
    { meterType: 0xaa, address: "AAAAAAAAAAAAAA", control: 0x03 },
    bytesOfHex(hex),
  );
  expect(decodeCjt188Request(frame)).toMatchObject({ ok: true, value: { kind: "read", sequence } });
});
