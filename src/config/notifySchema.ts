/** Settings of telling others: webhooks, short messages, mail. */
import { z } from "zod";

const word = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\r\n]*$/);

const smsSchema = z.strictObject({
  provider: z.enum(["aliyun", "tencent"]).describe("Whose service it is."),
  url: z
    .url({ protocol: /^https?$/ })
    .describe(
      "Address of the service: https://dysmsapi.aliyuncs.com or https://sms.tencentcloudapi.com. Plain HTTP for tests only.",
    ),
  accessKeyId: word.describe("AccessKeyId (Aliyun) or SecretId (Tencent)."),
  secretFile: word.describe("File with the secret that belongs to it."),
  signName: word.describe("Signature of the messages, as it was approved."),
  alarmTemplate: word.describe(
    "Approved template for alarms: `what`, `meter`, `area`, `at` (Aliyun by name, Tencent as {1} to {4}).",
  ),
  workOrderTemplate: word.describe("Approved template for work orders, with the same four."),
  appId: word.default("-").describe("SmsSdkAppId; Tencent only."),
  region: word.default("ap-guangzhou").describe("Region of the service; Tencent only."),
});

const mailSchema = z.strictObject({
  host: word.describe("Mail server that takes our mail."),
  port: z.int().min(1).max(65_535).default(465).describe("Its TCP port."),
  security: z
    .enum(["tls", "starttls", "none"])
    .default("tls")
    .describe(
      "`tls` from the first byte, `starttls` or nothing is sent, `none` in one's own network only.",
    ),
  user: word.optional().describe("User name there; absent: none is asked for."),
  passwordFile: word.optional().describe("File with the password that belongs to it."),
  from: word.describe("Sender, such as `Gas control <control@gas.example>`."),
});

export const notifySchema = z.strictObject({
  source: z
    .string()
    .regex(/^[!-~]{1,255}$/)
    .default("urn:mercaptan")
    .describe("Who we are, as a URI: `source` of the CloudEvents that webhooks get."),
  hostAllowList: z
    .array(z.string().regex(/^[0-9a-z.:[\]-]{1,255}$/, "must be a host name in lower case"))
    .max(100)
    .default([])
    .describe(
      "Hosts that webhooks may reach although their address is private or they speak plain HTTP: as they stand in the address.",
    ),
  sms: smsSchema.optional().describe("Short messages to recipients; absent: off."),
  mail: mailSchema.optional().describe("Mail to recipients; absent: off."),
});
