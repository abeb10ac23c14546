/**
 * One sentence an alarm, to be read aloud, in both languages. Numbers come from the alarm's proof; a proof without
 * them (an older version of the rule) gives the sentence without numbers. No sentence may call the valve a
 * safety device. The system's own proofs: BLIND and PARKED { reason }, BREAKER { held }, R15 { outcome, detail }.
 */
import type { Alarm, Proof, RuleId } from "#domain/alarm.ts";
import { duration, flow, plain, statusWords, volume, type Phrase } from "./phrase.ts";

interface Sentence {
  readonly en: string;
  readonly zh: string;
  /** What level 2 says instead. */
  readonly worse?: Phrase;
  /** The numbers behind it; what the proof does not hold is left out. */
  readonly numbers: (proof: Proof) => readonly (Phrase | undefined)[];
}

/** What an operator reads aloud: "Meter M0001: gas leak or gas detector alarm (meter status leak)." */
export function alarmMessage(
  alarm: Alarm,
  meterId: string | null,
): { readonly en: string; readonly zh: string } {
  const sentence = sentences[alarm.rule];
  const said = alarm.level === 2 ? (sentence.worse ?? sentence) : sentence;
  const numbers = sentence.numbers(alarm.proof).filter((phrase) => phrase !== undefined);
  const en = numbers.map((phrase) => phrase.en).join(", ");
  const zh = numbers.map((phrase) => phrase.zh).join("，");
  const past = alarm.historical ? { en: "Past: ", zh: "历史记录：" } : { en: "", zh: "" };
  const who =
    meterId === null
      ? { en: "System", zh: "系统" }
      : { en: `Meter ${meterId}`, zh: `燃气表 ${meterId}` };
  return {
    en: `${past.en}${who.en}: ${said.en}${en === "" ? "" : ` (${en})`}.`,
    zh: `${past.zh}${who.zh}：${said.zh}${zh === "" ? "" : `（${zh}）`}。`,
  };
}

const flowAndLimit = (proof: Proof) => [
  flow(proof, "flowMlPerHour", { en: "flow", zh: "流量 " }),
  flow(proof, "limitMlPerHour", { en: "limit", zh: "限值 " }),
  statusWords(proof),
];

const reason = (proof: Proof) => [plain(proof, "reason", { en: "reason:", zh: "原因：" })];

const sentences: Readonly<Record<RuleId, Sentence>> = {
  R1: {
    en: "gas leak or gas detector alarm",
    zh: "燃气泄漏或外接报警器报警",
    numbers: (proof) => [statusWords(proof)],
  },
  R2: {
    en: "overload, more gas flows than the meter is made for",
    zh: "流量过载，超出燃气表额定能力",
    numbers: flowAndLimit,
  },
  R3: {
    en: "abnormally large flow for this site",
    zh: "该用户用气流量异常偏大",
    numbers: flowAndLimit,
  },
  R6: {
    en: "the gas never stops flowing, small leak possible",
    zh: "持续有微小流量，可能存在微漏",
    worse: {
      en: "the gas has not stopped flowing for a month, small leak likely",
      zh: "微小流量持续一个月以上，很可能存在微漏",
    },
    numbers: (proof) => [
      duration(proof, "flowingMs", { en: "no pause in", zh: "无间断时间 " }),
      flow(proof, "detectionFloorMlPerHour", { en: "smallest leak to be found", zh: "检出下限 " }),
      statusWords(proof),
    ],
  },
  R9: {
    en: "gas passes a valve that is reported closed, send people",
    zh: "阀门已报关闭但仍有燃气通过，请派人到场",
    numbers: (proof) => [
      volume(proof, "passedMl", { en: "passed", zh: "通过 " }),
      duration(proof, "shutMs", { en: "in", zh: "历时 " }),
      statusWords(proof),
    ],
  },
  R10: {
    en: "battery low, plan the exchange",
    zh: "电池电量低，请安排更换",
    worse: { en: "battery nearly empty, exchange it now", zh: "电池电量严重不足，请立即更换" },
    numbers: (proof) => [
      plain(proof, "batteryPct", { en: "charge", zh: "电量 " }, " %"),
      plain(proof, "batteryMv", { en: "voltage", zh: "电压 " }, " mV"),
      statusWords(proof),
    ],
  },
  R11: {
    en: "tampering suspected, inspect on site",
    zh: "疑似人为干扰，请现场检查",
    numbers: (proof) => [statusWords(proof)],
  },
  R12: {
    en: "reports are missing",
    zh: "未按时上报数据",
    worse: { en: "no report for days", zh: "多日未上报数据" },
    numbers: (proof) => [
      duration(proof, "silentMs", { en: "silent for", zh: "失联 " }),
      plain(proof, "missedReports", { en: "missed reports:", zh: "漏报次数：" }),
    ],
  },
  R15: {
    en: "a close command was not carried out, send people",
    zh: "关阀命令未执行，请派人到场",
    numbers: (proof) => [
      plain(proof, "outcome", { en: "outcome:", zh: "结果：" }),
      plain(proof, "detail", { en: "reason:", zh: "原因：" }),
    ],
  },
  BLIND: { en: "not storing readings", zh: "读数无法存储", numbers: reason },
  PARKED: {
    en: "readings are stored but not judged, no alarms from this meter",
    zh: "读数已存储但未评估，该表暂无报警",
    numbers: reason,
  },
  BREAKER: {
    en: "automatic closes held, a person must decide",
    zh: "自动关阀已暂停，请人工决定",
    numbers: (proof) => [plain(proof, "held", { en: "held:", zh: "暂停数量：" })],
  },
};
