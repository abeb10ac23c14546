/** Cuts what a broker writes into MQTT frames. */

/** Types of MQTT 3.1.1, 2.2.1, that a meter may be sent. */
export const frameTypes = Object.freeze({ connack: 2, publish: 3, puback: 4, suback: 9 });

const nothing = Buffer.alloc(0);

export class FrameReader {
  readonly #take: (type: number, body: Buffer) => void;
  #rest: Buffer = nothing;

  constructor(take: (type: number, body: Buffer) => void) {
    this.#take = take;
  }

  push(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const end = frameEnd(data, at);
      if (end === null || end.at > data.length) break;
      this.#take((data[at] ?? 0) >> 4, data.subarray(end.bodyAt, end.at));
      at = end.at;
    }
    this.#rest = at === data.length ? nothing : data.subarray(at);
  }
}

function frameEnd(
  data: Buffer,
  from: number,
): { readonly bodyAt: number; readonly at: number } | null {
  let length = 0;
  for (let place = 1; from + place < data.length; place += 1) {
    const byte = data[from + place] ?? 0;
    length += (byte & 0x7f) * 128 ** (place - 1);
    const bodyAt = from + place + 1;
    if (byte < 0x80) return { bodyAt, at: bodyAt + length };
  }
  return null;
}
