/**
 * Short messages by Tencent Cloud: `SendSms`, version 2021-01-11, signed after TC3-HMAC-SHA256. Written from the public
 * documentation and its worked example; never tried against the real service.
 *
 * @see https://cloud.tencent.com/document/api/382/52072
 */
import { createHash, createHmac } from "node:crypto";
import { formatInstant } from "#domain/units.ts";
import type { Letter, Messenger, SendAnswer } from "#ports/messenger.ts";
import type { Poster } from "./post.ts";

export interface TencentAccess {
  readonly secretId: string;
  readonly secret: string;
}

export interface TencentSettings extends TencentAccess {
  /** `https://sms.tencentcloudapi.com` */
  readonly url: string;
  readonly region: string;
  readonly sdkAppId: string;
  readonly signName: string;
  readonly templates: Readonly<Record<Letter["template"], string>>;
}

const algorithm = "TC3-HMAC-SHA256";
const contentType = "application/json; charset=utf-8";
/** A parameter of a template has no more. */
const parameterCharactersMax = 12;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** The `Authorization` of a JSON call, over content type and host as documented. */
export function tencentAuthorization(
  { secretId, secret }: TencentAccess,
  call: {
    readonly service: string;
    readonly host: string;
    readonly body: string;
    readonly atMs: number;
  },
): string {
  const { service, host, body, atMs } = call;
  const day = formatInstant(atMs).slice(0, 10);
  const scope = `${day}/${service}/tc3_request`;
  const headerLines = `content-type:${contentType}\nhost:${host}\n`;
  const signedNames = "content-type;host";
  const canonical = ["POST", "/", "", headerLines, signedNames, sha256(body)].join("\n");
  const atSeconds = Math.floor(atMs / 1_000);
  const toSign = [algorithm, atSeconds, scope, sha256(canonical)].join("\n");
  const key = hmac(hmac(hmac(`TC3${secret}`, day), service), "tc3_request");
  const signature = hmac(key, toSign).toString("hex");
  const credential = `Credential=${secretId}/${scope}`;
  return `${algorithm} ${credential}, SignedHeaders=${signedNames}, Signature=${signature}`;
}

/** What a later attempt may change; every other code is about this number or this template. */
const passing =
  /^(InternalError|RequestLimitExceeded|ResourceUnavailable|ServiceUnavailable|FailedOperation\.InternalError|LimitExceeded\.(PhoneNumber|DeliveryFrequency))/;

export function tencentSms(settings: TencentSettings, poster: Poster): Messenger {
  const { url, region, sdkAppId, signName, templates } = settings;
  return {
    way: "sms",
    async send(letter, stopping) {
      const { host } = new URL(url);
      const { what, meter, area, at } = letter.parameters;
      const body = JSON.stringify({
        PhoneNumberSet: [letter.to],
        SmsSdkAppId: sdkAppId,
        SignName: signName,
        TemplateId: templates[letter.template],
        // By place, not by name: {1} what, {2} meter, {3} area, {4} time.
        TemplateParamSet: [what, meter, area, at].map((one) =>
          one.slice(0, parameterCharactersMax),
        ),
        SessionContext: letter.id,
      });
      const call = { service: "sms", host, body, atMs: letter.nowMs };
      const headers = {
        "content-type": contentType,
        host,
        "x-tc-action": "SendSms",
        "x-tc-version": "2021-01-11",
        "x-tc-region": region,
        "x-tc-timestamp": String(Math.floor(letter.nowMs / 1_000)),
        authorization: tencentAuthorization(settings, call),
      };
      const answer = await poster.post({ url, headers, body, stopping });
      return read(answer.status, answer.reason, answer.text);
    },
  };
}

interface Answered {
  readonly Response?: {
    readonly Error?: { readonly Code?: unknown };
    readonly SendStatusSet?: readonly { readonly Code?: unknown; readonly SerialNo?: unknown }[];
  };
}

function read(status: number | null, reason: string, text: string): SendAnswer {
  if (status === null) return { outcome: "failed", reason, receipt: null };
  let body: Answered;
  try {
    body = JSON.parse(text) as Answered;
  } catch {
    return { outcome: "failed", reason: `HTTP_${status}`, receipt: null };
  }
  const [sent] = body.Response?.SendStatusSet ?? [];
  const said = body.Response?.Error?.Code ?? sent?.Code;
  const code = typeof said === "string" ? said.slice(0, 64) : `HTTP_${status}`;
  if (code === "Ok" && status === 200) {
    const receipt = typeof sent?.SerialNo === "string" ? sent.SerialNo.slice(0, 64) : null;
    return { outcome: "delivered", reason: "", receipt };
  }
  const isPassing = status >= 500 || code.startsWith("HTTP_") || passing.test(code);
  return { outcome: isPassing ? "failed" : "refused", reason: code, receipt: null };
}
