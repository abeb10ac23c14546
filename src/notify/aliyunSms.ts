/**
 * Short messages by Aliyun: `SendSms`, version 2017-05-25, signed after ACS3-HMAC-SHA256 (V3). Written from the public
 * documentation and its worked example; never tried against the real service.
 *
 * @see https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
 */
import { createHash, createHmac } from "node:crypto";
import { formatInstant } from "#domain/units.ts";
import type { Letter, Messenger, SendAnswer } from "#ports/messenger.ts";
import type { Poster } from "./post.ts";

export interface AliyunAccess {
  readonly accessKeyId: string;
  readonly secret: string;
}

export interface AliyunSettings extends AliyunAccess {
  /** `https://dysmsapi.aliyuncs.com` */
  readonly url: string;
  readonly signName: string;
  readonly templates: Readonly<Record<Letter["template"], string>>;
}

const algorithm = "ACS3-HMAC-SHA256";
/** A parameter of a template has no more. */
const parameterCharactersMax = 35;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** RFC 3986: what `encodeURIComponent` leaves alone and Aliyun does not. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function canonicalQuery(parameters: Readonly<Record<string, string>>): string {
  const names = Object.keys(parameters).sort();
  return names.map((name) => `${encoded(name)}=${encoded(parameters[name] ?? "")}`).join("&");
}

export interface AliyunCall {
  readonly host: string;
  readonly action: string;
  readonly version: string;
  readonly query: string;
  /** `2023-10-26T10:22:32Z` */
  readonly date: string;
  readonly nonce: string;
}

/** The headers of a call with an empty body, signed. */
export function aliyunHeaders(
  { accessKeyId, secret }: AliyunAccess,
  { host, action, version, query, date, nonce }: AliyunCall,
): Readonly<Record<string, string>> {
  const bodyHash = sha256("");
  const signed: Readonly<Record<string, string>> = {
    host,
    "x-acs-action": action,
    "x-acs-content-sha256": bodyHash,
    "x-acs-date": date,
    "x-acs-signature-nonce": nonce,
    "x-acs-version": version,
  };
  const names = Object.keys(signed);
  const headerLines = names.map((name) => `${name}:${signed[name]}\n`).join("");
  const canonical = ["POST", "/", query, headerLines, names.join(";"), bodyHash].join("\n");
  const toSign = `${algorithm}\n${sha256(canonical)}`;
  const signature = createHmac("sha256", secret).update(toSign).digest("hex");
  const credential = `Credential=${accessKeyId},SignedHeaders=${names.join(";")}`;
  return { ...signed, authorization: `${algorithm} ${credential},Signature=${signature}` };
}

/** What a later attempt may change; every other code is about this number or this template. */
const passing =
  /^(Throttling|ServiceUnavailable|InternalError|isp\.SYSTEM_ERROR|isv\.BUSINESS_LIMIT_CONTROL)/;

export function aliyunSms(
  settings: AliyunSettings,
  poster: Poster,
  nonce: () => string,
): Messenger {
  const { url, signName, templates } = settings;
  return {
    way: "sms",
    async send(letter, stopping) {
      const parameters = Object.fromEntries(
        Object.entries(letter.parameters).map(([name, text]) => [
          name,
          text.slice(0, parameterCharactersMax),
        ]),
      );
      const query = canonicalQuery({
        OutId: letter.id,
        PhoneNumbers: letter.to,
        SignName: signName,
        TemplateCode: templates[letter.template],
        TemplateParam: JSON.stringify(parameters),
      });
      const { host } = new URL(url);
      const date = formatInstant(letter.nowMs).replace(/\.\d{3}Z$/, "Z");
      const call = { host, action: "SendSms", version: "2017-05-25", query, date, nonce: nonce() };
      const headers = aliyunHeaders(settings, call);
      const target = `${url.replace(/\/$/, "")}/?${query}`;
      const answer = await poster.post({ url: target, headers, body: "", stopping });
      return read(answer.status, answer.reason, answer.text);
    },
  };
}

function read(status: number | null, reason: string, text: string): SendAnswer {
  if (status === null) return { outcome: "failed", reason, receipt: null };
  let body: { readonly Code?: unknown; readonly BizId?: unknown };
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    return { outcome: "failed", reason: `HTTP_${status}`, receipt: null };
  }
  const code = typeof body.Code === "string" ? body.Code.slice(0, 64) : `HTTP_${status}`;
  if (code === "OK" && status === 200) {
    const receipt = typeof body.BizId === "string" ? body.BizId.slice(0, 64) : null;
    return { outcome: "delivered", reason: "", receipt };
  }
  const isPassing = status >= 500 || passing.test(code);
  return { outcome: isPassing ? "failed" : "refused", reason: code, receipt: null };
}
