/**
 * One sentence an alarm, to be read aloud, in both languages; none may call the valve a safety device. Numbers are the
 * proof's, if it has them. The system's own: BLIND, PARKED, BACKUP, HEARTBEAT { reason }, BREAKER { held }, ARRIVALS {
 * received, usual, withinSeconds }, LAG { lagSeconds }, CLOCK { apartSeconds }, DISK { freePct }, INTAKE { freeMib },
 * DAMAGE { file, chunk, places }, NOTIFIER { receivers }, FANOUT { undrainedSeconds }, R15 { outcome, detail }.
 */
import { ownRuleIds, type Alarm, type OwnRuleId, type Proof, type RuleId } from "#domain/alarm.ts";
import {
  duration,
  flow,
  plain,
  pressure,
  statusWords,
  volume,
  wordOf,
  type Phrase,
} from "./phrase.ts";

const system: Phrase = { en: "System", zh: "系统" };

/** What an operator reads aloud: "Meter M0001: gas leak or gas detector alarm (meter status leak)." */
export function alarmMessage(
  alarm: Alarm,
  meterId: string | null,
): { readonly en: string; readonly zh: string } {
  const { rule, proof } = alarm;
  const said = isOwn(rule) ? ownSentence(proof) : sentences[rule](proof, alarm.level === 2);
  const past = pastWords(alarm);
  const who = meterId === null ? system : { en: `Meter ${meterId}`, zh: `燃气表 ${meterId}` };
  return {
    en: `${past.en}${who.en}: ${said.en}.`,
    zh: `${past.zh}${who.zh}：${said.zh}。`,
  };
}

function pastWords({ historical, proof }: Alarm): Phrase {
  if (!historical) return { en: "", zh: "" };
  return proof["withdrawnAtMs"] === undefined
    ? { en: "Past: ", zh: "历史记录：" }
    : { en: "Past, withdrawn after later readings: ", zh: "历史记录（已由后续读数撤销）：" };
}

/** The numbers in brackets behind the words; what the proof does not hold is left out. */
function withNumbers(words: Phrase, ...numbers: readonly (Phrase | undefined)[]): Phrase {
  const known = numbers.filter((phrase) => phrase !== undefined);
  if (known.length === 0) return words;
  const en = known.map((phrase) => phrase.en).join(", ");
  const zh = known.map((phrase) => phrase.zh).join("，");
  return { en: `${words.en} (${en})`, zh: `${words.zh}（${zh}）` };
}

function withFlows(words: Phrase, proof: Proof): Phrase {
  return withNumbers(
    words,
    flow(proof, "flowMlPerHour", { en: "flow", zh: "流量 " }),
    flow(proof, "limitMlPerHour", { en: "limit", zh: "限值 " }),
    statusWords(proof),
  );
}

function withReason(words: Phrase, proof: Proof): Phrase {
  const reason = wordOf(proof, "reason");
  if (reason === undefined) return words;
  return { en: `${words.en}: ${reason}`, zh: `${words.zh}：${reason}` };
}

function isOwn(rule: RuleId): rule is OwnRuleId {
  return ownRuleIds.some((id) => id === rule);
}

/** In the words of whoever wrote the rule, with what it looked at. */
function ownSentence(proof: Proof): Phrase {
  const words = {
    en: wordOf(proof, "titleEn") ?? "a rule of one's own",
    zh: wordOf(proof, "titleZh") ?? "自定义规则",
  };
  const { titleEn: _en, titleZh: _zh, heldMs: _held, rulesVersion: _version, ...seen } = proof;
  const numbers = Object.keys(seen).map((name) => plain(proof, name, { en: name, zh: `${name} ` }));
  return withNumbers(words, ...numbers);
}

type Sentence = (proof: Proof, isLevel2: boolean) => Phrase;

const sentences: Readonly<Record<Exclude<RuleId, OwnRuleId>, Sentence>> = {
  R1: (proof) =>
    withNumbers(
      { en: "gas leak or gas detector alarm", zh: "燃气泄漏或外接报警器报警" },
      statusWords(proof),
    ),
  R2: (proof) =>
    withFlows(
      {
        en: "overload, more gas flows than the meter is made for",
        zh: "流量过载，超出燃气表额定能力",
      },
      proof,
    ),
  R3: (proof) =>
    withFlows({ en: "abnormally large flow for this site", zh: "该用户用气流量异常偏大" }, proof),
  R4: (proof) =>
    withNumbers(
      {
        en: "the flow rose at once by more than any appliance of this site",
        zh: "流量突增，超过该用户最大燃具用气量",
      },
      flow(proof, "riseMlPerHour", { en: "rise", zh: "增量 " }),
      flow(proof, "limitMlPerHour", { en: "limit", zh: "限值 " }),
    ),
  R5: (proof) =>
    withNumbers(
      "aboveMlPerHour" in proof
        ? { en: "no hour without far more gas than usual", zh: "每小时用气量均远高于平常最低值" }
        : {
            en: "one steady flow for longer than an appliance burns",
            zh: "稳定流量持续时间超过燃具正常使用时间",
          },
      flow(proof, "aboveMlPerHour", { en: "above", zh: "高于 " }),
      flow(proof, "usualLeastMlPerHour", { en: "usual least", zh: "通常最低 " }),
      flow(proof, "flowMlPerHour", { en: "flow", zh: "流量 " }),
      duration(proof, "flowingMs", { en: "for", zh: "持续 " }),
      duration(proof, "limitMs", { en: "limit", zh: "限值 " }),
      statusWords(proof),
    ),
  R6: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? {
            en: "the gas has not stopped flowing for a month, small leak likely",
            zh: "微小流量持续一个月以上，很可能存在微漏",
          }
        : {
            en: "the gas never stops flowing, small leak possible",
            zh: "持续有微小流量，可能存在微漏",
          },
      duration(proof, "flowingMs", { en: "no pause in", zh: "无间断时间 " }),
      flow(proof, "detectionFloorMlPerHour", { en: "smallest leak to be found", zh: "检出下限 " }),
      statusWords(proof),
    ),
  R7: (proof) =>
    withNumbers(
      {
        en: "the same gas flows through every night, small leak possible",
        zh: "夜间持续有稳定流量，可能存在微漏",
      },
      plain(proof, "nights", { en: "nights:", zh: "夜数：" }),
      flow(proof, "flowMlPerHour", { en: "flow", zh: "流量 " }),
    ),
  R8: (proof) =>
    withNumbers(
      {
        en: "the register went back or gas flows backwards, inspect on site",
        zh: "表计示数回退或燃气反向流动，请现场检查",
      },
      plain(proof, "lowerValues", { en: "lower values:", zh: "回退读数：" }),
      statusWords(proof),
    ),
  R9: (proof) =>
    withNumbers(
      {
        en: "gas passes a valve that is reported closed, send people",
        zh: "阀门已报关闭但仍有燃气通过，请派人到场",
      },
      volume(proof, "passedMl", { en: "passed", zh: "通过 " }),
      duration(proof, "shutMs", { en: "in", zh: "历时 " }),
      statusWords(proof),
    ),
  R10: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? { en: "battery nearly empty, exchange it now", zh: "电池电量严重不足，请立即更换" }
        : { en: "battery low, plan the exchange", zh: "电池电量低，请安排更换" },
      plain(proof, "batteryPct", { en: "charge", zh: "电量 " }, " %"),
      plain(proof, "batteryMv", { en: "voltage", zh: "电压 " }, " mV"),
      statusWords(proof),
    ),
  R11: (proof) =>
    withNumbers(
      { en: "tampering suspected, inspect on site", zh: "疑似人为干扰，请现场检查" },
      statusWords(proof),
    ),
  R12: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? { en: "no report for days", zh: "多日未上报数据" }
        : { en: "reports are missing", zh: "未按时上报数据" },
      duration(proof, "silentMs", { en: "silent for", zh: "失联 " }),
      plain(proof, "missedReports", { en: "missed reports:", zh: "漏报次数：" }),
    ),
  R13: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? { en: "gas pressure is dangerous", zh: "燃气压力危险" }
        : { en: "gas pressure is outside its limits", zh: "燃气压力超限" },
      pressure(proof, "pressurePa", { en: "pressure", zh: "压力 " }),
      pressure(proof, "lowPa", { en: "low limit", zh: "下限 " }),
      pressure(proof, "highPa", { en: "high limit", zh: "上限 " }),
      statusWords(proof),
    ),
  R14: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? { en: "no gas used for three months, check the meter", zh: "三个月未用气，请核查燃气表" }
        : { en: "no gas used for a month", zh: "一个月未用气" },
      duration(proof, "unusedMs", { en: "for", zh: "持续 " }),
    ),
  R15: (proof) =>
    withNumbers(
      { en: "a close command was not carried out, send people", zh: "关阀命令未执行，请派人到场" },
      plain(proof, "outcome", { en: "outcome:", zh: "结果：" }),
      plain(proof, "detail", { en: "reason:", zh: "原因：" }),
    ),
  R16: (proof) =>
    withNumbers(
      { en: "the clock of the meter is wrong", zh: "燃气表时钟错误" },
      plain(proof, "wrongTimes", { en: "wrong times:", zh: "错误时间：" }),
      statusWords(proof),
    ),
  R17: (proof, isLevel2) => {
    const isAge = proof["what"] === "retirement";
    const en = isAge ? "its service life" : "its verification";
    const zh = isAge ? "使用年限" : "检定有效期";
    return withNumbers(
      isLevel2
        ? { en: `${en} has run out, replace or verify the meter`, zh: `${zh}已到期，请更换或检定` }
        : { en: `${en} runs out soon`, zh: `${zh}即将到期` },
      plain(proof, "dueOn", { en: "on", zh: "日期 " }),
    );
  },
  R18: (proof) =>
    withNumbers(
      {
        en: "the gas detector is not heard, nobody there would be warned",
        zh: "可燃气体报警器离线，现场无法报警",
      },
      duration(proof, "silentMs", { en: "silent for", zh: "失联 " }),
      duration(proof, "reportEveryMs", { en: "expected every", zh: "心跳周期 " }),
    ),
  R19: () => ({
    en: "much gas flows since the valve was opened at the meter, look at it and decide about the close",
    zh: "现场开阀后流量异常偏大，请确认并决定是否关阀",
  }),
  R20: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? { en: "the valve is worn out, exchange it", zh: "阀门动作次数已达额定寿命，请更换" }
        : { en: "the valve nears the end of its life", zh: "阀门动作次数接近额定寿命" },
      plain(proof, "actuations", { en: "movements:", zh: "动作次数：" }),
      plain(proof, "rated", { en: "rated for", zh: "额定次数：" }),
    ),
  R21: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? {
            en: "the meter shuts itself soon because it cannot reach us",
            zh: "该表长期未与平台通信，即将自行关阀",
          }
        : proof["stage"] === "passed"
          ? {
              en: "the meter has shut itself by its setting, somebody must go there",
              zh: "该表已按设定自行关阀，请派人到现场",
            }
          : { en: "the meter will shut itself if it stays silent", zh: "该表若持续失联将自行关阀" },
      duration(proof, "silentMs", { en: "silent for", zh: "失联 " }),
      plain(proof, "shutsAt", { en: "time of the close:", zh: "自行关阀时间：" }),
    ),
  BLIND: (proof) => withReason({ en: "not storing readings", zh: "读数无法存储" }, proof),
  PARKED: (proof) =>
    withReason(
      {
        en: "readings are stored but not judged, no alarms from this meter",
        zh: "读数已存储但未评估，该表暂无报警",
      },
      proof,
    ),
  OUTAGE: (proof) =>
    withNumbers(
      { en: "a gateway or network has failed", zh: "网关或通信网络故障" },
      plain(proof, "group", { en: "of", zh: "范围：" }),
      plain(proof, "silent", { en: "silent meters:", zh: "失联表数：" }),
      plain(proof, "meters", { en: "of", zh: "总表数：" }),
    ),
  SELF_CLOSURE: (proof) =>
    withNumbers(
      {
        en: "meters that do not reach us are about to shut themselves",
        zh: "多只表长期未能与平台通信，即将自行关阀",
      },
      plain(proof, "meters", { en: "meters:", zh: "表数：" }),
      plain(proof, "firstShutsAt", { en: "the first at", zh: "最早关阀：" }),
      plain(proof, "lastShutsAt", { en: "the last at", zh: "最晚关阀：" }),
      plain(proof, "group", { en: "most in", zh: "主要位于 " }),
      plain(proof, "shut", { en: "shut already:", zh: "已关：" }),
    ),
  WORK: (proof) =>
    withNumbers(
      {
        en: "planned work is past its end, what it hid rings again, end or extend it",
        zh: "计划作业已超时，其屏蔽的报警已恢复，请结束或延长作业",
      },
      plain(proof, "works", { en: "works:", zh: "作业数：" }),
      plain(proof, "responsible", { en: "the first by", zh: "最早一项负责：" }),
      plain(proof, "to", { en: "until", zh: "计划结束：" }),
    ),
  COMMAND_MISMATCH: (proof) =>
    withReason(
      {
        en: "an answer that belongs to no order of this meter, changed nothing",
        zh: "收到与本表命令不符的应答，未作处理",
      },
      proof,
    ),
  ARRIVALS: (proof) =>
    withNumbers(
      {
        en: "far fewer uplinks arrive than usual at this hour",
        zh: "上报数量明显低于同时段平常水平",
      },
      plain(proof, "received", { en: "received:", zh: "收到：" }),
      plain(proof, "usual", { en: "usual:", zh: "平常：" }),
      plain(proof, "withinSeconds", { en: "in", zh: "统计时长：" }, " s"),
    ),
  LAG: (proof) =>
    withNumbers(
      { en: "the engine is behind, alarms come late", zh: "数据处理滞后，报警会延迟" },
      plain(proof, "lagSeconds", { en: "by", zh: "滞后 " }, " s"),
    ),
  CLOCK: (proof) =>
    withNumbers(
      {
        en: "the machine's clock was moved, the service counts on by its own",
        zh: "服务器时钟发生跳变，系统按自身计时继续运行",
      },
      plain(proof, "apartSeconds", { en: "by", zh: "偏差 " }, " s"),
    ),
  DISK: (proof, isLevel2) =>
    withNumbers(
      isLevel2
        ? { en: "the disk is nearly full", zh: "磁盘空间即将耗尽" }
        : { en: "disk space is low", zh: "磁盘空间不足" },
      plain(proof, "freePct", { en: "free", zh: "剩余 " }, " %"),
    ),
  INTAKE: (proof) =>
    withNumbers(
      {
        en: "readings are refused because the disk is full, only alarms and commands go on",
        zh: "磁盘已满，停止接收读数，仅保留报警与命令",
      },
      plain(proof, "freeMib", { en: "free", zh: "剩余 " }, " MiB"),
    ),
  BACKUP: (proof) =>
    withReason({ en: "the scheduled backup was not made", zh: "定时备份未完成" }, proof),
  DAMAGE: (proof) =>
    withNumbers(
      {
        en: "stored data are damaged at a place, all others are served",
        zh: "部分已存数据损坏，其余数据正常提供",
      },
      plain(proof, "file", { en: "file", zh: "文件 " }),
      plain(proof, "chunk", { en: "chunk", zh: "数据块 " }),
      plain(proof, "places", { en: "places:", zh: "损坏处：" }),
    ),
  HEARTBEAT: (proof) =>
    withReason(
      {
        en: "the heartbeat does not get out, nobody outside would notice our end",
        zh: "对外心跳发送失败，系统停运时外部无法察觉",
      },
      proof,
    ),
  NOTIFIER: (proof) =>
    withNumbers(
      {
        en: "events do not reach everybody outside who must be told",
        zh: "事件未能送达部分外部接收方",
      },
      plain(proof, "receivers", { en: "receivers not reached:", zh: "未送达接收方数：" }),
    ),
  FANOUT: (proof) =>
    withNumbers(
      {
        en: "the live feed is not read any more, screens may show old alarms",
        zh: "实时推送无人接收，屏幕显示的报警可能已过时",
      },
      plain(proof, "undrainedSeconds", { en: "for", zh: "持续 " }, " s"),
    ),
  BREAKER: (proof) => {
    const held = wordOf(proof, "held");
    const closes = held === "1" ? "close" : "closes";
    return withNumbers(
      {
        en: `${held ?? "some"} automatic ${closes} held, two persons must decide`,
        zh: `${held ?? "若干"} 个自动关阀命令被暂停，须两人决定`,
      },
      plain(proof, "areas", { en: "in", zh: "位于 " }),
      plain(proof, "rule", { en: "by", zh: "由规则 " }),
      plain(proof, "protocol", { en: "over", zh: "经协议 " }),
      plain(proof, "profile", { en: "model", zh: "型号 " }),
    );
  },
};
