/** Follows the engine's live feed; after a break it goes on behind the last event it had. */
import type { ApiAccess } from "./api.ts";
import { stringIn } from "./api.ts";

/** The part of an event that a story needs. */
export interface LiveEvent {
  readonly seq: number;
  readonly kind: string;
  readonly meterId: string | null;
  readonly rule: string | null;
  readonly priority: number | null;
  /** Why a command is refused, held or failed. */
  readonly detail: string | null;
}

const subprotocol = "mercaptan.v1";
const retryMs = 500;

/** Calls back for every event, once and in sequence, until the returned function is called. */
export function followLive(api: ApiAccess, onEvent: (event: LiveEvent) => void): () => void {
  let lastSeq = 0;
  let isOn = true;
  let socket: WebSocket | null = null;
  const join = (): void => {
    if (!isOn) return;
    const url = `${api.baseUrl.replace(/^http/, "ws")}/v1/live?after=${lastSeq}`;
    socket = new WebSocket(url, [subprotocol, `bearer.${api.key}`]);
    socket.addEventListener("message", ({ data }) => {
      const event = eventOf(String(data));
      if (event === null || event.seq <= lastSeq) return;
      lastSeq = event.seq;
      onEvent(event);
    });
    socket.addEventListener("close", () => setTimeout(join, retryMs).unref());
  };
  join();
  return () => {
    isOn = false;
    socket?.close();
  };
}

/** Null for greetings and heartbeats, which have no sequence. */
function eventOf(line: string): LiveEvent | null {
  const json: unknown = JSON.parse(line);
  const seq = numberIn(json, "seq");
  const kind = stringIn(json, "kind");
  if (seq === undefined || kind === undefined) return null;
  const alarm = objectIn(json, "alarm");
  const command = objectIn(json, "command");
  return {
    seq,
    kind,
    meterId: stringIn(json, "meterId") ?? null,
    rule: stringIn(alarm, "rule") ?? null,
    priority: numberIn(alarm, "priority") ?? null,
    detail: stringIn(command, "detail") ?? null,
  };
}

function numberIn(json: unknown, key: string): number | undefined {
  const value: unknown = objectIn(json, key);
  return typeof value === "number" ? value : undefined;
}

function objectIn(json: unknown, key: string): unknown {
  return typeof json === "object" && json !== null ? Reflect.get(json, key) : undefined;
}
