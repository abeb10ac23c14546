import fc from "fast-check";
import { expect, test } from "vitest";
import { alarmMessage } from "#alarms/messages.ts";
import {
  meterRuleIds,
  systemRuleIds,
  unhidden,
  type Alarm,
  type ConditionLevel,
  type Proof,
  type RuleId,
} from "#domain/alarm.ts";
import { alarmId } from "#domain/ids.ts";
import { dayMs, hourMs, timestampMs } from "#domain/units.ts";

function alarmOf(rule: RuleId, level: ConditionLevel, proof: Proof, historical = false): Alarm {
  return {
    id: alarmId("a1"),
    meterNo: 1,
    rule,
    ruleVersion: 1,
    level,
    priority: 1,
    occurrence: 1,
    historical,
    state: "unacknowledged",
    raisedAtMs: timestampMs(0),
    returnedAtMs: null,
    knownAtMs: timestampMs(0),
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    ...unhidden,
    proof,
  };
}

const flows = { flowMlPerHour: 12_345_678, limitMlPerHour: 6_000_000 };

test.each<[RuleId, ConditionLevel, Proof, string, string]>([
  [
    "R1",
    1,
    { by: "status", status: "leak external_alarm" },
    "gas leak or gas detector alarm (meter status leak, external alarm).",
    "燃气泄漏或外接报警器报警（表具状态：燃气泄漏、外接报警）。",
  ],
  [
    "R5",
    1,
    {
      by: "interval",
      aboveMlPerHour: 1_200_000,
      usualLeastMlPerHour: 310_000,
      flowingMs: 19 * hourMs,
    },
    "no hour without far more gas than usual (above 1.200 m³/h, usual least 0.310 m³/h, for 19 hours).",
    "每小时用气量均远高于平常最低值（高于 1.200 m³/h，通常最低 0.310 m³/h，持续 19小时）。",
  ],
  [
    "R2",
    1,
    { by: "interval", ...flows },
    "overload, more gas flows than the meter is made for (flow 12.346 m³/h, limit 6.000 m³/h).",
    "流量过载，超出燃气表额定能力（流量 12.346 m³/h，限值 6.000 m³/h）。",
  ],
  [
    "R3",
    1,
    { by: "flow", ...flows },
    "abnormally large flow for this site (flow 12.346 m³/h, limit 6.000 m³/h).",
    "该用户用气流量异常偏大（流量 12.346 m³/h，限值 6.000 m³/h）。",
  ],
  [
    "R6",
    1,
    { by: "interval", flowingMs: 10 * dayMs, detectionFloorMlPerHour: 1_000 },
    "the gas never stops flowing, small leak possible (no pause in 10 days, smallest leak to be found 0.001 m³/h).",
    "持续有微小流量，可能存在微漏（无间断时间 10天，检出下限 0.001 m³/h）。",
  ],
  [
    "R6",
    2,
    { by: "interval", flowingMs: 30.5 * dayMs },
    "the gas has not stopped flowing for a month, small leak likely (no pause in 30 days).",
    "微小流量持续一个月以上，很可能存在微漏（无间断时间 30天）。",
  ],
  [
    "R9",
    1,
    { by: "register", passedMl: 20_000, shutMs: 3 * hourMs },
    "gas passes a valve that is reported closed, send people (passed 0.020 m³, in 3 hours).",
    "阀门已报关闭但仍有燃气通过，请派人到场（通过 0.020 m³，历时 3小时）。",
  ],
  [
    "R10",
    1,
    { by: "value", batteryPct: 18, batteryMv: 3_290 },
    "battery low, plan the exchange (charge 18 %, voltage 3290 mV).",
    "电池电量低，请安排更换（电量 18 %，电压 3290 mV）。",
  ],
  [
    "R10",
    2,
    { by: "status", status: "battery_critical" },
    "battery nearly empty, exchange it now (meter status battery critical).",
    "电池电量严重不足，请立即更换（表具状态：电量严重不足）。",
  ],
  [
    "R11",
    1,
    { by: "status", status: "magnet tilt" },
    "tampering suspected, inspect on site (meter status magnet, tilt).",
    "疑似人为干扰，请现场检查（表具状态：磁干扰、倾斜）。",
  ],
  [
    "R12",
    1,
    { silentMs: 90 * 60_000, missedReports: 2 },
    "reports are missing (silent for 90 min, missed reports: 2).",
    "未按时上报数据（失联 90分钟，漏报次数：2）。",
  ],
  [
    "R12",
    2,
    { silentMs: 4 * dayMs, missedReports: 4 },
    "no report for days (silent for 4 days, missed reports: 4).",
    "多日未上报数据（失联 4天，漏报次数：4）。",
  ],
  [
    "R15",
    1,
    { outcome: "expired" },
    "a close command was not carried out, send people (outcome: expired).",
    "关阀命令未执行，请派人到场（结果：expired）。",
  ],
  [
    "PARKED",
    1,
    { reason: "INTERNAL" },
    "readings are stored but not judged, no alarms from this meter: INTERNAL.",
    "读数已存储但未评估，该表暂无报警：INTERNAL。",
  ],
])("%s, level %i", (rule, level, proof, en, zh) => {
  const message = alarmMessage(alarmOf(rule, level, proof), "M0001");
  expect(message).toEqual({ en: `Meter M0001: ${en}`, zh: `燃气表 M0001：${zh}` });
});

test("alarms of the system itself", () => {
  expect(alarmMessage(alarmOf("BLIND", 1, { reason: "disk full" }), null)).toEqual({
    en: "System: not storing readings: disk full.",
    zh: "系统：读数无法存储：disk full。",
  });
  expect(alarmMessage(alarmOf("BREAKER", 1, { held: 7 }), null)).toEqual({
    en: "System: 7 automatic closes held, two persons must decide.",
    zh: "系统：7 个自动关阀命令被暂停，须两人决定。",
  });
  expect(alarmMessage(alarmOf("BREAKER", 1, { held: 1 }), null).en).toContain(
    "1 automatic close held",
  );
  const places = { areas: "north: 8, south: 1", area: "north (8 of 9)" };
  const inCommon = { held: 9, ...places, rule: "R1", protocol: "json" };
  expect(alarmMessage(alarmOf("BREAKER", 1, inCommon), null).en).toBe(
    "System: 9 automatic closes held, two persons must decide (in north: 8, south: 1, by R1, over json).",
  );
});

test.each<readonly [RuleId, ConditionLevel, Proof, string, string]>([
  [
    "LAG",
    1,
    { lagSeconds: 8 },
    "the engine is behind, alarms come late (by 8 s).",
    "数据处理滞后，报警会延迟（滞后 8 s）。",
  ],
  [
    "ARRIVALS",
    1,
    { received: 3, usual: 100, withinSeconds: 20 },
    "far fewer uplinks arrive than usual at this hour (received: 3, usual: 100, in 20 s).",
    "上报数量明显低于同时段平常水平（收到：3，平常：100，统计时长：20 s）。",
  ],
  [
    "CLOCK",
    1,
    { apartSeconds: -3600 },
    "the machine's clock was moved, the service counts on by its own (by -3600 s).",
    "服务器时钟发生跳变，系统按自身计时继续运行（偏差 -3600 s）。",
  ],
  ["DISK", 1, { freePct: 17 }, "disk space is low (free 17 %).", "磁盘空间不足（剩余 17 %）。"],
  [
    "DISK",
    2,
    { freePct: 4 },
    "the disk is nearly full (free 4 %).",
    "磁盘空间即将耗尽（剩余 4 %）。",
  ],
  [
    "INTAKE",
    1,
    { freeMib: 23 },
    "readings are refused because the disk is full, only alarms and commands go on (free 23 MiB).",
    "磁盘已满，停止接收读数，仅保留报警与命令（剩余 23 MiB）。",
  ],
  [
    "BACKUP",
    1,
    { reason: "BACKUP_UNUSABLE" },
    "the scheduled backup was not made: BACKUP_UNUSABLE.",
    "定时备份未完成：BACKUP_UNUSABLE。",
  ],
  [
    "DAMAGE",
    1,
    { file: "2026-11-22.7.day", chunk: 3, places: 1 },
    "stored data are damaged at a place, all others are served (file 2026-11-22.7.day, chunk 3, places: 1).",
    "部分已存数据损坏，其余数据正常提供（文件 2026-11-22.7.day，数据块 3，损坏处：1）。",
  ],
  [
    "HEARTBEAT",
    1,
    { reason: "url: no answer" },
    "the heartbeat does not get out, nobody outside would notice our end: url: no answer.",
    "对外心跳发送失败，系统停运时外部无法察觉：url: no answer。",
  ],
  [
    "NOTIFIER",
    1,
    { receivers: 2 },
    "events do not reach everybody outside who must be told (receivers not reached: 2).",
    "事件未能送达部分外部接收方（未送达接收方数：2）。",
  ],
  [
    "FANOUT",
    1,
    { undrainedSeconds: 14 },
    "the live feed is not read any more, screens may show old alarms (for 14 s).",
    "实时推送无人接收，屏幕显示的报警可能已过时（持续 14 s）。",
  ],
])("the system's own %s, level %i", (rule, level, proof, en, zh) => {
  const message = alarmMessage(alarmOf(rule, level, proof), null);
  expect(message).toEqual({ en: `System: ${en}`, zh: `系统：${zh}` });
});

test("a historical record says that it is one", () => {
  const past = alarmMessage(alarmOf("R1", 1, {}, true), "M0001");
  expect(past.en).toBe("Past: Meter M0001: gas leak or gas detector alarm.");
  expect(past.zh).toBe("历史记录：燃气表 M0001：燃气泄漏或外接报警器报警。");
});

const keys = [
  "by",
  "status",
  "flowMlPerHour",
  "passedMl",
  "silentMs",
  "batteryPct",
  "reason",
  "held",
  "receivers",
  "undrainedSeconds",
];

test("whatever the proof holds, both sentences are whole, and none makes the valve a safety device", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<RuleId>(...meterRuleIds, ...systemRuleIds),
      fc.constantFrom<ConditionLevel>(0, 1, 2),
      fc.dictionary(fc.constantFrom(...keys), fc.oneof(fc.constantFrom("leak", "x"), fc.double())),
      (rule, level, proof) => {
        const { en, zh } = alarmMessage(alarmOf(rule, level, proof), "M1");
        expect(en).toMatch(/^Meter M1: .+\.$/);
        expect(zh).toMatch(/^燃气表 M1：.*[\u4E00-\u9FFF].*。$/);
        expect(`${en}${zh}`).not.toMatch(/undefined|NaN|Infinity|\(\)|（）|safe|安全/i);
      },
    ),
    { numRuns: 2_000 },
  );
});
