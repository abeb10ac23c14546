/** Somebody outside who is told over HTTP: takes, refuses, answers late, never, or breaks off after having read. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to the next call: an answer, no answer, the line cut once all was read, an answer later. */
export type Behaviour = number | "hang" | "cut" | { readonly lateMs: number };

export interface ReceivedCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Starts one on loopback; `next` holds the behaviours of the coming calls, then `usual` follows. */
export async function startReceiver(answerText: (call: ReceivedCall) => string = () => "") {
  const calls: ReceivedCall[] = [];
  const next: Behaviour[] = [];
  const state: { usual: Behaviour; retryAfter: string | null } = { usual: 204, retryAfter: null };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { url: path = "", headers } = request;
      const call = { path, headers, body: Buffer.concat(parts).toString("utf8") };
      calls.push(call);
      behave(response, next.shift() ?? state.usual, () => answerText(call), state.retryAfter);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/told`,
    port,
    calls,
    next,
    state,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function behave(
  response: ServerResponse,
  behaviour: Behaviour,
  text: () => string,
  retryAfter: string | null,
): void {
  if (behaviour === "hang") return;
  if (behaviour === "cut") {
    response.socket?.destroy();
    return;
  }
  if (typeof behaviour === "object") {
    setTimeout(() => behave(response, 200, text, retryAfter), behaviour.lateMs);
    return;
  }
  if (retryAfter !== null) response.setHeader("retry-after", retryAfter);
  response.writeHead(behaviour).end(behaviour === 204 ? undefined : text());
}
