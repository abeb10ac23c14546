/**
 * A meter that speaks CAT-1 over TCP: it connects, reports, obeys an order that comes in the answer's place, and
 * sleeps when it is told to. It counts its own valve movements.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { statusBits } from "#domain/status.ts";
import { emptyReading, type CommandReply, type ValvePosition } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { decodeCat1Request, type Cat1Request } from "#protocols/cat1/requests.ts";
import { encodeCat1Uplink } from "#protocols/cat1/uplink.ts";
import { greeting, splitFrames } from "#protocols/codec/frameStream.ts";

/** What one connection came to. */
export interface Cat1Call {
  /** It was told to sleep: its report is stored. */
  readonly isStored: boolean;
  readonly wasOrdered: boolean;
}

export class Cat1Meter {
  readonly #address: string;
  readonly #port: number;
  valve: ValvePosition = "open";
  valveMovements = 0;
  litres = 1_000;
  hasMagnet = false;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
  }

  /** Wakes up once; resolves when the connection is over. */
  async call(measuredAtMs: number): Promise<Cat1Call> {
    const socket = connect(this.#port, "127.0.0.1");
    await once(socket, "connect");
    let isStored = false;
    let wasOrdered = false;
    let rest: Uint8Array = new Uint8Array();
    socket.on("data", (chunk) => {
      const split = splitFrames(Buffer.concat([rest, chunk]));
      rest = split.rest;
      for (const { bytes } of split.frames) {
        const heard = decodeCat1Request(bytes);
        if (!heard.ok) continue;
        if (heard.value.kind === "valve") {
          wasOrdered = true;
          socket.write(this.#obey(heard.value, measuredAtMs));
        } else if (heard.value.kind === "reportAnswer" && heard.value.power === "sleep") {
          isStored = true;
          socket.end();
        }
      }
    });
    socket.on("error", () => socket.destroy());
    socket.write(greeting);
    socket.write(this.#report(measuredAtMs));
    await once(socket, "close");
    return { isStored, wasOrdered };
  }

  #report(measuredAtMs: number): Uint8Array {
    const reading = {
      ...emptyReading,
      measuredAtMs: timestampMs(measuredAtMs),
      volume: { ml: volumeMl(this.litres * 1_000), count: this.litres, exponent: -3 },
      valve: this.valve,
      status: this.hasMagnet ? statusBits.magnet : 0,
    };
    return this.#frame([reading], []);
  }

  #obey(order: Extract<Cat1Request, { kind: "valve" }>, measuredAtMs: number): Uint8Array {
    if (order.operation === "close" && this.valve !== "closed") {
      this.valve = "closed";
      this.valveMovements += 1;
    }
    const reply: CommandReply = {
      commandId: null,
      sequence: order.instruction & 0xff,
      result: "executed",
      reason: null,
      valve: null,
    };
    return this.#frame([{ ...emptyReading, measuredAtMs: timestampMs(measuredAtMs) }], [reply]);
  }

  #frame(
    readings: Parameters<typeof encodeCat1Uplink>[0]["readings"],
    replies: readonly CommandReply[],
  ): Uint8Array {
    return encodeCat1Uplink({ address: this.#address, frameId: null, readings, replies });
  }
}
