/**
 * Everything that an answer other than success may say: RFC 9457, one table. The word is the stable
 * part.
 */
import type { RefusalKind } from "#ports/requests.ts";

interface ProblemKind {
  readonly status: number;
  readonly en: string;
  readonly zh: string;
}

export const problems = {
  "invalid-request": { status: 400, en: "The request is not valid", zh: "请求无效" },
  "malformed-json": {
    status: 400,
    en: "The body is not well-formed JSON",
    zh: "正文不是合法的 JSON",
  },
  "too-deep": { status: 400, en: "The JSON is nested too deeply", zh: "JSON 嵌套过深" },
  "malformed-http": { status: 400, en: "The HTTP message is malformed", zh: "HTTP 报文格式错误" },
  unauthorised: { status: 401, en: "A valid API key is needed", zh: "需要有效的 API 密钥" },
  forbidden: { status: 403, en: "This key may not do that", zh: "该密钥无此权限" },
  "same-person": {
    status: 403,
    en: "Another person must say yes",
    zh: "须由另一人批准",
  },
  "wrong-origin": { status: 403, en: "This origin may not connect", zh: "不允许该来源连接" },
  "no-such-route": { status: 404, en: "There is no such route", zh: "接口不存在" },
  "not-found": { status: 404, en: "There is no such thing", zh: "对象不存在" },
  retired: {
    status: 410,
    en: "Readings of that time are no longer kept",
    zh: "该时段的读数已超过保存期限",
  },
  "request-timeout": { status: 408, en: "The request took too long to arrive", zh: "请求接收超时" },
  "already-exists": { status: 409, en: "It exists already", zh: "对象已存在" },
  "occurrence-changed": {
    status: 409,
    en: "The alarm changed since it was shown",
    zh: "报警在显示后已发生变化",
  },
  "not-allowed-in-state": {
    status: 409,
    en: "Not allowed in the present state",
    zh: "当前状态下不允许该操作",
  },
  "approval-expired": {
    status: 409,
    en: "It can no longer be approved",
    zh: "批准期限已过",
  },
  "version-conflict": {
    status: 412,
    en: "It was changed by somebody else",
    zh: "对象已被他人修改",
  },
  "body-too-large": { status: 413, en: "The body is too large", zh: "正文过大" },
  "unsupported-media-type": {
    status: 415,
    en: "This content type is not accepted here",
    zh: "不支持该内容类型",
  },
  "upgrade-required": {
    status: 426,
    en: "This route is a WebSocket",
    zh: "该接口须使用 WebSocket",
  },
  invalid: { status: 422, en: "The request cannot be carried out", zh: "请求无法执行" },
  "idempotency-mismatch": {
    status: 422,
    en: "This Idempotency-Key belongs to another request",
    zh: "该幂等键已用于不同的请求",
  },
  "precondition-required": { status: 428, en: "If-Match is required", zh: "必须提供 If-Match" },
  "too-many-requests": { status: 429, en: "Too many requests", zh: "请求过于频繁" },
  "headers-too-large": { status: 431, en: "The request headers are too large", zh: "请求头过大" },
  internal: { status: 500, en: "The request failed here", zh: "服务内部错误" },
  "store-unavailable": {
    status: 503,
    en: "The store cannot answer now",
    zh: "存储暂不可用",
  },
  overloaded: { status: 503, en: "Too much is waiting", zh: "待处理数据过多" },
  "too-slow": { status: 503, en: "The answer took too long", zh: "处理超时" },
} as const satisfies Record<RefusalKind, ProblemKind> & Record<string, ProblemKind>;
export type ProblemWord = keyof typeof problems;

/** One thing that is wrong with a request: where (JSON pointer) and what. */
export interface ProblemItem {
  readonly in: "body" | "query" | "path" | "header";
  readonly pointer: string;
  readonly detail: string;
}

interface ProblemExtras {
  readonly errors?: readonly ProblemItem[];
  /** The alarm's JSON as it is now, where an acknowledgement came too late. */
  readonly alarm?: Readonly<Record<string, unknown>>;
}

/**
 * Ends a request with a problem. An Error, because that is how Fastify carries an answer from any
 * depth to its one error handler; `code` is the problem's word.
 */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemWord;
  readonly extras: ProblemExtras;
  constructor(
    code: ProblemWord,
    detail: string,
    extras: ProblemExtras = {},
    options?: ErrorOptions,
  ) {
    super(detail, options);
    this.code = code;
    this.extras = extras;
  }
}

export type Language = "en" | "zh";

/**
 * The better of the two languages we have, by Accept-Language (RFC 9110 12.5.4); English unless
 * asked.
 */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  let best: Language = "en";
  let bestWeight = 0;
  for (const range of (acceptLanguage ?? "").split(",")) {
    const [tag = "", ...parameters] = range.trim().toLowerCase().split(";");
    const quality = parameters.map((text) => text.trim()).find((text) => text.startsWith("q="));
    const weight = quality === undefined ? 1 : Number(quality.slice(2));
    const language = tag.startsWith("zh") ? "zh" : tag.startsWith("en") ? "en" : undefined;
    if (language === undefined || !(weight > bestWeight)) continue;
    best = language;
    bestWeight = weight;
  }
  return best;
}

/** The problem's JSON, without what only some problems carry. */
export function problemBody(word: ProblemWord, detail: string, language: Language) {
  const kind = problems[word];
  return {
    type: `urn:mercaptan:problem:${word}`,
    title: kind[language],
    status: kind.status,
    detail,
  };
}
