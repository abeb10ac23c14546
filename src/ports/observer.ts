/** What the program says about itself: named events; each has its metric and its log line in observability. */

/** Name → what it means. The observability room must know every one; a room that needs another adds it here. */
export const namedEvents = {
  "mqtt.connected": "a meter or gateway logged in",
  "mqtt.disconnected": "a session ended",
  "mqtt.refused": "a connection was refused; reason",
  "mqtt.cut": "a connection was cut for what it sent; reason",
  "mqtt.publishRefused": "a publish outside the topic table; reason",
  "mqtt.subscribeRefused": "a subscribe outside the topic table",
  "mqtt.takeover": "a second session of the same client id replaced the first",
  "mqtt.unacknowledged": "a QoS 0 uplink: no promise is made for it",
  "mqtt.throttled": "a limit was reached and a sender is waiting; limit",
  "mqtt.hookFailed": "a fault of our own while judging what a session sent; the session was cut",
  "tcp.refused": "a connection was refused before anything was read; reason",
  "tcp.frameRefused": "a frame of nobody, or of another meter than the connection's; reason",
  "tcp.cut": "a connection was cut for what it sent or did not read; reason",
  "tcp.takeover": "a second connection of the same meter replaced the first",
  "tcp.throttled": "a limit was reached and connections wait; limit",
  "tcp.noise": "bytes between frames that belong to none",
  "security.foreignTopic": "one user name published outside its topics again and again",
  "delivery.unauthorised": "a push with a wrong secret or signature",
  "delivery.refused": "a push that was not taken; reason",
  "security.deliverySignature":
    "a push or its first question was not signed with the gateway's token",
  "login.failed": "wrong user name or secret",
  "login.locked": "too many wrong secrets; the user name waits",
  "api.unauthorised": "a request without a valid key",
  "api.forbidden": "a request that its role may not make",
  "api.rateLimited": "too many requests from one key or address",
  "api.refused": "a connection or a live client was turned away at a limit; limit",
  "api.failed": "a request failed by our own mistake or by failed I/O; code",
  "live.connected": "a live client joined",
  "live.disconnected": "a live client left",
  "live.slowClientCut": "a live client that did not read was cut; it may resume by sequence",
  "downlink.sent": "a command left for a meter",
  "downlink.undelivered": "a command found no listening session",
  "downlink.unconfirmed": "a command left and was not confirmed; the meter may have it",
  "downlink.expired": "a command was dropped at the last barrier because its time was over",
  "edge.asked": "a gateway was asked to say everything again; gateway",
  "edge.notAsked": "a gateway should have been asked, and nobody listened there; gateway",
  "edge.limit": "a conversation with a gateway reached a limit; limit",
  "engine.commitFailed": "a batch could not be made durable; nothing was acknowledged",
  "engine.exited": "the engine thread ended; the process stops",
  "engine.queueFull": "the intake queue reached its limit; bulk senders are paused",
  "audit.exportFailed": "the head of the audit could not be written to its second place",
  "self.trouble": "something is wrong with ourselves: the rule of the alarm; reason",
  "self.troubleOver": "it is over; reason",
  "sink.failed": "a sink could not be reached; it will catch up",
  "sink.recovered": "a sink takes data again",
  "log.dropped": "whoever reads the log was too slow; lines were thrown away, metrics were not",
  "process.ready": "ready for meters",
  "process.stopping": "stopping on request",
} as const;
export type NamedEvent = keyof typeof namedEvents;

/** Fields must not carry secrets, addresses or phone numbers; ids only in logs, never as metric labels. */
export interface Observer {
  note(event: NamedEvent, fields?: Readonly<Record<string, string | number>>): void;
}
