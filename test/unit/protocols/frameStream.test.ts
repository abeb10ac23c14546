/** Frames out of a stream: noise, wake-up bytes, cut frames, several in one read. */
import { describe, expect, test } from "vitest";
import { sum8 } from "#protocols/codec/layout.ts";
import {
  splitFrames,
  streamFrameBytesMax,
  type StreamProtocol,
} from "#protocols/codec/frameStream.ts";
import { sessionPreamble } from "#protocols/cat1/frame.ts";
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
const diaphragm = closed("6812345678901268010300010203");
const families: readonly (readonly [StreamProtocol, Uint8Array])[] = [
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
    expect(splitFrames(bytes)).toEqual({ frames, rest: Uint8Array.of(), noiseBytes: 0 });
    expect(splitFrames(joined(wakeUp, bytes))).toMatchObject({ frames, noiseBytes: 0 });
    const noise = Uint8Array.of(0x00, 0x16, 0x55, 0xa3);
    expect(splitFrames(joined(noise, bytes, noise))).toMatchObject({ frames, noiseBytes: 8 });
  });

  test("in pieces: kept until it is whole", () => {
    for (let length = 1; length < bytes.length; length += 1) {
      const first = splitFrames(bytes.subarray(0, length));
      expect(first).toEqual({ frames: [], rest: bytes.slice(0, length), noiseBytes: 0 });
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
  const stream = joined(sessionPreamble, ...families.flatMap(([, bytes]) => [wakeUp, bytes]));
  const { frames, rest, noiseBytes } = splitFrames(stream);
  expect(frames.map(({ protocol }) => protocol)).toEqual(families.map(([protocol]) => protocol));
  expect([rest.length, noiseBytes]).toEqual([0, 0]);
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
    const { frames, rest, noiseBytes } = splitFrames(bytes);
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
