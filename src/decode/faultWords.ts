/** What a fault is, what its public reason code means, and what a meter engineer does next; as tables. */
import type { QuarantineReason } from "#domain/quarantine.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import type { Words } from "./words.ts";

const w = (en: string, zh: string): Words => ({ en, "zh-CN": zh });

/** A reason code for people. */
export interface ReasonWords {
  readonly means: Words;
  readonly next: Words;
}

export const reasonWords: Readonly<Record<QuarantineReason, ReasonWords>> = {
  TRUNCATED: {
    means: w("the frame ends before its own length says", "帧在其长度所示之前就结束了"),
    next: w(
      "look whether the capture was cut, or whether the rest came in the next segment: join them and decode again",
      "检查抓包是否被截断，或其余部分在下一段中：拼接后再解码",
    ),
  },
  CHECKSUM: {
    means: w(
      "a byte changed on the way, was typed wrongly, or the bytes are another kind of frame",
      "传输中有字节改变、抄录有误，或这是另一种帧",
    ),
    next: w(
      "compare with the capture; if every frame of this model fails, its checksum is made in another way: keep some and ask the maker",
      "与原始抓包比对；若该型号的帧全部失败，则其校验算法不同：请保留样本并询问厂家",
    ),
  },
  LENGTH: {
    means: w("a length in the frame does not fit its bytes", "帧内长度与字节数不符"),
    next: w(
      "look for bytes in front or behind (preamble, gateway header, line end), or two frames in one",
      "检查前后是否有多余字节（前导、网关头、换行），或两帧连在一起",
    ),
  },
  BCD: {
    means: w("digits that are none stand in a register", "寄存器中的数字不是有效的 BCD"),
    next: w(
      "FF FF FF FF is a register before calibration: look at the meter; never take it as 0",
      "FF FF FF FF 表示未标定：请检查表具，切勿当作 0",
    ),
  },
  UNSUPPORTED: {
    means: w(
      "the frame is whole, and of a kind that holds no reading that we know",
      "帧完整，但属于不含已知读数的类型",
    ),
    next: w(
      "an order to a meter and an acknowledgement hold none; for another kind look into the protocol's README for what is left out",
      "下行命令和应答本来就不含读数；其他类型请查看该协议 README 中未支持的部分",
    ),
  },
  PLAUSIBILITY: {
    means: w("a value that no gas meter can have", "燃气表不可能有的值"),
    next: w(
      "look at unit and digits of the named field; a profile of the model may be needed",
      "检查所示字段的单位与位数；可能需要该型号的配置",
    ),
  },
  SCHEMA: {
    means: w(
      "a field is missing, or is not what the standard lets it be",
      "字段缺失，或不是标准允许的值",
    ),
    next: w(
      "compare the named field with the protocol's README",
      "将所示字段与该协议的 README 比对",
    ),
  },
  DEPTH: {
    means: w("structures inside structures beyond the limit", "嵌套层数超过限制"),
    next: w("no meter sends this: look at who made the bytes", "表具不会发送这种内容：请查明来源"),
  },
  NONFINITE: {
    means: w("NaN or an infinity where a number must stand", "应为数字处是 NaN 或无穷大"),
    next: w("a fault of the meter or gateway: ask its maker", "表具或网关的缺陷：请询问厂家"),
  },
  ENCODING: {
    means: w("a text that is not UTF-8", "文本不是 UTF-8"),
    next: w(
      "look for GBK in the gateway's settings, or for binary bytes in a text",
      "检查网关是否使用 GBK，或文本中混入了二进制",
    ),
  },
  SIZE: {
    means: w("larger than the protocol's limit", "超过该协议的大小限制"),
    next: w(
      "split the upload; the limit is in docs/CONTRACT.md",
      "拆分上报；限制见 docs/CONTRACT.md",
    ),
  },
  KEY: {
    means: w(
      "the frame is ciphered, and there is no key for it here",
      "帧已加密，而这里没有它的密钥",
    ),
    next: w(
      "give key with --key-file FILE or --key-env NAME, authKey with --auth-key-file FILE or --auth-key-env NAME, systemTitle and iv in --meter-file FILE",
      "key 用 --key-file 文件 或 --key-env 变量名，authKey 用 --auth-key-file 或 --auth-key-env，systemTitle 与 iv 写在 --meter-file 文件中",
    ),
  },
  AUTH: {
    means: w(
      "the key is another one, or these are not the bytes that the meter sent",
      "密钥不对，或这不是表具发出的字节",
    ),
    next: w(
      "check the key of exactly this meter, and that the capture is whole; DLMS needs the authentication key too",
      "核对本表的密钥以及抓包是否完整；DLMS 还需要认证密钥",
    ),
  },
  REPLAY: {
    means: w(
      "its counter is below one that was seen: an old frame, sent again",
      "计数器低于已见过的值：旧帧被重发",
    ),
    next: w(
      "harmless once; many are a repeater, a reset meter, or somebody who plays frames back",
      "偶发无妨；大量出现可能是中继、表具复位，或有人重放",
    ),
  },
  BIRTH: {
    means: w(
      "metrics by number only, and the birth that names them was not heard",
      "指标只有编号，而给出名称的出生消息没有收到",
    ),
    next: w(
      "ask the edge node for a rebirth, then decode again",
      "请求边缘节点重新发送出生消息，然后重新解码",
    ),
  },
  NOT_OWNER: {
    means: w("sent by somebody who may not speak for this meter", "发送者无权代表此表"),
    next: w("check the gateway's list of meters", "检查网关的表具清单"),
  },
  UNKNOWN_METER: {
    means: w("no meter of this address is registered", "没有登记此地址的表"),
    next: w("register the meter, then decode again", "登记此表后重新解码"),
  },
  INTERNAL: {
    means: w("our own mistake", "程序自身的错误"),
    next: w("please report it with these bytes", "请附上这些字节报告给我们"),
  },
};

const hex = (number: number): string => {
  const digits = number.toString(16).toUpperCase();
  return `${digits.padStart(digits.length + (digits.length % 2), "0")}H`;
};

type Say = { readonly [Kind in DecodeFault["kind"]]: (fault: FaultOf<Kind>) => Words };
type FaultOf<Kind> = Extract<DecodeFault, { readonly kind: Kind }>;

/** A path in a text; an empty one is the whole. */
const at = (path: string): Words => (path === "" ? w("the whole", "整体") : w(path, path));

const say: Say = {
  truncated: ({ neededBytes, availableBytes }) =>
    w(
      `needs ${neededBytes} bytes, ${availableBytes} are here`,
      `需要 ${neededBytes} 字节，只有 ${availableBytes} 字节`,
    ),
  checksumMismatch: ({ expected, actual }) =>
    w(
      `the bytes sum to ${hex(expected)}, the frame says ${hex(actual)}`,
      `按字节计算为 ${hex(expected)}，帧中为 ${hex(actual)}`,
    ),
  wrongLength: ({ field, atByte }) =>
    w(`${field} at byte ${atByte}`, `字节 ${atByte} 处的 ${field}`),
  notBcd: ({ field, atByte }) => w(`${field} at byte ${atByte}`, `字节 ${atByte} 处的 ${field}`),
  unexpectedValue: ({ field, atByte }) =>
    w(`${field} at byte ${atByte}`, `字节 ${atByte} 处的 ${field}`),
  unsupported: ({ what }) => w(what, what),
  implausible: ({ field }) => w(field, field),
  schema: ({ path, problem }) =>
    w(`${at(path).en}: ${problem}`, `${at(path)["zh-CN"]}：${problem}`),
  tooDeep: ({ limit }) => w(`deeper than ${limit}`, `超过 ${limit} 层`),
  notFinite: ({ path }) => at(path),
  illFormedText: ({ path }) => at(path),
  tooLarge: ({ limitBytes }) => w(`more than ${limitBytes} bytes`, `超过 ${limitBytes} 字节`),
  keyMissing: ({ keyName }) => w(`no ${keyName}`, `缺少 ${keyName}`),
  notAuthentic: () => w("the check under this key fails", "用此密钥校验失败"),
  unexplained: ({ count }) => w(`${count} metrics without a name`, `${count} 个没有名称的指标`),
  replayed: ({ counter }) => w(`counter ${counter}`, `计数器 ${counter}`),
};

/** What exactly is wrong, with its numbers. */
export function faultWords(fault: DecodeFault): Words {
  const one = say[fault.kind] as (fault: DecodeFault) => Words;
  return one(fault);
}
