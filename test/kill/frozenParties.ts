/** Those who stop reading: followers of the live feed, and meters on a link that takes nothing more. */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { generate } from "mqtt-packet";
import WebSocket from "ws";
import type { Credential } from "../bench/service.ts";
import type { Victim } from "./victim.ts";

/** A follower of the live feed that notes every sequence it was given. */
export interface Follower {
  readonly seqs: number[];
  /** From now on its socket is not read. */
  freeze(): void;
  /** Reads what had already reached this machine; resolves when the connection has ended. */
  thaw(): Promise<void>;
  close(): void;
}

interface LiveEvent {
  readonly seq?: number;
}

export type Follow = (victim: Victim, after: number | null) => Promise<Follower>;

/** Over a WebSocket. */
export const followSocket: Follow = async (victim, after) => {
  const query = after === null ? "" : `?after=${after}`;
  const url = `${victim.api.replace("http", "ws")}/v1/live${query}`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${victim.key}` } });
  const seqs: number[] = [];
  socket.on("message", (data: Buffer) => note(seqs, data.toString()));
  // Being cut in the middle of a frame is what this is about.
  socket.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await once(socket, "open");
  return {
    seqs,
    freeze: () => socket.pause(),
    thaw: () => {
      socket.resume();
      return ended;
    },
    close: () => socket.terminate(),
  };
};

/** As server-sent events. */
export const followEvents: Follow = async (victim, after) => {
  const headers: Record<string, string> = { authorization: `Bearer ${victim.key}` };
  if (after !== null) headers["last-event-id"] = String(after);
  const request = get(`${victim.api}/v1/live/sse`, { headers, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const seqs: number[] = [];
  let rest = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    const messages = (rest + text).split("\n\n");
    rest = messages.pop() ?? "";
    for (const message of messages) note(seqs, message.slice(message.indexOf("data: ") + 6));
  });
  response.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => response.once("close", () => resolve()));
  return {
    seqs,
    freeze: () => response.pause(),
    thaw: () => {
      response.resume();
      return ended;
    },
    close: () => response.destroy(),
  };
};

function note(seqs: number[], json: string): void {
  const { seq } = JSON.parse(json) as LiveEvent;
  if (seq !== undefined) seqs.push(seq);
}

const chatterEveryMs = 5;
/** 60,000 a second at most: the kernel holds some megabytes of answers before anybody feels that they are not read. */
const pingsAtOnce = 300;

/** A meter that listens for commands and then reads no more. */
export class FrozenMeter {
  readonly id: string;
  readonly #secret: string;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor({ id, secret }: Credential) {
    this.id = id;
    this.#secret = secret;
  }

  /** Logs in, subscribes, and freezes when that is confirmed. */
  async freeze(port: number, keepAliveSeconds: number): Promise<void> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket = socket;
    socket.on("error", () => socket.destroy());
    socket.write(
      generate({
        cmd: "connect",
        clientId: this.id,
        clean: true,
        keepalive: keepAliveSeconds,
        username: this.id,
        password: Buffer.from(this.#secret),
      }),
    );
    await once(socket, "data");
    const subscriptions = [{ topic: `meters/${this.id}/down/json`, qos: 1 as const }];
    socket.write(generate({ cmd: "subscribe", messageId: 1, subscriptions }));
    await once(socket, "data");
    socket.pause();
  }

  /** Asks for signs of life again and again, and reads none of them. */
  chatter(): void {
    const pings = Buffer.concat(
      Array.from({ length: pingsAtOnce }, () => generate({ cmd: "pingreq" })),
    );
    this.#timer = setInterval(() => {
      const socket = this.#socket;
      if (socket !== null && !socket.destroyed && !socket.writableNeedDrain) socket.write(pings);
    }, chatterEveryMs);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#socket?.destroy();
  }
}
