/**
 * A Sparkplug B edge node with gas meters behind it: what it says, and how it misbehaves when told to.
 * No socket and no clock. Its valves close and count their movements; there is no way to open one from outside.
 */
import { numberOfDataType, type DataType } from "#protocols/sparkplug/dataTypes.ts";
import { decodePayload, encodePayload, type PayloadDraft } from "#protocols/sparkplug/payload.ts";
import { parseTopic, printTopic, type SparkplugTopic } from "#protocols/sparkplug/topic.ts";

export interface EdgeMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** One meter behind the node; the test moves its register and its leak. */
export interface EdgeMeter {
  readonly name: string;
  litres: number;
  hasLeak: boolean;
  isBatteryLow: boolean;
  /** It opens at the meter, by hand, and nowhere else. */
  isOpen: boolean;
  movements: number;
}

export type EdgeMetric = "Volume" | "Valve" | "Leak" | "Battery/Low" | "Valve/Close";

const metricTypes = {
  Volume: "UInt64",
  Valve: "String",
  Leak: "Boolean",
  "Battery/Low": "Boolean",
  "Valve/Close": "Boolean",
} as const satisfies Record<EdgeMetric, DataType>;
const metricNames = Object.keys(metricTypes) as readonly EdgeMetric[];

/** How one message of data is said. */
export interface DataWish {
  readonly metrics?: readonly EdgeMetric[];
  readonly atMs: number;
  /** Out of the node's memory. */
  readonly isHistorical?: boolean;
  /** False: the names are written out. */
  readonly byAlias?: boolean;
}

type MetricDraft = PayloadDraft["metrics"][number];

const seqCount = 256;

export class EdgeNode {
  readonly group: string;
  readonly id: string;
  readonly meters: readonly EdgeMeter[];
  #seq = 0;
  #bdSeq = 0n;
  /** Where the next aliases begin: after a restart a node may give others. */
  #aliasBase = 0;

  constructor(group: string, id: string, names: readonly string[]) {
    this.group = group;
    this.id = id;
    this.meters = names.map((name, place) => ({
      name,
      litres: 1_000_000 + place * 1_000,
      hasLeak: false,
      isBatteryLow: false,
      isOpen: true,
      movements: 0,
    }));
  }

  meter(name: string): EdgeMeter {
    const meter = this.meters.find((one) => one.name === name);
    if (meter === undefined) throw new RangeError(`no meter ${name} behind the node`);
    return meter;
  }

  /** The will of a connection that is about to be made. */
  newSession(): EdgeMessage {
    this.#bdSeq = (this.#bdSeq + 1n) % BigInt(seqCount);
    return this.death();
  }

  death(bdSeq: bigint = this.#bdSeq): EdgeMessage {
    return {
      topic: this.#topic("NDEATH"),
      payload: encodePayload({ timestamp: 0n, metrics: [bdSeqMetric(bdSeq)] }),
    };
  }

  /** The node's own birth: the sequence begins again. */
  nodeBirth(atMs: number): EdgeMessage {
    this.#seq = 0;
    const control = { name: "Node Control/Rebirth", booleanValue: false, ...typed("Boolean") };
    return this.#say("NBIRTH", null, atMs, [bdSeqMetric(this.#bdSeq), control]);
  }

  meterBirth(name: string, atMs: number): EdgeMessage {
    const metrics = metricNames.map((metric) => ({
      ...this.#metric(name, metric, atMs),
      name: metric,
    }));
    return this.#say("DBIRTH", name, atMs, metrics);
  }

  meterDeath(name: string, atMs: number): EdgeMessage {
    return this.#say("DDEATH", name, atMs, []);
  }

  births(atMs: number): readonly EdgeMessage[] {
    return [this.nodeBirth(atMs), ...this.meters.map(({ name }) => this.meterBirth(name, atMs))];
  }

  data(name: string, wish: DataWish): EdgeMessage {
    const { metrics = ["Volume", "Valve", "Leak", "Battery/Low"], atMs } = wish;
    const drafts = metrics.map((metric): MetricDraft => {
      const draft = this.#metric(name, metric, atMs);
      const { alias: _alias, ...named } = { ...draft, name: metric };
      return {
        ...(wish.byAlias === false ? named : draft),
        ...(wish.isHistorical === true ? { isHistorical: true } : {}),
      };
    });
    return this.#say("DDATA", name, atMs, drafts);
  }

  /** A message that never leaves: the next one leaves a gap. */
  loseOne(): void {
    this.#seq = (this.#seq + 1) % seqCount;
  }

  /** The node forgets everything and gives other aliases at its next birth. */
  restart(): void {
    this.#aliasBase += 1_000;
  }

  /** What it answers to an order; a valve that is shut does not move again. */
  hear({ topic, payload }: EdgeMessage, atMs: number): readonly EdgeMessage[] {
    const parsed = parseTopic(topic);
    const decoded = decodePayload(payload);
    if (parsed === undefined || !decoded.ok) return [];
    const isSet = (wanted: string) =>
      decoded.value.metrics.some(({ name, wire }) => name === wanted && wire.booleanValue === true);
    if (parsed.type === "NCMD" && isSet("Node Control/Rebirth")) return this.births(atMs);
    if (parsed.type !== "DCMD" || !isSet("Valve/Close")) return [];
    const meter = this.meter(parsed.device);
    if (meter.isOpen) meter.movements += 1;
    meter.isOpen = false;
    return [this.data(meter.name, { metrics: ["Volume", "Valve"], atMs })];
  }

  #metric(name: string, metric: EdgeMetric, atMs: number): MetricDraft {
    const meter = this.meter(name);
    const place = this.meters.indexOf(meter) * metricNames.length + metricNames.indexOf(metric);
    const values: Record<EdgeMetric, MetricDraft> = {
      Volume: { longValue: BigInt(meter.litres) },
      Valve: { stringValue: meter.isOpen ? "OPEN" : "CLOSED" },
      Leak: { booleanValue: meter.hasLeak },
      "Battery/Low": { booleanValue: meter.isBatteryLow },
      "Valve/Close": { booleanValue: false },
    };
    const alias = BigInt(this.#aliasBase + place + 1);
    return { ...typed(metricTypes[metric]), alias, timestamp: BigInt(atMs), ...values[metric] };
  }

  #say(
    type: "NBIRTH" | "DBIRTH" | "DDATA" | "DDEATH",
    device: string | null,
    atMs: number,
    metrics: readonly MetricDraft[],
  ): EdgeMessage {
    const seq = BigInt(this.#seq);
    this.loseOne();
    const payload = encodePayload({ timestamp: BigInt(atMs), metrics, seq });
    return { topic: this.#topic(type, device), payload };
  }

  #topic(type: "NBIRTH" | "NDEATH" | "DBIRTH" | "DDATA" | "DDEATH", device: string | null = null) {
    const { group, id: edge } = this;
    return printTopic({ type, group, edge, device } as SparkplugTopic);
  }
}

function typed(type: DataType): { readonly datatype: number } {
  return { datatype: numberOfDataType(type) };
}

function bdSeqMetric(bdSeq: bigint): MetricDraft {
  return { name: "bdSeq", longValue: bdSeq, ...typed("Int64") };
}

/** As it reaches the engine: the topic, a line feed, the payload. */
export function uplinkBytes({ topic, payload }: EdgeMessage): Uint8Array {
  return Buffer.concat([Buffer.from(`${topic}\n`), payload]);
}
