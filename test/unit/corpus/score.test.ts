/** The judging of frames with known answers: rows of our own, right, wrong and hostile. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { isInUnit } from "../../corpus/decimals.ts";
import { kindOf, type Kind } from "../../corpus/kinds.ts";
import { scoreLines } from "../../corpus/print.ts";
import { rowOf } from "../../corpus/rows.ts";
import { scoreDirectory, scoreFile, type FileScore } from "../../corpus/score.ts";
import { isSame, plainDecimal } from "../../corpus/verdict.ts";
import { loadCard } from "../protocols/cards.ts";
import { loadMbusCards } from "../protocols/mbusCards.ts";

const folder = mkdtempSync(join(tmpdir(), "mercaptan-corpus-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hexOf = (name: string) => Buffer.from(loadCard(name).bytes).toString("hex");
const gasLeak = hexOf("cjt188/gasLeak");

function scoreOf(kind: Kind, lines: readonly unknown[]): FileScore {
  const file = join(folder, `${kind}.jsonl`);
  const texts = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  writeFileSync(file, texts.join("\n"));
  return scoreFile(file, kind);
}

const right = {
  id: "own/right",
  protocol: "cjt188",
  kind: "ok",
  hex: gasLeak,
  expected: { currentCumulative: "1234.56", valveState: "open", ser: 5, control: "81" },
};

test("a row that is right", () => {
  expect(scoreOf("cjt188", [right])).toMatchObject({
    rows: 1,
    decoded: 1,
    equal: 1,
    equalValues: 4,
    different: [],
    refusedRightly: 0,
  });
});

test.each([
  ["one digit", { currentCumulative: "1234.57" }, "1234.57", "1234.56"],
  ["a zero more, for texts are compared as texts", { currentCumulative: "1234.560" }, "1234.560"],
  ["a number for a text", { currentCumulative: 1234.56 }, "1234.56", "1234.56"],
  ["what nobody tells", { colour: "red" }, "red", "nothing"],
])("%s is a difference", (_what, expected, wanted, found = "1234.56") => {
  const [different] = scoreOf("cjt188", [{ ...right, expected }]).different;
  const [where] = Object.keys(expected);
  expect(different).toMatchObject({ id: "own/right", line: 1 });
  expect(different?.differences).toEqual([{ where, expected: wanted, found }]);
});

test("a disputed row is counted apart, with what we say", () => {
  const row = { ...right, disputed: true, expected: { ser: 6 } };
  const { different, apart } = scoreOf("cjt188", [row]);
  expect(different).toEqual([]);
  expect(apart).toMatchObject([{ where: "ser", reason: "disputed: the row says 6, we say 5" }]);
});

test("a wrong checksum must be refused, and a right one not", () => {
  const broken = { ...right, hex: gasLeak.replace("563412", "563413"), kind: "bad-checksum" };
  expect(scoreOf("cjt188", [broken])).toMatchObject({ refusedRightly: 1, different: [] });
  const whole = { ...right, kind: "bad-checksum" };
  expect(scoreOf("cjt188", [whole]).different[0]?.differences).toEqual([
    { where: "refusal", expected: "checksumMismatch", found: "taken" },
  ]);
});

test("a frame that must be taken and is refused is a difference", () => {
  const { different } = scoreOf("cjt188", [{ ...right, hex: gasLeak.replace("563412", "563413") }]);
  expect(different[0]?.differences[0]).toMatchObject({ where: "frame", expected: "taken" });
});

describe("vectors", () => {
  const close = { id: "own/close", protocol: "cjt188", expected: {}, encodeVector: true };
  const sum = (hex: string) => {
    const bytes = Buffer.from(hex, "hex");
    return bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
  };
  const framed = (hex: string) => `${hex}${sum(hex).toString(16).padStart(2, "0")}16`;

  test("are written again byte for byte", () => {
    const hex = framed("6830420000000051510404a0170799");
    expect(scoreOf("cjt188", [{ ...close, hex }])).toMatchObject({
      encoded: { equal: 1, of: 1 },
      different: [],
    });
  });

  test("that nobody writes are a difference", () => {
    expect(scoreOf("cjt188", [{ ...close, hex: gasLeak }])).toMatchObject({
      encoded: { equal: 0, of: 1 },
      different: [{ differences: [{ where: "encoded" }] }],
    });
  });
});

describe("lines that are no rows", () => {
  test.each([
    ["{", "JSON"],
    ["[]", "not a JSON object"],
    ["null", "not a JSON object"],
    [`{"id":"a","protocol":"cjt188"}`, "expected is missing"],
    [`{"id":"a","protocol":"cjt188","expected":[]}`, "expected is not"],
    [`{"id":"a","protocol":"cjt188","expected":{},"hex":"6"}`, "hex is not"],
    [`{"id":7,"protocol":"cjt188","expected":{}}`, "id is not"],
    [`{"id":"a","protocol":"cjt188","expected":{},"key":"zz"}`, "key is not"],
  ])("%s", (text, trouble) => {
    expect(rowOf(text, 3)).toMatchObject({ line: 3, trouble: expect.stringContaining(trouble) });
  });

  test("are told with their number, and the others are judged", () => {
    const { malformed, equal, rows } = scoreOf("cjt188", [right, "{", "", right]);
    expect(malformed.map(({ line }) => line)).toEqual([2]);
    expect([rows, equal]).toEqual([3, 2]);
  });

  test("hostile members harm nobody", () => {
    const hostile = `{"id":"h","protocol":"cjt188","hex":"${gasLeak}","expected":{"__proto__":{"x":1}}}`;
    const { different } = scoreOf("cjt188", [hostile, right]);
    expect(different).toHaveLength(1);
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  test.each(["mbus", "wmbus", "dsmr", "dlms", "lwm2m", "sparkplug"] as const)(
    "a hostile row of %s does not stop the run",
    (kind) => {
      const protocol = { mbus: "mbus-wired", dsmr: "dsmr-p1", dlms: "dlms-push" };
      const name = kind in protocol ? protocol[kind as keyof typeof protocol] : kind;
      const expected = { records: 7, slave: [], instances: null, payload: 3, cosem: 1, values: 0 };
      const row = { id: "h", protocol: name, hex: "", kind: "array-vector", expected };
      const score = scoreOf(kind, [row, row]);
      expect(score.rows).toBe(2);
      expect(score.equal).toBe(0);
    },
  );
});

test("whole numbers beyond 2^53 stay what they are", () => {
  const row = rowOf(`{"id":"a","protocol":"x","expected":{"n":9007199254740993}}`, 1);
  expect(row).toMatchObject({ expected: { n: "9007199254740993" } });
});

test("a keyed row must open with its key and no other", () => {
  const mode7 = loadMbusCards("wmbus").find(({ name }) => name === "wmbus/mode7.json");
  const hex = Buffer.from(mode7?.bytes ?? []).toString("hex");
  const key = Buffer.from(mode7?.options.key ?? []).toString("hex");
  const card = { id: "own/keyed", protocol: "wmbus", expected: {}, hex };
  expect(scoreOf("wmbus", [{ ...card, key }]).keyed).toEqual({
    of: 1,
    opened: 1,
    refusedUnderAnother: 1,
  });
  const other = scoreOf("wmbus", [{ ...card, key: "00".repeat(16) }]);
  expect(other.different).toHaveLength(1);
});

test("the kind is the beginning of a file's name, and others are said to be unknown", () => {
  expect(["mbus.jsonl", "mbus-2.jsonl", "WMBUS.more.jsonl", "modbus.jsonl"].map(kindOf)).toEqual([
    "mbus",
    "mbus",
    "wmbus",
    undefined,
  ]);
  const inside = mkdtempSync(join(folder, "several-"));
  writeFileSync(join(inside, "modbus.jsonl"), "{}");
  writeFileSync(join(inside, "cjt188-own.jsonl"), JSON.stringify(right));
  writeFileSync(join(inside, "README.md"), "frames");
  const score = scoreDirectory(inside);
  expect(score).toMatchObject({ unknown: ["modbus.jsonl"], files: [{ kind: "cjt188" }] });
  expect(scoreLines(score, { isAll: false })).toEqual([
    "cjt188-own.jsonl  1 rows, 1 decoded, 1 equal (4 values), 0 different, " +
      "0 refused as they should be",
    "modbus.jsonl  unknown kind, not judged",
  ]);
});

describe("exact values", () => {
  test.each([
    ["1234.50", "1234.5", true],
    ["007", "7", true],
    ["-0.0", "0", true],
    ["18446744073709551615", "18446744073709551616", false],
    ["1.0000001", "1", false],
    ["1e3", "1000", false],
    [null, undefined, true],
    ["", null, true],
    [0, "0", true],
    [0, null, false],
  ])("%j and %j: %s", (told, wanted, same) => {
    expect(isSame(told, wanted)).toBe(same);
  });

  test("zeros that say nothing are left out", () => {
    expect(plainDecimal("-00120.0340")).toBe("-120.034");
  });

  test.each([
    ["123456", 1_000, 123.456, true],
    ["123456", 1_000, 123.457, false],
    ["3600000", 3_600_000, 1, true],
    // 1 J is 0.00000027… kWh, which is printed as 0.
    ["1", 3_600_000, 0, true],
    ["2", 3_600_000, 0.000001, true],
    ["-5", 1_000, -0.005, true],
    ["missing", 1, 0, false],
  ])("%s with %d to the unit is %d: %s", (told, divisor, wanted, same) => {
    expect(isInUnit(told, divisor, wanted)).toBe(same);
  });
});
