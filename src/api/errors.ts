/** Turns whatever ended a request into one problem. Nothing of our inside is told to the caller. */
import type { Observer } from "#ports/observer.ts";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import type { Socket } from "node:net";
import { STATUS_CODES } from "node:http";
import type { ApiLimits } from "./limits.ts";
import {
  chooseLanguage,
  problemBody,
  ProblemError,
  problems,
  type ProblemItem,
  type ProblemWord,
} from "./problems.ts";

export const problemType = "application/problem+json";

/** What Fastify itself refuses, by its code. */
const fastifyProblems: Readonly<Record<string, ProblemWord>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported-media-type",
  FST_ERR_CTP_BODY_TOO_LARGE: "body-too-large",
  FST_ERR_HANDLER_TIMEOUT: "too-slow",
};

const places = {
  body: "body",
  querystring: "query",
  params: "path",
  headers: "header",
} as const;

/** Anything thrown, as a problem. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const place = places[error.validationContext as keyof typeof places];
    const errors = error.validation.map((item): ProblemItem => ({
      in: place,
      pointer: item.instancePath === "/" ? "" : item.instancePath,
      detail: item.message ?? item.keyword,
    }));
    return new ProblemError("invalid-request", `the ${place} does not fit the schema`, { errors });
  }
  const { code = "", statusCode = 500, message } = error as Partial<FastifyError>;
  const known = fastifyProblems[code];
  if (known !== undefined) return new ProblemError(known, problems[known].en, {}, { cause: error });
  if (statusCode >= 400 && statusCode < 500) {
    return new ProblemError("invalid-request", message ?? "", {}, { cause: error });
  }
  if (code === "CURSOR_INVALID") {
    const errors: ProblemItem[] = [
      { in: "query", pointer: "/cursor", detail: "not one that was given out" },
    ];
    return new ProblemError("invalid-request", "the cursor is not valid", { errors });
  }
  if (code === "READINGS_RETIRED") {
    return new ProblemError("retired", (message ?? "").replace(`${code}: `, ""));
  }
  // The query worker is overloaded, or the store cannot be read: both pass.
  if (/^(QUERIES|QUERY|LEDGER)_/.test(code)) {
    return new ProblemError("store-unavailable", "try again", {}, { cause: error });
  }
  return new ProblemError("internal", "the fault is noted", {}, { cause: error });
}

type SendProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Every answer that is not a success leaves through this function. */
export function problemSender(limits: ApiLimits, observer: Observer): SendProblem {
  return (error, request, reply) => {
    const problem = problemOf(error);
    const { status } = problems[problem.code];
    if (status >= 500) observer.note("api.failed", { code: causeCode(problem) });
    if (status === 503) reply.header("retry-after", limits.retryAfterSeconds);
    const language = chooseLanguage(request.headers["accept-language"]);
    // A string, so that no success schema of the route is applied to it.
    const body = JSON.stringify({
      ...problemBody(problem.code, problem.message, language),
      ...problem.extras,
    });
    return reply
      .code(status)
      .header("content-language", language === "zh" ? "zh-CN" : "en")
      .type(problemType)
      .send(body);
  };
}

/** Must run after the rate limit is installed: looking for routes is limited too. */
export function installErrors(app: FastifyInstance, send: SendProblem): void {
  app.setErrorHandler(send);
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
    send(new ProblemError("no-such-route", "see /openapi.json"), request, reply),
  );
}

function causeCode(problem: ProblemError): string {
  const { cause } = problem;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return cause instanceof Error ? cause.name : problem.code;
}

const parserProblems: Readonly<Record<string, ProblemWord>> = {
  HPE_HEADER_OVERFLOW: "headers-too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
};

/** What the HTTP parser itself refuses: there is no request yet, only a socket. */
export function answerBrokenHttp(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const word = parserProblems[error.code ?? ""] ?? "malformed-http";
  const { status } = problems[word];
  const body = JSON.stringify(problemBody(word, error.code ?? "", "en"));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: ${problemType}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
