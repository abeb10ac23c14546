/**
 * Plain data (records, lists, texts, numbers) as a string with a byte a letter, in a fraction of its room: a number
 * stands for a record's list of names, and for what many have in common. What comes out is what went in. Only for
 * memory: to another program the numbers mean nothing.
 */
import { invariant } from "#domain/invariant.ts";

/** Our proposals; what is beyond them is not packed. */
const packLimits = Object.freeze({
  /** Lists of names, and what these begin with. */
  beginningsMax: 4_096,
  bytesMax: 16_384,
});

/** The first byte of a value; one below 128 is that number. */
const tags = Object.freeze({
  /** 129 to 135: a whole number in one to seven bytes, the lowest first. */
  whole: 128,
  real: 136,
  null: 137,
  undefined: 138,
  true: 139,
  false: 140,
  text: 141,
  record: 142,
  list: 143,
  common: 144,
});

type Fields = Record<string, unknown>;

/** Records with the same names in the same order. */
interface Kind {
  readonly no: number;
  readonly names: readonly string[];
  /** To be copied and filled. */
  readonly empty: Readonly<Fields>;
}

/** How kinds are found: name by name. */
interface Beginning {
  readonly names: readonly string[];
  readonly longer: Map<string, Beginning>;
  /** null: no record has ended here. */
  kind: Kind | null;
}

function beginning(names: readonly string[]): Beginning {
  return { names, longer: new Map(), kind: null };
}

export class TreePacker {
  readonly #common: readonly object[];
  readonly #commonNo: ReadonlyMap<unknown, number>;
  readonly #nameless = beginning([]);
  #beginnings = 0;
  readonly #kinds: Kind[] = [];
  readonly #bytes = Buffer.alloc(packLimits.bytesMax);
  readonly #real = new DataView(new ArrayBuffer(8));
  #used = 0;
  #isFit = true;
  #packed = "";

  /** `common`: objects that are never copied; they come out as themselves. */
  constructor(common: readonly object[]) {
    this.#common = common;
    this.#commonNo = new Map(common.map((one, no) => [one, no]));
  }

  /** undefined: too large, of too many kinds, or no plain data. */
  pack(value: unknown): string | undefined {
    this.#used = 0;
    this.#isFit = true;
    this.#put(value);
    if (!this.#isFit || this.#used > packLimits.bytesMax) return undefined;
    return this.#bytes.toString("latin1", 0, this.#used);
  }

  unpack(packed: string): unknown {
    this.#packed = packed;
    this.#used = 0;
    return this.#take();
  }

  #put(value: unknown): void {
    if (typeof value === "number") this.#putNumber(value);
    else if (value === null) this.#putByte(tags.null);
    else if (typeof value === "object") this.#putObject(value);
    else if (typeof value === "string") this.#putText(value);
    else if (value === undefined) this.#putByte(tags.undefined);
    else if (typeof value === "boolean") this.#putByte(value ? tags.true : tags.false);
    else this.#isFit = false;
  }

  /** What is beyond the room is not kept, only counted. */
  #putByte(byte: number): void {
    this.#bytes[this.#used] = byte;
    this.#used += 1;
  }

  #putNumber(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) {
      this.#putByte(tags.real);
      this.#real.setFloat64(0, value);
      for (let at = 0; at < 8; at += 1) this.#putByte(this.#real.getUint8(at));
      return;
    }
    if (value < 128) {
      this.#putByte(value);
      return;
    }
    const tagAt = this.#used;
    this.#putByte(tags.whole);
    let left = value;
    for (; left > 0xffff_ffff; left = Math.floor(left / 256)) this.#putByte(left % 256);
    for (; left > 0; left >>>= 8) this.#putByte(left & 0xff);
    this.#bytes[tagAt] = tags.whole + this.#used - tagAt - 1;
  }

  #putText(text: string): void {
    this.#putByte(tags.text);
    this.#putNumber(text.length);
    for (let at = 0; at < text.length; at += 1) this.#putNumber(text.charCodeAt(at));
  }

  #putObject(value: object): void {
    const common = this.#commonNo.get(value);
    if (common !== undefined) {
      this.#putByte(tags.common);
      this.#putNumber(common);
    } else if (Array.isArray(value)) {
      this.#putByte(tags.list);
      this.#putNumber(value.length);
      for (const item of value) this.#put(item);
    } else this.#putRecord(value as Fields);
  }

  #putRecord(fields: Fields): void {
    const kind = this.#kindOf(fields);
    if (kind === undefined) {
      this.#isFit = false;
      return;
    }
    this.#putByte(tags.record);
    this.#putNumber(kind.no);
    for (const name of kind.names) this.#put(fields[name]);
  }

  #kindOf(fields: Fields): Kind | undefined {
    let begun = this.#nameless;
    for (const name in fields) {
      const longer = begun.longer.get(name) ?? this.#lengthen(begun, name);
      if (longer === undefined) return undefined;
      begun = longer;
    }
    begun.kind ??= this.#newKind(begun.names);
    return begun.kind;
  }

  #newKind(names: readonly string[]): Kind {
    // Parsed, so that even the name `__proto__` is a field like any other.
    const text = names.map((name) => `${JSON.stringify(name)}:null`).join();
    const kind = { no: this.#kinds.length, names, empty: JSON.parse(`{${text}}`) as Fields };
    this.#kinds.push(kind);
    return kind;
  }

  #lengthen({ names, longer }: Beginning, name: string): Beginning | undefined {
    if (this.#beginnings >= packLimits.beginningsMax) return undefined;
    this.#beginnings += 1;
    const next = beginning([...names, name]);
    longer.set(name, next);
    return next;
  }

  #take(): unknown {
    const tag = this.#takeByte();
    if (tag < 128) return tag;
    switch (tag) {
      case tags.real:
        for (let at = 0; at < 8; at += 1) this.#real.setUint8(at, this.#takeByte());
        return this.#real.getFloat64(0);
      case tags.null:
        return null;
      case tags.undefined:
        return undefined;
      case tags.true:
        return true;
      case tags.false:
        return false;
      case tags.text:
        return this.#takeText();
      case tags.record:
        return this.#takeRecord();
      case tags.list:
        return Array.from({ length: this.#takeNumber() }, () => this.#take());
      case tags.common:
        return this.#common[this.#takeNumber()];
      default:
        return this.#takeWhole(tag);
    }
  }

  #takeByte(): number {
    const byte = this.#packed.charCodeAt(this.#used);
    this.#used += 1;
    return byte;
  }

  #takeNumber(): number {
    const tag = this.#takeByte();
    return tag < 128 ? tag : this.#takeWhole(tag);
  }

  #takeWhole(tag: number): number {
    let [value, factor] = [0, 1];
    for (let left = tag - tags.whole; left > 0; left -= 1) {
      value += this.#takeByte() * factor;
      factor *= 256;
    }
    return value;
  }

  #takeText(): string {
    let text = "";
    for (let left = this.#takeNumber(); left > 0; left -= 1) {
      text += String.fromCharCode(this.#takeNumber());
    }
    return text;
  }

  #takeRecord(): Fields {
    const kind = this.#kinds[this.#takeNumber()];
    invariant(kind !== undefined, "a packed record is of a known kind");
    const fields = { ...kind.empty };
    for (const name of kind.names) fields[name] = this.#take();
    return fields;
  }
}
