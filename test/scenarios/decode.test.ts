/** `mercaptan decode` as a process: what it prints for a frame, and how it ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { rootFolder } from "../tidy/repository.ts";
import { loadMbusCards } from "../unit/protocols/mbusCards.ts";

const folder = mkdtempSync(join(tmpdir(), "mercaptan-decode-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function decode(
  args: readonly string[],
  input: string | Uint8Array = "",
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const env = { ...process.env, LC_ALL: "C.UTF-8", ...environment };
  const options = { cwd: rootFolder, env, stdio: "pipe" as const };
  const child = spawn(process.execPath, ["src/main.ts", "decode", ...args], options);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  child.stdin.end(input);
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}

const gasLeak = "6830420000000051518116901f05563412002c000000002c0500082211262004014616";

const table = `CJ/T 188 (cjt188, guessed) · 35 bytes · hexadecimal

bytes  raw                   field       value                     unit
0      68                    start       68H
1      30                    meterType   30H gas
2-8    42 00 00 00 00 51 51  address     51510000000042
9      81                    control     81H answer to read data
10     16                    dataBytes   22
11-12  90 1f                 diWire      901F
                             identifier  901F metering data 1
13     05                    sequence    5
14-18  56 34 12 00 2c        current     1234.56                   m³
19-23  00 00 00 00 2c        settlement  0.00                      m³
24-30  05 00 08 22 11 26 20  measuredAt  2026-11-22T00:00:05.000Z
31-32  04 01                 status      04H 01H
                             valve       open
                             flags       leak battery_low
33     46                    checksum    46H
34     16                    end         16H

Readings
  address      51510000000042
  measured at  2026-11-22T00:00:05.000Z
  volume       1234.560 m³
  valve        open
  status       leak, battery_low
`;

test("a frame on the command line, its protocol guessed", async () => {
  expect(await decode([gasLeak])).toEqual({ code: 0, stdout: table, stderr: "" });
});

test("the same in words of its own, through a pipe, from a file", async () => {
  const named = table.replace("guessed", "as named");
  const spaced = gasLeak.replaceAll(/../g, "$& ").trim().split(" ");
  expect((await decode(["--protocol", "cjt188", ...spaced])).stdout).toBe(named);
  expect((await decode([], `${gasLeak}\n`)).stdout).toBe(table);
  const binary = join(folder, "capture.bin");
  writeFileSync(binary, Buffer.from(gasLeak, "hex"));
  const fromFile = await decode(["--file", binary]);
  expect(fromFile.stdout).toBe(table.replace("hexadecimal", "binary"));
});

test("Chinese, with columns as wide as their characters", async () => {
  const { code, stdout } = await decode(["--lang", "zh-CN", gasLeak]);
  expect(code).toBe(0);
  expect(stdout.split("\n").slice(0, 4)).toEqual([
    "CJ/T 188 (cjt188, 自动识别) · 35 字节 · 十六进制",
    "",
    "字节   原始数据              字段        值                        单位",
    "0      68                    start       68H",
  ]);
  expect(stdout.split("\n").slice(-7, -1)).toEqual([
    "读数",
    "  表地址    51510000000042",
    "  计量时间  2026-11-22T00:00:05.000Z",
    "  累计量    1234.560 m³",
    "  阀门      开 (open)",
    "  状态      燃气泄漏 (leak)、电量低 (battery_low)",
  ]);
});

test("the language of the place is the default", async () => {
  const { stdout } = await decode([gasLeak], "", { LC_ALL: "zh_CN.UTF-8" });
  expect(stdout).toContain("自动识别");
});

test("a wrong checksum: how far it came, what it means, what next", async () => {
  const { code, stdout } = await decode([gasLeak.replace("563412", "563413")]);
  expect(code).toBe(1);
  expect(stdout.split("\n").slice(-6)).toEqual([
    "Not decoded: CHECKSUM",
    "  what   the bytes sum to 47H, the frame says 46H",
    "  means  a byte changed on the way, was typed wrongly, or the bytes are another kind of frame",
    "  next   compare with the capture; if every frame of this model fails, its checksum is made",
    "         in another way: keep some and ask the maker",
    "",
  ]);
});

test("one JSON object", async () => {
  const { code, stdout } = await decode(["--json", gasLeak]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    protocol: "cjt188",
    isGuess: true,
    input: { form: "hex", bytes: 35, hex: gasLeak },
    address: "51510000000042",
    reason: null,
    readings: [
      {
        measuredAt: "2026-11-22T00:00:05.000Z",
        volumeM3: "1234.560",
        valve: "open",
        status: ["leak", "battery_low"],
      },
    ],
  });
});

test("a leak in an upload that is none is heard", async () => {
  const text = '{"v":1,"volumeM3":NaN,"status":["leak"]}';
  const { code, stdout } = await decode([text]);
  expect(code).toBe(1);
  expect(stdout).toContain("Not decoded: NONFINITE\n");
  expect(stdout).toContain("Heard all the same\n  status  leak\n");
});

const ciphered = loadMbusCards("wmbus").find(({ name }) => name === "wmbus/mode5.json");
const hexOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");
const frame = hexOf(ciphered?.bytes);
const key = hexOf(ciphered?.options.key);

test("a ciphered frame asks for its key, and takes it from a file or the environment", async () => {
  const without = await decode([frame]);
  expect(without.code).toBe(1);
  expect(without.stdout).toContain("Not decoded: KEY\n");
  const file = join(folder, "meter.key");
  writeFileSync(file, `${key}\n`);
  const fromFile = await decode(["--key-file", file, frame]);
  const fromEnvironment = await decode(["--key-env", "A_METERS_KEY", frame], "", {
    A_METERS_KEY: key,
  });
  expect([fromFile.code, fromEnvironment.code]).toEqual([0, 0]);
  expect(fromEnvironment.stdout).toBe(fromFile.stdout);
  expect(fromFile.stdout + without.stdout).not.toContain(key);
});

test("under another key it is refused, and the key is not repeated", async () => {
  const other = key.replaceAll(/./g, "7");
  const ended = await decode(["--key-env", "A_METERS_KEY", frame], "", { A_METERS_KEY: other });
  expect(ended.code).toBe(1);
  expect(ended.stdout).toContain("Not decoded: AUTH\n");
  expect(ended.stdout).not.toContain(other);
});

test("a frame in the envelope of a platform", async () => {
  const data = Buffer.from(gasLeak, "hex").toString("base64");
  const push = { deviceInfo: { devEui: "0101010101010142" }, fCnt: 1, fPort: 2, data };
  const { code, stdout } = await decode([JSON.stringify(push)]);
  expect(code).toBe(0);
  const head = "Envelope (chirpstack)\n  address  0101010101010142\n  port     2\n\n";
  expect(stdout).toBe(head + table.replace("hexadecimal", "in the envelope"));
});

test("two frames behind each other are both shown", async () => {
  const { code, stdout } = await decode([gasLeak + gasLeak]);
  expect(code).toBe(0);
  expect(stdout).toContain("Frames found inside\n  cjt188  35 bytes  683042");
  expect(stdout.match(/volume {7}1234\.560 m³/g)).toHaveLength(2);
});

test.each([
  ["nothing", [], "nothing to decode"],
  ["half a byte", ["683042000"], "an odd number"],
  ["no such protocol", ["--protocol", "modem", "00"], "Allowed choices"],
  ["no such option", ["--key", key, frame], "unknown option"],
  ["no such file", ["--file", "/nowhere/at/all"], "ENOENT"],
  ["no such variable", ["--key-env", "NO_SUCH_VARIABLE", frame], "NO_SUCH_VARIABLE"],
  ["a key that is none", ["--key-env", "HOME", frame], "32 hexadecimal digits"],
  ["a frame and a file", ["--file", "package.json", "00"], "not both"],
])("%s is bad usage", async (_what, args, why) => {
  const { code, stdout, stderr } = await decode(args);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(why);
  expect(stderr).not.toContain(key);
});

test("the help says why a key is no argument", async () => {
  const { code, stdout } = await decode(["--help"]);
  expect(code).toBe(0);
  expect(stdout).toContain("never from an argument");
  expect(stdout).toContain("Exit codes: 0 decoded, 1 not decodable, 2 bad usage.");
});
