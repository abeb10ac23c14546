/**
 * What a meter with a right secret may send: faults-and-security section 6, rows 1 to 25, against the real process.
 * Each is acknowledged, leaves a durable trace, moves its counters, and never moves a valve. What each decoder and
 * rule makes of it in detail is tested in their rooms.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ProtocolName } from "#domain/meter.ts";
import type { QuarantineReason, UplinkOutcome } from "#domain/quarantine.ts";
import type { ReadingFlagName } from "#domain/reading.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import {
  Books,
  cjt188,
  cjt188Frame,
  expectCalm,
  json,
  jsonText,
  minutesAgo,
  nowMs,
  protobuf,
} from "../support/hostile.ts";
import { Home, type Service } from "../support/program.ts";

interface Row {
  /** Of the list in section 6. */
  readonly no: number;
  readonly what: string;
  readonly protocol: ProtocolName;
  /** The last one is the hostile one; those before it are the meter's honest past. */
  readonly frames: readonly Buffer[];
  readonly outcome: UplinkOutcome;
  readonly reason: QuarantineReason | null;
  readonly flags: readonly ReadingFlagName[];
}

/** A frame that ends in quarantine. */
function bad(
  no: number,
  protocol: ProtocolName,
  reason: QuarantineReason,
  frames: Readonly<Record<string, Buffer>>,
): readonly Row[] {
  return Object.entries(frames).map(([what, frame]) => ({
    no,
    what,
    protocol,
    frames: [frame],
    outcome: "quarantined",
    reason,
    flags: [],
  }));
}

/** A frame that is readable, after an honest past, and how its reading is marked. */
function odd(
  no: number,
  what: string,
  frames: readonly Buffer[],
  outcome: UplinkOutcome,
  ...flags: readonly ReadingFlagName[]
): Row {
  return { no, what, protocol: "json", frames, outcome, reason: null, flags };
}

const deep = (levels: number) => Buffer.from("[".repeat(levels) + "]".repeat(levels));
const at = (minutes: number, volumeM3: string) =>
  json({ measuredAt: minutesAgo(minutes), volumeM3 });
const measured = (measuredAt: string | number) => json({ measuredAt });
const leaking = (measuredAt: number) => json({ measuredAt, status: ["leak"] });
const low = (minutes: number, batteryPct: number) =>
  json({ measuredAt: minutesAgo(minutes), batteryPct });
const damagedSum = cjt188();
damagedSum.writeUInt8((damagedSum.at(-2) ?? 0) ^ 0x40, damagedSum.length - 2);

const rows: readonly Row[] = [
  ...bad(1, "cjt188", "TRUNCATED", {
    "a frame without its end": cjt188().subarray(0, 20),
    "its head alone": cjt188().subarray(0, 5),
  }),
  ...bad(1, "json", "SCHEMA", { "half a text": json().subarray(0, 30) }),
  ...bad(2, "cjt188", "CHECKSUM", { "one bit of the checksum": damagedSum }),
  ...bad(3, "cjt188", "UNSUPPORTED", {
    "right checksum, unit of energy": cjt188({ 18: 0x05 }),
  }),
  ...bad(4, "cjt188", "LENGTH", {
    "L too small": cjt188({ 10: 0x15 }),
    "L of zero": cjt188({ 10: 0 }),
    "L of 255": cjt188({ 10: 0xff }),
  }),
  ...bad(5, "cjt188", "BCD", {
    "a digit above nine": cjt188({ 15: 0x3a }),
    "F in every digit": cjt188({ 14: 0xff, 15: 0xff, 16: 0xff, 17: 0xff }),
  }),
  ...bad(6, "cjt188", "UNSUPPORTED", {
    "an unknown data id": cjt188({ 11: 0xd1, 12: 0x20 }),
    "a request, not an answer": cjt188Frame(0x01, "901f00"),
  }),
  odd(9, "a negative register", [json({ volumeM3: "-5.000" })], "suspect", "NEGATIVE"),
  odd(9, "a negative flow", [json({ flowM3h: "-0.500" })], "suspect", "NEGATIVE"),
  odd(10, "back without reason", [at(30, "1000"), at(1, "900")], "suspect", "REGISTER_BACK"),
  odd(10, "round at its end", [at(30, "99999.9"), at(1, "0.4")], "accepted", "ROLLOVER"),
  odd(10, "set to zero", [at(30, "1000"), at(1, "0.1")], "suspect", "REGISTER_ZERO"),
  odd(11, "a thousandfold", [at(30, "1000"), at(1, "1000000")], "suspect", "RANGE"),
  ...["1970-01-01T00:00:00Z", "2000-01-01T00:00:00+08:00", "2026-02-31T00:00:00Z"].map((time) =>
    odd(12, time, [measured(time)], "accepted", "TIME_INVALID"),
  ),
  ...["2026-00-00T00:00:00Z", "2026-01-01T24:60:00Z", 4_294_967_295_000 + dayMs].map((time) =>
    odd(12, String(time), [measured(time)], "accepted", "TIME_INVALID"),
  ),
  odd(13, "an hour ahead", [measured(nowMs + hourMs)], "accepted", "TIME_FUTURE"),
  odd(13, "years ahead", [measured(nowMs + 3_000 * dayMs)], "accepted", "TIME_FUTURE"),
  odd(12, "a leak, by a stopped clock", [leaking(0)], "accepted", "TIME_INVALID"),
  odd(13, "a leak, by a clock a day ahead", [leaking(nowMs + dayMs)], "accepted", "TIME_FUTURE"),
  odd(14, "two days late", [measured(nowMs - 2 * dayMs)], "accepted", "LATE"),
  odd(14, "a leak two days late", [leaking(nowMs - 2 * dayMs)], "accepted", "LATE"),
  odd(15, "the same twice", [json(), json()], "duplicate"),
  odd(
    15,
    "the same twice, without a clock",
    [measured("2000-01-01T00:00:00Z"), measured("2000-01-01T00:00:00Z")],
    "duplicate",
    "TIME_INVALID",
  ),
  odd(16, "out of order", [at(30, "1000"), at(10, "1000.2"), at(20, "1000.1")], "accepted"),
  odd(
    17,
    "another value for the same instant",
    [at(1, "1000"), at(1, "1001")],
    "suspect",
    "CONFLICT",
  ),
  odd(
    18,
    "an old leak replayed",
    [leaking(nowMs - 3 * hourMs), json(), leaking(nowMs - 3 * hourMs)],
    "duplicate",
    "LATE",
  ),
  ...bad(19, "json", "SIZE", { "a byte above 64 KiB": Buffer.alloc(64 * 1_024 + 1, 0x20) }),
  ...bad(20, "json", "DEPTH", { "30,000 levels": deep(30_000), "17 levels": deep(17) }),
  ...bad(21, "json", "NONFINITE", {
    NaN: jsonText(`"volumeM3":NaN`),
    Infinity: jsonText(`"flowM3h":Infinity`),
    "1e999": jsonText(`"flowM3h":1e999`),
  }),
  ...bad(21, "json", "SCHEMA", {
    "2^53 + 1": jsonText(`"volumeM3":9007199254740993`),
    "a comma": json({ volumeM3: "1,5" }),
    "a leak, and a register that is none": json({ volumeM3: "leak", status: ["leak"] }),
    "400 digits": json({ volumeM3: "9".repeat(400) }),
  }),
  odd(21, "-0", [jsonText(`"volumeM3":-0`)], "accepted"),
  ...bad(22, "json", "SCHEMA", {
    "a key twice": jsonText(`"volumeM3":"1","volumeM3":"2"`),
    "a prototype": jsonText(`"__proto__":{"volumeM3":"1"}`),
    "a constructor": jsonText(`"constructor":{"prototype":{}}`),
    "an unknown key": json({ isAdmin: true }),
  }),
  ...bad(23, "json", "ENCODING", {
    "a lone surrogate": jsonText(`"reply":{"commandId":"\\ud800","result":"executed"}`),
    "invalid UTF-8": Buffer.from(`{"v":1,"\xff":1}`, "latin1"),
    NUL: jsonText(`"reply":{"commandId":"a\\u0000","result":"executed"}`),
    "a byte order mark": Buffer.concat([Buffer.from("\ufeff"), json()]),
  }),
  ...bad(24, "json", "SCHEMA", {
    "SQL in a value": json({ volumeM3: "1'; DROP TABLE reading; --" }),
    "a line break and ANSI codes": json({ '\u001b[31m\n{"level":"fatal"}': 1 }),
  }),
  ...bad(25, "protobuf", "SCHEMA", {
    "a group": protobuf("7b7c"),
    "a length past the end": protobuf("12ff7f"),
    "a varint of eleven bytes": protobuf("18ffffffffffffffffffff01"),
    "a wrong wire type": protobuf("2d00000000"),
    "no field at all": Buffer.alloc(0),
    "1,001 old values": protobuf("7200".repeat(1_001)),
  }),
  {
    ...odd(
      27,
      "another meter's id inside, which nobody believes",
      [protobuf("12024830")],
      "accepted",
    ),
    protocol: "protobuf",
  },
  odd(44, "a battery of 0 V", [json({ batteryMv: 0 })], "suspect", "BATTERY_VALUE"),
  odd(44, "a battery of 255 %", [json({ batteryPct: 255 })], "suspect", "BATTERY_VALUE"),
  odd(44, "low once, and then not", [low(2, 5), low(1, 90)], "accepted"),
];

interface Trace {
  readonly seq: number;
  readonly meterId: string;
  readonly outcome: string;
  readonly hex: string;
}

const home = new Home();
let service: Service;
let books: Books;
const meterOf = (row: Row) => `H${rows.indexOf(row)}`;

beforeAll(async () => {
  service = await home.serve();
  books = new Books(service);
  await service.register(rows.map((row) => ({ id: meterOf(row), protocol: row.protocol })));
});
afterEach(async () => expectCalm(service));
afterAll(async () => home.remove());

test.each(rows)("$no $protocol $what: $outcome $reason $flags", async (row) => {
  const { protocol, frames, outcome, reason, flags } = row;
  const meterId = meterOf(row);
  const counts = async () => ({
    fate: await service.metric("mercaptan_uplinks_total", { protocol, outcome }),
    reason: await service.metric("mercaptan_quarantined_total", { protocol, reason: `${reason}` }),
  });
  const meter = await service.login(meterId);
  let before = await counts();
  for (const frame of frames) {
    before = await counts();
    await meter.publishAsync(`meters/${meterId}/up/${protocol}`, frame, { qos: 1 });
    books.stored += 1;
  }
  await meter.endAsync();
  const more = reason === null ? 0 : 1;
  expect(await counts()).toEqual({ fate: before.fate + 1, reason: before.reason + more });

  const uplinks = await service.items<Trace>(`/v1/uplinks?after=${books.stored - frames.length}`);
  expect(uplinks.map(({ hex }) => hex)).toEqual(frames.map((frame) => frame.toString("hex")));
  expect(uplinks.at(-1)).toMatchObject({ seq: books.stored, meterId, outcome });
  const [newest] = await service.items<object>("/v1/quarantine?limit=1");
  const wanted = { uplinkSeq: books.stored, reason, hex: uplinks.at(-1)?.hex };
  if (reason !== null) expect(newest).toMatchObject(wanted);
  const from = new Date(nowMs - 3 * dayMs).toISOString();
  const path = `/v1/meters/${meterId}/readings?limit=10&from=${from}`;
  const readings = await service.items<{ volumeM3: string | null; flags: readonly string[] }>(path);
  // Of what is in quarantine nothing is believed but a status that could be read.
  if (reason !== null) expect(readings.filter(({ volumeM3 }) => volumeM3 !== null)).toEqual([]);
  const marks = readings.flatMap((one) => one.flags);
  expect(marks).toEqual(expect.arrayContaining([...flags]));
});

test("leaks of this minute ring, old ones are history; neither moved a valve", async () => {
  const alarms = await service.items<{ historical: boolean; meterId: string }>("/v1/alarms");
  const ringing = alarms.filter(({ historical }) => !historical).map(({ meterId }) => meterId);
  const fresh = rows.filter(({ what }) => what.startsWith("a leak, "));
  expect(fresh).toHaveLength(3);
  expect(ringing.toSorted()).toEqual(fresh.map(meterOf).toSorted());
});

test("received is what was acknowledged", async () => {
  await books.expectBalance();
});
