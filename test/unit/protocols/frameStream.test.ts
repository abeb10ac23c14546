/** Frames out of a stream: noise, wake-up bytes, cut frames, several in one read. */
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { sum8 } from "#protocols/codec/layout.ts";
import { greeting, splitFrames, type StreamFrame } from "#protocols/codec/frameStream.ts";
import {
  familyOf,
  startsWith68,
  streamFrameBytesMax,
  type FrameFamily,
} from "#protocols/codec/startsWith68.ts";
import { cardsIn, fuzz, mulberry32 } from "./cardChecks.ts";
import { bytesOfHex } from "./cards.ts";

function closed(hexBody: string, sumFrom = 0): Uint8Array {
  const body = bytesOfHex(hexBody);
  return Uint8Array.from([...body, sum8(body, sumFrom, body.length), 0x16]);
}

const cjt188 = bytesOfHex("6830420000000051518116901f05563412002c000000002c0500082211262004014616");
const cat1 = cardsIn("cat1").find(({ file }) => file === "report.json")?.bytes ?? cjt188;
const mbus = closed("680a0a6808017201020304050607", 4);
const dl645 = closed("6812345678901268910433334333");
const diaphragm = closed("6812345678901268810b0026112008000008c52500a1");
const families: readonly (readonly [FrameFamily, Uint8Array])[] = [
  ["mbus", mbus],
  ["dl645", dl645],
  ["diaphragm", diaphragm],
  ["cjt188", cjt188],
  ["cat1", cat1],
];
const wakeUp = new Uint8Array(4).fill(0xfe);

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe.each(families)("a frame of %s", (protocol, bytes) => {
  const frames = [{ protocol, bytes }];

  test("alone, after wake-up bytes, in the middle of noise", () => {
    const counts = { greetings: 0, noiseBytes: 0 };
    expect(splitFrames(bytes)).toEqual({ frames, rest: Uint8Array.of(), ...counts });
    expect(splitFrames(joined(wakeUp, bytes))).toMatchObject({ frames, noiseBytes: 0 });
    const noise = Uint8Array.of(0x00, 0xa3, 0x16, 0x55);
    expect(splitFrames(joined(noise, bytes, noise))).toMatchObject({ frames, noiseBytes: 8 });
  });

  test("in pieces: kept until it is whole", () => {
    for (let length = 1; length < bytes.length; length += 1) {
      const first = splitFrames(bytes.subarray(0, length));
      const held = bytes.slice(0, length);
      expect(first).toEqual({ frames: [], rest: held, greetings: 0, noiseBytes: 0 });
      const rest = joined(first.rest, bytes.subarray(length));
      expect(splitFrames(rest)).toMatchObject({ frames, noiseBytes: 0 });
    }
  });

  test("cut short, then another of every family", () => {
    for (const [other, whole] of families) {
      for (const length of [2, 5, bytes.length - 1]) {
        const stream = joined(bytes.subarray(0, length), whole);
        const { frames: found, rest } = splitFrames(stream, true);
        expect([other, length, found]).toEqual([
          other,
          length,
          [{ protocol: other, bytes: whole }],
        ]);
        expect(rest).toHaveLength(0);
      }
    }
  });

  test("every flip of one bit: never another frame of its length", () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const { frames: found } = splitFrames(damaged, true);
      expect(found.every((frame) => frame.bytes.length < bytes.length)).toBe(true);
    }
  });
});

test("all families in one read, in order", () => {
  const stream = joined(greeting, ...families.flatMap(([, bytes]) => [wakeUp, bytes]));
  const { frames, rest, greetings, noiseBytes } = splitFrames(stream);
  expect(greetings).toBe(1);
  expect(frames.map(({ protocol }) => protocol)).toEqual(families.map(([protocol]) => protocol));
  expect([rest.length, noiseBytes]).toEqual([0, 0]);
});

describe("what begins at a 68", () => {
  test.each(families)("%s: its name and its length", (family, bytes) => {
    const whole = { kind: "whole", family, sizeBytes: bytes.length };
    expect(startsWith68(bytes)).toEqual(whole);
    expect(startsWith68(joined(wakeUp, bytes, wakeUp), wakeUp.length)).toEqual(whole);
    expect(startsWith68(bytes.subarray(0, -1))).toEqual({ kind: "arriving" });
    expect(familyOf(bytes)).toBe(family);
    expect(familyOf(joined(bytes, Uint8Array.of(0x16)))).toBeUndefined();
  });

  test.each(families)("%s: both the sum and the end must fit", (_, bytes) => {
    for (const at of [-1, -2]) {
      const wrong = bytes.with(at, (bytes.at(at) ?? 0) ^ 0x01);
      expect(startsWith68(wrong).kind).not.toBe("whole");
      expect(familyOf(wrong)).toBeUndefined();
    }
  });

  test("another byte is no beginning, and neither is the end of the bytes", () => {
    expect(startsWith68(Uint8Array.of(0x16, 0x68))).toEqual({ kind: "none" });
    expect(startsWith68(Uint8Array.of())).toEqual({ kind: "none" });
    expect(startsWith68(Uint8Array.of(0x68), 1)).toEqual({ kind: "none" });
    expect(startsWith68(Uint8Array.of(0x68))).toEqual({ kind: "arriving" });
  });

  test("a second 68 at byte 7 does not hide a CJ/T 188 frame whose sum is right", () => {
    const tricky = closed("683042000000006851810a907f0500082211112620");
    expect(startsWith68(tricky)).toMatchObject({ kind: "whole", family: "cjt188" });
  });
});

/** A stream as it arrives: each read is put behind what the one before left over. */
function readIn(pieces: readonly Uint8Array[]) {
  const frames: StreamFrame[] = [];
  let rest = new Uint8Array();
  let longestRest = 0;
  let noiseBytes = 0;
  let greetings = 0;
  for (const [index, piece] of [...pieces, new Uint8Array()].entries()) {
    const split = splitFrames(joined(rest, piece), index === pieces.length);
    frames.push(...split.frames);
    noiseBytes += split.noiseBytes;
    greetings += split.greetings;
    rest = Uint8Array.from(split.rest);
    longestRest = Math.max(longestRest, rest.length);
  }
  return { frames, rest, longestRest, noiseBytes, greetings };
}

function piecesOf(bytes: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Whether the frame's first bytes are the last ones of what was cut off. */
function beginsIn(cutOff: Uint8Array, frame: string): boolean {
  return [...cutOff.keys()].some((from) => frame.startsWith(hex(cutOff.subarray(from))));
}

describe("whatever stands between frames, and however the reads fall", () => {
  const anyFrame = fc.constantFrom(...families.map(([, bytes]) => bytes));
  const quiet = fc.uint8Array({ maxLength: 40 }).map((bytes) => {
    return bytes.map((byte) => (byte === 0x68 || byte === 0xa3 || byte === 0xfe ? 0x55 : byte));
  });
  const cuts = fc.array(fc.nat(5_000), { maxLength: 30 });

  propertyTest.prop([fc.array(fc.tuple(quiet, anyFrame), { maxLength: 12 }), quiet, cuts])(
    "every frame once, in order, and every other byte is noise",
    (stretches, last, places) => {
      const stream = joined(...stretches.flat(), last);
      const wanted = stretches.map(([, bytes]) => bytes);
      const noise = stretches.reduce((sum, [bytes]) => sum + bytes.length, last.length);
      const read = readIn(piecesOf(stream, places));
      expect(read.frames.map(({ bytes }) => bytes)).toEqual(wanted);
      expect([read.noiseBytes, read.rest.length]).toEqual([noise, 0]);
      expect(read.longestRest).toBeLessThan(streamFrameBytesMax);
    },
  );

  const beginnings = fc.tuple(anyFrame, fc.nat(200)).map(([bytes, length]) => {
    return bytes.subarray(0, length % bytes.length);
  });

  propertyTest.prop([fc.array(fc.tuple(beginnings, anyFrame), { maxLength: 8 }), cuts])(
    "frames behind others that were cut off: none is lost",
    (stretches, places) => {
      const stream = joined(...stretches.flat());
      const read = readIn(piecesOf(stream, places)).frames.map(({ bytes }) => hex(bytes));
      const wanted = stretches.map(([, bytes]) => hex(bytes));
      // Once in some ten thousand streams the end of a cut-off frame and what follows sum up to a frame by chance:
      // then no reader can tell, and the whole frames are inside the one that was made up.
      const madeUp = read.filter((bytes) => !wanted.includes(bytes));
      const heads = madeUp.map((bytes) => stretches.some(([cutOff]) => beginsIn(cutOff, bytes)));
      expect(heads.filter((known) => !known)).toEqual([]);
      expect(wanted.filter((bytes) => !read.some((got) => got.includes(bytes)))).toEqual([]);
      if (madeUp.length === 0) expect(read).toEqual(wanted);
    },
  );

  propertyTest.prop([fc.uint8Array({ maxLength: 400 }), cuts])(
    "the reads may fall anywhere: the same frames, and every byte has one fate",
    (bytes, places) => {
      const whole = readIn([bytes]);
      const read = readIn(piecesOf(bytes, places));
      expect(read).toMatchObject({ frames: whole.frames, noiseBytes: whole.noiseBytes });
    },
  );

  test("a greeting in two reads is one greeting and no noise", () => {
    const stream = joined(greeting, cat1, cat1);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const read = readIn([stream.subarray(0, cut), stream.subarray(cut)]);
      const frames = [cat1, cat1].map((bytes) => ({ protocol: "cat1", bytes }));
      expect(read).toMatchObject({ frames, greetings: 1, noiseBytes: 0 });
    }
    expect(splitFrames(greeting.subarray(0, 3), true)).toMatchObject({ noiseBytes: 3 });
  });
});

test("T, C and kinds that are in nobody's table are waited for like others", () => {
  const strange = [
    closed("6855420000000051518604a017019900"),
    closed("68304200000000515105970000000102030a"),
  ];
  for (const bytes of strange) {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const read = readIn([bytes.subarray(0, cut), bytes.subarray(cut)]);
      expect(read.frames.map((frame) => frame.bytes)).toEqual([bytes]);
    }
  }
});

test("68 and 16 inside data end nothing", () => {
  const tricky = closed("6830420000000051518109901f05681616681616");
  expect(splitFrames(tricky)).toMatchObject({ frames: [{ protocol: "cjt188", bytes: tricky }] });
});

test("a length that lies is not waited for beyond the limit, and hides nothing at the end", () => {
  const liar = bytesOfHex("681234567890126801ffff");
  expect(splitFrames(joined(liar, new Uint8Array(260))).rest).toHaveLength(0);
  const slow = bytesOfHex("681234567890126801ff");
  expect(splitFrames(slow).rest).toHaveLength(slow.length);
  const hidden = joined(bytesOfHex("68ffff68"), cjt188);
  expect(splitFrames(hidden)).toMatchObject({ frames: [] });
  expect(splitFrames(hidden, true)).toMatchObject({ frames: [{ bytes: cjt188 }], noiseBytes: 4 });
});

test("the rest is bounded whatever arrives, and no byte is counted twice", () => {
  const random = mulberry32(7);
  for (let round = 0; round < 300; round += 1) {
    const bytes = Uint8Array.from({ length: 4_000 }, () => {
      const dice = Math.floor(random() * 260);
      return dice > 255 ? 0x68 : dice;
    });
    const { frames, rest, greetings, noiseBytes } = splitFrames(bytes);
    expect(greetings).toBe(0);
    expect(rest.length).toBeLessThan(streamFrameBytesMax);
    const taken = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
    expect(taken + rest.length + noiseBytes).toBeLessThanOrEqual(bytes.length);
  }
});

test("a megabyte of beginnings costs no more than its bytes", () => {
  const worst = new Uint8Array(1_000_000).fill(0x68);
  const startedAt = performance.now();
  splitFrames(worst, true);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test("random and damaged streams: nothing thrown, nothing polluted", () => {
  const seeds = families.map(([, bytes]) => joined(wakeUp, bytes, cjt188));
  const answers = fuzz(seeds, 68, (bytes) => String(splitFrames(bytes).frames.length));
  expect(answers.size).toBeGreaterThan(1);
}, 60_000);
