/**
 * The contexts of all meters. Most are awake: an object. In a fleet too large for that the others rest, packed, in a
 * quarter of the room, and wake at their turn.
 */
import { initialContext, type MeterContext } from "./context.ts";
import { TreePacker } from "./packedTree.ts";

/** So many awake are about 260 MB: a fleet of this size never rests. Our proposal. */
const awakeMaxUsual = 200_000;

/** What the look of every second needs of a meter, also of one that rests. */
export interface Glance extends Pick<MeterContext, "lastReceivedAtMs" | "live" | "silent"> {
  readonly valve: Pick<MeterContext["valve"], "position">;
}

interface Resting extends Pick<Glance, "lastReceivedAtMs"> {
  readonly packed: string;
  readonly position: Glance["valve"]["position"];
}

const nothing = Object.freeze({});

export class Contexts {
  readonly #awakeMax: number;
  /** Those that may rest, in the order in which they woke. */
  readonly #awake = new Map<number, MeterContext>();
  /** Whoever something stands about, which time alone may change; and who cannot be packed. */
  readonly #standing = new Map<number, MeterContext>();
  readonly #resting = new Map<number, Resting>();
  readonly #packer = new TreePacker(objectsIn(initialContext));
  /** Goes round among those awake, so that none is looked for among the many that have gone. */
  #hand = this.#awake.entries();

  constructor(awakeMax = awakeMaxUsual) {
    this.#awakeMax = awakeMax;
  }

  get(meterNo: number): MeterContext | undefined {
    const awake = this.#awake.get(meterNo) ?? this.#standing.get(meterNo);
    if (awake !== undefined) return awake;
    const resting = this.#resting.get(meterNo);
    if (resting === undefined) return undefined;
    const context = this.#packer.unpack(resting.packed) as MeterContext;
    this.set(meterNo, context);
    return context;
  }

  /** Wakes nobody. */
  glance(meterNo: number): Glance | undefined {
    const resting = this.#resting.get(meterNo);
    if (resting === undefined) return this.get(meterNo);
    const { lastReceivedAtMs, position } = resting;
    return { lastReceivedAtMs, live: nothing, silent: nothing, valve: { position } };
  }

  set(meterNo: number, context: MeterContext): void {
    this.#resting.delete(meterNo);
    const isStanding = stands(context);
    (isStanding ? this.#awake : this.#standing).delete(meterNo);
    (isStanding ? this.#standing : this.#awake).set(meterNo, context);
  }

  delete(meterNo: number): void {
    for (const some of [this.#awake, this.#standing, this.#resting]) some.delete(meterNo);
  }

  /** Between two batches: whoever is too many lies down. */
  rest(): void {
    while (this.#awake.size > this.#awakeMax) {
      const { done, value } = this.#hand.next();
      if (done === true) {
        this.#hand = this.#awake.entries();
        continue;
      }
      const [meterNo, context] = value;
      const packed = this.#packer.pack(context);
      this.#awake.delete(meterNo);
      const { lastReceivedAtMs, valve } = context;
      if (packed === undefined) this.#standing.set(meterNo, context);
      else this.#resting.set(meterNo, { packed, lastReceivedAtMs, position: valve.position });
    }
  }
}

/** An alarm, an entry of a work list, or an order. */
function stands({ live, silent, valve }: MeterContext): boolean {
  for (const _rule in live) return true;
  for (const _rule in silent) return true;
  return valve.outstanding !== null;
}

/** It, and all that it is made of. */
function objectsIn(value: object): readonly object[] {
  const parts: readonly unknown[] = Object.values(value);
  return [value, ...parts.flatMap((part) => (isObject(part) ? objectsIn(part) : []))];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
