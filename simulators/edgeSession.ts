/** The connection of a simulated edge node: its will, subscriptions and births, and answers to orders. */
import { connectAsync, type MqttClient } from "mqtt";
import type { EdgeMessage, EdgeNode } from "./edgeNode.ts";
import type { Broker } from "./session.ts";

export interface EdgeLogin {
  readonly secret: string;
  /** Of the host application that it waits for. */
  readonly hostId: string;
  /** False: it goes on as if nothing had happened, and gives no birth. */
  readonly givesBirth?: boolean;
}

const keepAliveSeconds = 60;

/** A connected node. What it said and heard can be looked at. */
export class EdgeSession {
  readonly heard: EdgeMessage[] = [];
  readonly #client: MqttClient;
  readonly #node: EdgeNode;
  readonly #nowMs: () => number;

  private constructor(client: MqttClient, node: EdgeNode, nowMs: () => number) {
    this.#client = client;
    this.#node = node;
    this.#nowMs = nowMs;
  }

  /** Resolves when the host is there and the births are said. */
  static async open(
    broker: Broker,
    node: EdgeNode,
    login: EdgeLogin,
    nowMs: () => number,
  ): Promise<EdgeSession> {
    const will = node.newSession();
    const client = await connectAsync({
      protocol: "mqtt",
      host: broker.host,
      port: broker.port,
      clientId: node.id,
      username: node.id,
      password: login.secret,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      keepalive: keepAliveSeconds,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: false },
    });
    client.on("error", () => undefined);
    const session = new EdgeSession(client, node, nowMs);
    await session.#begin(login);
    return session;
  }

  /** Says it at the quality of service of the standard: nobody confirms. */
  async say(message: EdgeMessage): Promise<void> {
    await this.#client.publishAsync(message.topic, Buffer.from(message.payload), { qos: 0 });
  }

  /** The network breaks: the broker says the will. */
  async breakOff(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #begin({ hostId, givesBirth = true }: EdgeLogin): Promise<void> {
    const { group, id } = this.#node;
    const stateTopic = `spBv1.0/STATE/${hostId}`;
    const isThere = new Promise<void>((resolve) => {
      this.#client.on("message", (topic, payload) => {
        if (topic === stateTopic && String(payload).includes('"online":true')) resolve();
        else void this.#obey({ topic, payload });
      });
    });
    const orders = [`spBv1.0/${group}/NCMD/${id}`, `spBv1.0/${group}/DCMD/${id}/+`];
    await this.#client.subscribeAsync([...orders, stateTopic], { qos: 1 });
    await isThere;
    if (!givesBirth) return;
    for (const message of this.#node.births(this.#nowMs())) await this.say(message);
  }

  async #obey(message: EdgeMessage): Promise<void> {
    this.heard.push(message);
    for (const answer of this.#node.hear(message, this.#nowMs())) await this.say(answer);
  }
}
