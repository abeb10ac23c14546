/** What must hold for any bytes: no throw, the same answer for programs and people, nothing that is no number. */
import { hasStatus, urgentStatus } from "#domain/status.ts";
import { valvePositions, type DecodedReading, type Telegram } from "#domain/telegram.ts";
import type { Carrier } from "#protocols/carriers/contract.ts";
import { splitFrames } from "#protocols/codec/frameStream.ts";
import { reasonOf } from "#protocols/contract.ts";
import type { FrameDecoder } from "#decode/candidates.ts";
import type { FuzzInput } from "./seeds.ts";

/** What a decoder made of an input: its answer, and what is wrong with that; null: nothing. */
export interface Taken {
  readonly answer: string;
  readonly trouble: string | null;
}

const fine = (answer: string): Taken => ({ answer, trouble: null });
const wrong = (answer: string, trouble: string): Taken => ({ answer, trouble });

/** Decode, the cheap look, and now and then the explanation. */
export function takeFrame(
  decoder: FrameDecoder,
  { bytes, file }: FuzzInput,
  isDeep: boolean,
): Taken {
  const decoded = decoder.decode(bytes, file);
  const answer = decoded.ok ? "taken" : reasonOf(decoded.fault);
  const isUrgent = decoder.mayBeUrgent(bytes, file);
  if (isDeep) {
    const { fields, fault } = decoder.explain(bytes, file);
    const said = JSON.stringify(fault);
    const should = JSON.stringify(decoded.ok ? null : decoded.fault);
    if (said !== should) return wrong(answer, `explained as ${said}, decoded as ${should}`);
    const outside = fields.find(({ from, to }) => from < 0 || to > bytes.length || from > to);
    if (outside !== undefined) return wrong(answer, `field ${outside.name} is outside the bytes`);
  }
  if (!decoded.ok) return fine(answer);
  const { readings, replies } = decoded.value;
  const isToldUrgent = readings.some(
    ({ status }) => status !== null && hasStatus(status, urgentStatus),
  );
  if (!isUrgent && (isToldUrgent || replies.length > 0)) return wrong(answer, "urgent, not seen");
  const trouble = telegramTrouble(decoded.value);
  return trouble === null ? fine(answer) : wrong(answer, trouble);
}

/** A number that is none, a volume that is no safe integer, a position that nobody knows. */
function telegramTrouble({ readings, frameId }: Telegram): string | null {
  if (frameId !== null && !Number.isSafeInteger(frameId)) return `frame number ${frameId}`;
  for (const reading of readings) {
    const trouble = readingTrouble(reading);
    if (trouble !== null) return trouble;
  }
  return null;
}

function readingTrouble({ volume, valve, ...numbers }: DecodedReading): string | null {
  if (volume !== null && !Number.isSafeInteger(volume.ml)) return `volume ${volume.ml}`;
  if (volume !== null && !Number.isSafeInteger(volume.count)) return `count ${volume.count}`;
  if (valve !== null && !valvePositions.includes(valve)) return `valve ${valve}`;
  const odd = Object.entries(numbers).find(
    ([, value]) => value !== null && !Number.isSafeInteger(value),
  );
  return odd === undefined ? null : `${odd[0]} ${odd[1]}`;
}

/** An envelope opens to one frame or event, and splits into envelopes that open as they are. */
export function takeEnvelope(carrier: Carrier, bytes: Uint8Array): Taken {
  const opened = carrier.open(bytes);
  const parts = carrier.split(bytes);
  if (!opened.ok) return fine(reasonOf(opened.fault));
  const { inner, event } = opened.value;
  if ((inner === null) === (event === null)) return wrong("taken", "neither a frame nor an event");
  if (!parts.ok || parts.value.length === 0) return wrong("taken", "opened, and has no parts");
  return fine("taken");
}

/** Frames, rest and noise together are the bytes; what is left over is kept for the next ones. */
export function takeStream(bytes: Uint8Array): Taken {
  const { frames, rest, noiseBytes } = splitFrames(bytes);
  const framed = frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
  const total = framed + rest.length + noiseBytes;
  if (total > bytes.length) return wrong(String(frames.length), "more bytes than there are");
  const ended = splitFrames(bytes, true);
  if (ended.rest.length > 0) return wrong(String(frames.length), "a rest behind the end");
  return fine(`${Math.min(frames.length, 3)} frames`);
}
