/**
 * What is fuzzed: a line for each decoder, with frames to begin from, and generators whose frames get past lengths and
 * checksums. The one place to add another.
 */
import { candidateOf, type DecoderName } from "#decode/candidates.ts";
import { carrierNames } from "#domain/platform.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import type { Chance } from "../support/random.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import { mutated } from "./bytes.ts";
import { takeEnvelope, takeFrame, takeStream, type Taken } from "./checks.ts";
import { ciphered, dlmsPayload, mendedHdlc } from "./dlmsFrames.ts";
import { changedRadio, radioFrame } from "./radioFrames.ts";
import { seedsIn, type FuzzInput } from "./seeds.ts";
import { cat1Frame, cjt188Frame, mbusFrame, mended68 } from "./sumFrames.ts";
import {
  cborPack,
  protobufFields,
  sparkplugFields,
  tlvItems,
  uploadFields,
} from "./taggedFields.ts";
import { changedJson, mendedP1, p1Telegram } from "./textFrames.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Frames that are right. */
  readonly seeds: readonly FuzzInput[];
  /** Another frame with the lengths and checksums of its kind; the file is that of the seed. */
  readonly generate: (chance: Chance, seed: FuzzInput) => Uint8Array;
  /** A changed frame, so that the change is looked at and not the checksum alone. */
  readonly mend: (chance: Chance, changed: Uint8Array, seed: FuzzInput) => Uint8Array;
  /** `isDeep`: explain it too. */
  readonly take: (input: FuzzInput, isDeep: boolean) => Taken;
}

type Shape = Partial<Pick<FuzzTarget, "generate" | "mend">> & {
  readonly seeds: readonly FuzzInput[];
};

function frameTarget(name: DecoderName, shape: Shape): FuzzTarget {
  const { decoder } = candidateOf(name);
  const asItIs = (_chance: Chance, changed: Uint8Array) => changed;
  return {
    name,
    generate: (chance, { bytes }) => mutated(chance, bytes),
    mend: asItIs,
    take: (input, isDeep) => takeFrame(decoder, input, isDeep),
    ...shape,
  };
}

const cipherKey = bytesOfHex("000102030405060708090a0b0c0d0e0f");
const authKey = bytesOfHex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf");
const underKeys = { key: cipherKey, authKey };

/** The same frames, and the same with keys on file, whose ciphered neighbours are generated. */
function withKeys(seeds: readonly FuzzInput[]): readonly FuzzInput[] {
  return seeds.flatMap((seed) => [seed, { ...seed, file: { ...seed.file, ...underKeys } }]);
}

const mendBySum: FuzzTarget["mend"] = (_chance, changed) => mended68(changed);
const isText = ({ bytes }: FuzzInput) => bytes[0] === 0x7b || bytes[0] === 0x5b;

const frameTargets: readonly FuzzTarget[] = [
  frameTarget("json", {
    seeds: seedsIn("json"),
    generate: (chance, { bytes }) => changedJson(chance, bytes),
  }),
  frameTarget("protobuf", { seeds: seedsIn("protobuf"), generate: uploadFields }),
  frameTarget("cjt188", { seeds: seedsIn("cjt188"), generate: cjt188Frame, mend: mendBySum }),
  frameTarget("cat1", { seeds: seedsIn("cat1"), generate: cat1Frame, mend: mendBySum }),
  frameTarget("mbus", {
    seeds: seedsIn("mbus"),
    generate: (chance, { file }) => mbusFrame(chance, file.key),
    mend: mendBySum,
  }),
  frameTarget("wmbus", {
    seeds: seedsIn("wmbus"),
    generate: (chance, { file }) => radioFrame(chance, file.key),
    mend: (chance, _changed, { bytes }) => changedRadio(chance, bytes),
  }),
  frameTarget("dsmr", {
    seeds: [...withKeys(seedsIn("dsmr")), ...seedsIn("dsmrOld"), ...seedsIn("dsmrCiphered")],
    generate: (chance, { file: { key } }) => {
      const telegram = p1Telegram(chance);
      return key === undefined ? telegram : ciphered(chance, telegram, cipherKey, authKey);
    },
    mend: (_chance, changed) => mendedP1(changed),
  }),
  frameTarget("dlms", {
    seeds: [...withKeys(seedsIn("dlms")), ...seedsIn("dlmsCiphered")],
    generate: (chance, { file }) => dlmsPayload(chance, file.key, file.authKey),
    mend: (_chance, changed) => mendedHdlc(changed),
  }),
  frameTarget("lwm2m", {
    seeds: [...seedsIn("lwm2m"), ...seedsIn("lwm2mTlv"), carriedFrame()],
    generate: (chance, seed) => {
      if (isText(seed)) return changedJson(chance, seed.bytes);
      return seed.file.path === undefined ? cborPack(chance) : tlvItems(chance);
    },
  }),
  frameTarget("sparkplug", {
    seeds: seedsIn("sparkplug"),
    generate: (chance) => (chance.once(3) ? protobufFields(chance) : sparkplugFields(chance)),
  }),
];

/** CJ/T 188 in object 19. */
function carriedFrame(): FuzzInput {
  const [frame] = seedsIn("cjt188");
  const bytes = frame?.bytes ?? new Uint8Array();
  const item = Uint8Array.of(0xc8, 0, bytes.length, ...bytes);
  return { bytes: item, file: { path: "/19/0", inner: "cjt188" } };
}

const envelopes = seedsIn("carriers");
const carrierTargets = carrierNames.map((name): FuzzTarget => ({
  name,
  seeds: envelopes,
  generate: (chance, { bytes }) => changedJson(chance, bytes),
  mend: (_chance, changed) => changed,
  take: ({ bytes }) => takeEnvelope(carrierByName[name], bytes),
}));

const streamTarget: FuzzTarget = {
  name: "stream",
  seeds: [...seedsIn("cjt188"), ...seedsIn("cat1"), ...seedsIn("mbus")],
  generate: (chance) => Uint8Array.from([...cjt188Frame(chance), ...cat1Frame(chance)]),
  mend: mendBySum,
  take: ({ bytes }) => takeStream(bytes),
};

export const targets: readonly FuzzTarget[] = [...frameTargets, ...carrierTargets, streamTarget];
