/** What the broker is told when a session must end; aedes closes the connection on any error of a hook. */

export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code: "PUBLISH_REFUSED" | "NOT_COMMITTED" | "SESSION_ENDED" | "LOGIN_REFUSED";
  /** CONNACK return code; only a refused login has one. */
  readonly returnCode: 2 | 4 | 5;
  constructor(code: SessionError["code"], message: string, returnCode: 2 | 4 | 5 = 5) {
    super(`${code}: ${message}`);
    this.code = code;
    this.returnCode = returnCode;
  }
}

/** Why the broker ended a session by itself: its own words → ours. Other words mean malformed bytes. */
const brokersWords = new Map([
  ["connect did not arrive in time", "CONNECT_TIMEOUT"],
  ["keep alive timeout", "KEEP_ALIVE"],
  ["drain timeout", "NOT_READING"],
]);

/** Topics that aedes refuses before we are asked. */
const topicWords = /in PUBLISH$|^topic has too many levels$/;

export type Ending =
  | { readonly event: "mqtt.cut"; readonly reason: string }
  | { readonly event: "mqtt.publishRefused"; readonly reason: "NOT_OWNER" };

/** How an error of a session is explained; null: it was the network, or was explained already. */
export function explain(error: Error): Ending | null {
  if (error instanceof SessionError || error.message === "connection closed") return null;
  if ("code" in error) return null;
  if (topicWords.test(error.message)) return { event: "mqtt.publishRefused", reason: "NOT_OWNER" };
  if (error.message.startsWith("maxInflightInbound")) {
    return { event: "mqtt.cut", reason: "QOS2_UNFINISHED" };
  }
  return { event: "mqtt.cut", reason: brokersWords.get(error.message) ?? "PROTOCOL" };
}
