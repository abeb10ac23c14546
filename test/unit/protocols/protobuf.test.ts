/** Protobuf: our tables are the schema, and hostile bytes get the answer that the README promises. */
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { statusBits, statusNames } from "#domain/status.ts";
import { timestampMs } from "#domain/units.ts";
import { reasonOf } from "#protocols/contract.ts";
import {
  actionNumbers,
  decodeProtobufCommand,
  downlinkTable,
  encodeProtobufCommand,
} from "#protocols/protobuf/command.ts";
import { encodeProtobufUplink, protobufProtocol } from "#protocols/protobuf/protocol.ts";
import {
  readingTable,
  replyTable,
  resultNumbers,
  statusNumbers,
  uplinkTable,
  valveNumbers,
  volumeTable,
} from "#protocols/protobuf/uplink.ts";
import { bytesOfHex, loadCard } from "./cards.ts";

const schemaFile = new URL("../../../protocols/protobuf/mercaptan.proto", import.meta.url);
const schema = protobuf.parse(readFileSync(schemaFile, "utf8")).root;
const uplinkType = schema.lookupType("mercaptan.v1.Uplink");
const downlinkType = schema.lookupType("mercaptan.v1.Downlink");

function reason(bytes: Uint8Array): string | undefined {
  const result = protobufProtocol.decode(bytes);
  return result.ok ? undefined : reasonOf(result.fault);
}

describe("our tables are the schema", () => {
  test.each([
    ["Uplink", uplinkTable],
    ["Volume", volumeTable],
    ["Reading", readingTable],
    ["Reply", replyTable],
    ["Downlink", downlinkTable],
  ] as const)("message %s", (name, table) => {
    const ours = Object.entries(table).map(([field, { id, isRepeated, wireType }]) => {
      return { field, id, isRepeated, wireType };
    });
    const theirs = schema.lookupType(name).fieldsArray.map((field) => ({
      field: field.name,
      id: field.id,
      isRepeated: field.repeated,
      wireType:
        field.resolve().resolvedType instanceof protobuf.Type || field.type === "string" ? 2 : 0,
    }));
    expect(ours).toEqual(theirs);
  });

  test.each([
    ["Valve", "POSITION_", valveNumbers],
    ["Status", "", statusNumbers],
    ["Result", "", resultNumbers],
    ["Action", "", actionNumbers],
  ] as const)("enum %s", (name, prefix, numbers) => {
    const ours = Object.entries(numbers).map(([word, value]) => [
      prefix + word.toUpperCase(),
      value,
    ]);
    const nothing = /^(NO_|RESULT_NONE|ACTION_NONE)/;
    const theirs = Object.entries(schema.lookupEnum(name).values);
    expect(ours).toEqual(theirs.filter(([word]) => !nothing.test(word)));
  });

  test("no action opens, and the schema keeps it so", () => {
    expect(Object.keys(actionNumbers).filter((action) => /open/.test(action))).toEqual([
      "permit_opening",
    ]);
    expect(schema.lookupEnum("Action").isReservedName("OPEN")).toBe(true);
    expect(schema.lookupEnum("Action").isReservedId(2)).toBe(true);
  });

  test("what the schema's own encoder writes is what we read", () => {
    const { expect: telegram } = loadCard("protobuf/everything");
    const [present, first, second] = telegram.readings;
    const [reply] = telegram.replies;
    const bytes = uplinkType.encode({
      ...present,
      version: 1,
      meterId: "M0001",
      frameId: telegram.frameId,
      valve: valveNumbers.open,
      status: [statusNumbers.leak, statusNumbers.battery_low],
      history: [first, second].map((old) => ({
        ...old,
        flowMlPerHour: old?.flowMlPerHour ?? undefined,
      })),
      reply: { ...reply, result: resultNumbers.executed },
    });
    expect(protobufProtocol.decode(bytes.finish())).toEqual({ ok: true, value: telegram });
  });

  test("what we write is what the schema's own decoder reads", () => {
    const { expect: telegram } = loadCard("protobuf/everything");
    const read = uplinkType.toObject(uplinkType.decode(encodeProtobufUplink(telegram)), {
      longs: Number,
      enums: String,
    });
    expect(read).toMatchObject({
      version: 1,
      frameId: 4711,
      volume: { count: 1_234_567, exponent: -3 },
      temperatureCentiC: -825,
      valve: "POSITION_OPEN",
      status: ["LEAK", "BATTERY_LOW"],
      history: [{ volume: { count: 12_344 } }, { flowMlPerHour: -1, pressurePa: 0 }],
      reply: { result: "EXECUTED", reason: "阀门已关" },
    });
  });
});

// tags: 08 version, 20 measured_at_ms, 2a volume, 30 flow, 48 battery_mv, 60 valve, 68/6a status, 72 history, 7a reply
describe("hostile bytes", () => {
  test.each([
    ["SIZE", "more than 64 KiB", Buffer.alloc(65_537)],
    ["SCHEMA", "no bytes", ""],
    ["SCHEMA", "no version", "6801"],
    ["SCHEMA", "version 2", "08026801"],
    ["SCHEMA", "nothing but a time", "080120e8b584a034"],
    ["SCHEMA", "a varint that ends nowhere", "08ffffffffffffffffffff01"],
    ["SCHEMA", "a varint that is cut off", "0801309f"],
    ["SCHEMA", "a wrong wire type", "0801350a000000"],
    ["SCHEMA", "a length beyond the end", "08012aff0f0802"],
    ["SCHEMA", "a length beyond four gigabytes", "08012affffffffff7f"],
    ["SCHEMA", "a field longer than its message", "08012a0208ff01"],
    ["SCHEMA", "a packed status longer than its list", "08016a02018101"],
    ["SCHEMA", "a group", "0801a306a40668010000"],
    ["SCHEMA", "field number 0", "08010001"],
    ["SCHEMA", "wire type 7", "08016f01"],
    ["SCHEMA", "a register twice", "08012a0208022a020804"],
    ["SCHEMA", "a register beyond the safe integers", "08012a0b08feffffffffffffffff01"],
    ["SCHEMA", "a register of parts of a millilitre", "08012a0408021013"],
    ["SCHEMA", "a battery beyond the safe integers", "080148ffffffffffffffffff01"],
    ["SCHEMA", "history without volume", "080172020801"],
    ["SCHEMA", "history without time", "0801720412020802"],
    ["SCHEMA", "1,001 older values", `0801${"7206080112020802".repeat(1_001)}`],
    ["SCHEMA", "an unknown result", "08017a050a01631009"],
    ["SCHEMA", "a reply without result", "08017a030a0163"],
    ["ENCODING", "an id that is not UTF-8", "08017a050a01ff1001"],
    ["ENCODING", "an id with NUL", "08017a050a01001001"],
  ])("%s: %s", (wanted, _, bytes) => {
    expect(reason(typeof bytes === "string" ? bytesOfHex(bytes) : bytes)).toBe(wanted);
  });

  test("nesting in an unknown field is not followed", () => {
    let nested = bytesOfHex("");
    for (let depth = 0; depth < 200; depth += 1) {
      nested = new Uint8Array(
        protobuf.Writer.create()
          .uint32(0x82 * 8 + 2)
          .bytes(nested)
          .finish(),
      );
    }
    expect(reason(Uint8Array.from([...bytesOfHex("08016801"), ...nested]))).toBeUndefined();
  });

  test("1,000 older values are taken", () => {
    const result = protobufProtocol.decode(bytesOfHex(`0801${"7206080112020802".repeat(1_000)}`));
    expect(result.ok && result.value.readings.length).toBe(1_000);
  });

  test("65,000 statuses are one leak", () => {
    const bytes = Uint8Array.from([...bytesOfHex("08016ae8fb03"), ...Buffer.alloc(65_000, 1)]);
    expect(protobufProtocol.decode(bytes)).toMatchObject({
      ok: true,
      value: { readings: [{ status: statusBits.leak }] },
    });
  });

  test("a late year is no time", () => {
    expect(protobufProtocol.decode(bytesOfHex("080168002080808080808001"))).toMatchObject({
      ok: true,
      value: { readings: [{ measuredAtMs: null, status: 0 }] },
    });
  });
});

describe("the cheap look", () => {
  test.each(statusNames)("%s, packed and not", (name) => {
    const number = statusNumbers[name].toString(16).padStart(2, "0");
    const isUrgent = ["leak", "external_alarm", "over_flow", "valve_passing"].includes(name);
    for (const status of [`68${number}`, `6a020a${number}`, `68${number}680a`]) {
      // Text and numbers before it must not lead the look astray.
      const bytes = bytesOfHex(`0801120568016a01682a020802489068${status}`);
      expect(protobufProtocol.decode(bytes).ok).toBe(true);
      expect(protobufProtocol.mayBeUrgent(bytes)).toBe(isUrgent);
    }
  });

  test("a leak written the long way", () => {
    for (const hex of ["0801688100", "0801e80001", "08016a8280008100"]) {
      const bytes = bytesOfHex(hex);
      expect(protobufProtocol.decode(bytes)).toMatchObject({
        value: { readings: [{ status: 1 }] },
      });
      expect(protobufProtocol.mayBeUrgent(bytes)).toBe(true);
    }
  });
});

describe("orders", () => {
  const order = {
    commandId: commandId("0192-ab"),
    action: "close",
    issuedAtMs: timestampMs(1_795_305_600_000),
    expiresAtMs: timestampMs(1_795_306_500_000),
  } as const;

  test("the downlink is the schema's", () => {
    const bytes = protobufProtocol.encodeCommand({ ...order, sequence: 7, frameAddress: null });
    if (!bytes.ok) throw new Error("an order is encoded");
    const read = downlinkType.toObject(downlinkType.decode(bytes.value), {
      longs: Number,
      enums: String,
    });
    expect(read).toEqual({ ...order, version: 1, action: "CLOSE" });
    expect(decodeProtobufCommand(bytes.value)).toEqual({ ok: true, value: order });
  });

  test("parameters are said with their action, and hours of the day not at all", () => {
    const parameters = { reportEverySeconds: 3_600 };
    const wanted = { ...order, action: "change_parameters", parameters } as const;
    const to = { sequence: 7, frameAddress: null };
    const bytes = protobufProtocol.encodeCommand({ ...wanted, ...to });
    if (!bytes.ok) throw new Error("an order is encoded");
    expect(
      downlinkType.toObject(downlinkType.decode(bytes.value), { enums: String }),
    ).toMatchObject({
      action: "CHANGE_PARAMETERS",
      reportEverySeconds: 3_600,
    });
    expect(decodeProtobufCommand(bytes.value)).toEqual({ ok: true, value: wanted });
    expect(decodeProtobufCommand(bytes.value.slice(0, -3)).ok).toBe(false);
    const hours = { ...wanted, ...to, parameters: { reportHours: [3, 15] } };
    const fault = { kind: "unsupported" };
    expect(protobufProtocol.encodeCommand(hours)).toMatchObject({ ok: false, fault });
  });

  test("an order without an end, or with another action, is none", () => {
    const bytes = encodeProtobufCommand(order);
    expect(decodeProtobufCommand(bytes.slice(0, -7)).ok).toBe(false);
    const opened = bytes.slice();
    opened[opened.indexOf(0x18) + 1] = 2;
    expect(decodeProtobufCommand(opened).ok).toBe(false);
  });
});
