/** One HTTP POST to somebody outside: no redirect, a deadline, an answer that is not kept, only allowed addresses. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { AddressRefusedError, bare, isPublicAddress, publicLookup } from "./addresses.ts";
import { notifyLimits } from "./limits.ts";

export interface PostAnswer {
  /** null: there was no answer. */
  readonly status: number | null;
  /** A stable word; empty when the status says all. Never an address. */
  readonly reason: string;
  /** What the receiver asks to wait; null: nothing. */
  readonly retryAfterMs: number | null;
  /** The beginning of the answer, where it was asked for. */
  readonly text: string;
}

export interface PostCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly stopping: AbortSignal;
  readonly timeoutMs?: number;
}

export interface Poster {
  post(call: PostCall): Promise<PostAnswer>;
  close(): void;
}

/** Keeps connections open between sendings; each was looked at when it was made. */
export function openPoster(
  allowedHosts: readonly string[],
  lookup: LookupFunction = publicLookup(),
): Poster {
  const pool = { keepAlive: true, keepAliveMsecs: 1_000, maxSockets: 16, timeout: 30_000 };
  const agents = {
    open: { http: new HttpAgent(pool), https: new HttpsAgent(pool) },
    guarded: {
      http: new HttpAgent({ ...pool, lookup }),
      https: new HttpsAgent({ ...pool, lookup }),
    },
  };
  return {
    async post(call) {
      const url = new URL(call.url);
      const isAllowed = allowedHosts.includes(url.hostname.toLowerCase());
      const literal = bare(url.hostname);
      // A literal address never meets the look-up.
      if (!isAllowed && isIP(literal) !== 0 && !isPublicAddress(literal)) return refusal;
      const isTls = url.protocol === "https:";
      if (!isAllowed && !isTls) return refusal;
      const { http, https } = isAllowed ? agents.open : agents.guarded;
      return send(call, url, isTls ? https : http);
    },
    close() {
      for (const { http, https } of Object.values(agents)) {
        http.destroy();
        https.destroy();
      }
    },
  };
}

const refusal: PostAnswer = {
  status: null,
  reason: "ADDRESS_REFUSED",
  retryAfterMs: null,
  text: "",
};

function send(call: PostCall, url: URL, agent: HttpAgent | HttpsAgent): Promise<PostAnswer> {
  const timeoutMs = call.timeoutMs ?? notifyLimits.answerWithinMs;
  const signal = AbortSignal.any([call.stopping, AbortSignal.timeout(timeoutMs)]);
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const headers = { ...call.headers, "content-length": Buffer.byteLength(call.body) };
  return new Promise((resolve) => {
    const fail = (error: unknown): void => {
      const isLate = signal.aborted && !call.stopping.aborted;
      const reason = isLate ? "NO_ANSWER" : codeOf(error);
      resolve({ status: null, reason, retryAfterMs: null, text: "" });
    };
    const sending = request(url, { method: "POST", agent, headers, signal }, (response) => {
      collect(response).then((text) => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, reason: "", retryAfterMs: retryAfterOf(headers["retry-after"]), text });
      }, fail);
    });
    sending.on("error", fail);
    sending.on("socket", (socket) => {
      if (!socket.listeners("error").includes(alreadyTold)) socket.on("error", alreadyTold);
    });
    sending.end(call.body);
  });
}

/**
 * A stop in the very turn in which an answer ends destroys a connection whose request has taken its listener away
 * already: without another one that ends the process.
 */
function alreadyTold(): void {
  // The request has its answer, or its own error.
}

/** The beginning of the answer; the rest is not waited for. */
async function collect(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > notifyLimits.answerBytesMax) break;
  }
  return Buffer.concat(parts).toString("utf8");
}

function retryAfterOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}

/** A code and never the text: texts name addresses. */
function codeOf(error: unknown): string {
  if (error instanceof AddressRefusedError) return error.code;
  return error instanceof Error && "code" in error ? String(error.code) : "FAILED";
}
