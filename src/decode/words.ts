/** Every word of `mercaptan decode` in both languages. What a frame says itself stays as its decoder wrote it. */
import type { CommandReply, ValvePosition } from "#domain/telegram.ts";
import type { TextForm } from "./frameText.ts";

/** The languages of the tool. */
export const languages = ["en", "zh-CN"] as const;
export type Language = (typeof languages)[number];

/** The same words in both. */
export interface Words {
  readonly en: string;
  readonly "zh-CN": string;
}

const w = (en: string, zh: string): Words => ({ en, "zh-CN": zh });

export const headings = {
  bytes: w("bytes", "字节"),
  raw: w("raw", "原始数据"),
  field: w("field", "字段"),
  value: w("value", "值"),
  unit: w("unit", "单位"),
  readings: w("Readings", "读数"),
  replies: w("Answers to orders", "命令应答"),
  fault: w("Not decoded", "未能解码"),
  heard: w("Heard all the same", "仍可识别的内容"),
  candidates: w("What each decoder said", "各解码器的结论"),
  envelope: w("Envelope", "平台封装"),
  meter: w("meter", "表编号"),
  protocol: w("protocol", "协议"),
  event: w("event", "事件"),
  delivery: w("delivery", "投递编号"),
  sentAt: w("sent at", "发送时间"),
  path: w("path", "路径"),
  port: w("port", "端口"),
  inside: w("Frames found inside", "数据中找到的帧"),
  measuredAt: w("measured at", "计量时间"),
  volume: w("volume", "累计量"),
  flow: w("flow", "流量"),
  temperature: w("temperature", "温度"),
  pressure: w("pressure", "压力"),
  battery: w("battery", "电池"),
  signal: w("signal", "信号"),
  valve: w("valve", "阀门"),
  status: w("status", "状态"),
  address: w("address", "表地址"),
  frameId: w("frame number", "帧序号"),
  sequence: w("sequence", "序号"),
  command: w("command", "命令"),
  result: w("result", "结果"),
  reason: w("reason", "原因"),
  what: w("what", "现象"),
  means: w("means", "含义"),
  next: w("next", "下一步"),
} as const satisfies Readonly<Record<string, Words>>;

export const phrases = {
  guessed: w("guessed", "自动识别"),
  named: w("as named", "按指定"),
  bytes: w("bytes", "字节"),
  noClock: w("the meter does not say, or its clock is no date", "表未给出，或时钟不是有效日期"),
  noStatus: w("none", "无"),
  noReadings: w(
    "none: the frame is right, and says nothing of a gas register",
    "无：帧正确，但不含燃气读数",
  ),
  tableOfMetrics: w(
    "none yet: what the metrics mean is a table of the meter's model",
    "暂无：各指标的含义由表型号的映射表决定",
  ),
  moreBytes: w("more bytes", "字节未显示"),
  moreText: w("more characters", "字符未显示"),
  noise: w("bytes belong to no frame", "字节不属于任何帧"),
  notDecoded: w(
    "DL/T 645 or a diaphragm meter's own frame: recognised, and there is no decoder",
    "DL/T 645 或膜式表专用帧：可识别，但没有解码器",
  ),
  nothingFits: w(
    "No decoder takes these bytes, and they begin like the frames of none.",
    "没有解码器能识别这些字节，开头也不像任何已知的帧。",
  ),
  tryNext: w(
    "Look whether the beginning or the end was cut off, whether this is the frame itself or an envelope around it, or name the protocol with --protocol to see how far it gets. LwM2M in TLV can only be read with --path.",
    "请检查首尾是否被截断、这是帧本身还是外层封装；也可用 --protocol 指定协议，查看能解到哪里。LwM2M TLV 需要 --path。",
  ),
  repeat: w("--full shows everything", "--full 显示全部"),
} as const satisfies Readonly<Record<string, Words>>;

export const formWords: Readonly<Record<TextForm, Words>> = {
  hex: w("hexadecimal", "十六进制"),
  dump: w("a hex dump", "十六进制转储"),
  escapes: w("escaped text", "转义文本"),
  base64: w("base64", "base64"),
  text: w("text", "文本"),
  binary: w("binary", "二进制"),
  envelope: w("in the envelope", "封装内"),
};

export const valveWords: Readonly<Record<ValvePosition, Words>> = {
  open: w("open", "开 (open)"),
  closed: w("closed", "关 (closed)"),
  moving: w("moving", "动作中 (moving)"),
  fault: w("fault", "故障 (fault)"),
  unknown: w("unknown", "未知 (unknown)"),
};

export const resultWords: Readonly<Record<CommandReply["result"], Words>> = {
  accepted: w("accepted (received, not yet done)", "已接受（尚未执行）"),
  executed: w("executed", "已执行"),
  refused: w("refused", "已拒绝"),
  failed: w("failed", "失败"),
};

/** Messages about how the tool was called. */
export const usageWords = {
  nothing: w(
    "nothing to decode: give a frame, --file, or a pipe on standard input",
    "没有可解码的内容：请给出帧、--file，或从标准输入传入",
  ),
  twice: w("give a frame or --file, not both", "帧与 --file 只能给一个"),
  tooLarge: w("the input is larger than", "输入超过"),
  unreadable: w("cannot be read", "无法读取"),
  noVariable: w("there is no environment variable", "没有环境变量"),
  badKey: w(
    "is not a key: 32 hexadecimal digits or 16 bytes",
    "不是密钥：应为 32 位十六进制数字或 16 字节",
  ),
  oddDigits: w(
    "an odd number of hexadecimal digits: one is missing, or one too many",
    "十六进制位数为奇数：少一位或多一位",
  ),
} as const satisfies Readonly<Record<string, Words>>;
