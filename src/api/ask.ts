/** From a request to the engine's desk and back: every change goes this way. */
import type { AlarmView } from "#ports/queries.ts";
import type { Answer, Ask, Refusal } from "#ports/requests.ts";
import { invariant } from "#domain/invariant.ts";
import type { FastifyRequest } from "fastify";
import { createHash } from "node:crypto";
import { callerOf, mayContact } from "./access.ts";
import { alarmJson } from "./json/alarm.ts";
import type { ApiOptions } from "./options.ts";
import { ProblemError } from "./problems.ts";

type AnswerOf<Kind extends Answer["kind"]> = Extract<Answer, { readonly kind: Kind }>;

/** Printable ASCII, as the draft's structured string has it. */
const idempotencyKeyPattern = /^[\x21-\x7e]{1,128}$/;

interface AskOptions {
  /**
   * False: the answer holds a secret that cannot be given twice, so nothing is kept for a replay.
   */
  readonly mayReplay: boolean;
  /** Tells the rows of one import apart. */
  readonly part?: { readonly name: string; readonly content: unknown };
}

/**
 * Asks, and ends the request with a problem when the engine refuses. The answer came after the
 * commit, so whoever reads the store next sees it there, with everything that followed from it.
 */
export async function ask<Kind extends Answer["kind"]>(
  options: ApiOptions,
  request: FastifyRequest,
  wanted: Ask,
  kind: Kind,
  askOptions: AskOptions = { mayReplay: true },
): Promise<AnswerOf<Kind>> {
  const caller = callerOf(request);
  const result = await options.desk.ask({
    actor: { label: caller.label, role: caller.role },
    ask: wanted,
    idempotency: askOptions.mayReplay ? idempotencyOf(request, askOptions.part) : null,
    source: request.ip,
    requestId: askOptions.part === undefined ? request.id : `${request.id}#${askOptions.part.name}`,
  });
  if (!result.ok) throw await refused(options, request, result.refusal);
  invariant(isAnswer(result.answer, kind), `${wanted.kind} is answered with ${kind}`);
  return result.answer;
}

function isAnswer<Kind extends Answer["kind"]>(
  answer: Answer,
  kind: Kind,
): answer is AnswerOf<Kind> {
  return answer.kind === kind;
}

/**
 * The Idempotency-Key, bound to the API key and the address, so that two callers never share one;
 * the hash tells a repetition from another request under the same key.
 */
function idempotencyOf(request: FastifyRequest, part: AskOptions["part"]) {
  const given = request.headers["idempotency-key"];
  if (given === undefined || request.method !== "POST") return null;
  if (typeof given !== "string" || !idempotencyKeyPattern.test(given)) {
    throw new ProblemError("invalid-request", "Idempotency-Key is 1 to 128 printable characters", {
      errors: [{ in: "header", pointer: "/idempotency-key", detail: "not a key" }],
    });
  }
  const path = request.url.split("?", 1)[0] ?? "";
  const suffix = part === undefined ? "" : `#${part.name}`;
  const content = JSON.stringify((part === undefined ? request.body : part.content) ?? null);
  return {
    key: `${callerOf(request).id} ${request.method} ${path} ${given}${suffix}`,
    requestHash: createHash("sha256").update(`${request.method} ${path}\n${content}`).digest("hex"),
  };
}

async function refused(
  options: ApiOptions,
  request: FastifyRequest,
  refusal: Refusal,
): Promise<ProblemError> {
  const { alarm } = refusal;
  if (alarm === undefined) return new ProblemError(refusal.kind, refusal.detail);
  const stored = await options.queries.alarm(alarm.id);
  const view: AlarmView = { meter: null, comments: [], ...stored, alarm };
  return new ProblemError(refusal.kind, refusal.detail, {
    alarm: alarmJson(view, options.describeAlarm, mayContact(request)),
  });
}
