/** Every named event of the program: how serious its log line is, and which reasons its counter tells apart. */
import { troubleRuleIds } from "#domain/alarm.ts";
import { disabledReasons } from "#domain/webhook.ts";
import type { NamedEvent } from "#ports/observer.ts";
import { sinkNames } from "#ports/metrics.ts";

type EventLevel = "debug" | "info" | "warn" | "error" | "fatal";

export interface EventRow {
  readonly level: EventLevel;
  /** The field that becomes the label `reason`, with the only values it may have; the rest is "other". */
  readonly reasonField?: "reason" | "limit" | "code" | "sink";
  readonly reasons?: readonly string[];
  /** An uplink ends here, neither stored nor acknowledged: counted as refused, by its field `protocol`. */
  readonly endsUplink?: true;
}

/** What happens with every meter every hour is `debug`; what a person should look into is `warn` or above. */
export const events: Readonly<Record<NamedEvent, EventRow>> = {
  "mqtt.connected": { level: "debug" },
  "mqtt.disconnected": { level: "debug" },
  "mqtt.refused": {
    level: "warn",
    reasonField: "reason",
    reasons: [
      "ADDRESS_LIMIT",
      "CONNECTION_LIMIT",
      "ACCEPT_FAILED",
      "PROTOCOL_VERSION",
      "CLIENT_ID",
      "CREDENTIAL",
      "LOCKED",
      "KEEP_ALIVE",
      "WILL",
    ],
  },
  "mqtt.cut": {
    level: "warn",
    reasonField: "reason",
    reasons: [
      "TLS",
      "PROTOCOL",
      "SIZE",
      "FLOOD",
      "QOS2_UNFINISHED",
      "CONNECT_TIMEOUT",
      "KEEP_ALIVE",
      "NOT_READING",
      "REVOKED",
    ],
  },
  "mqtt.publishRefused": {
    level: "warn",
    reasonField: "reason",
    reasons: ["NOT_OWNER", "UNKNOWN_METER", "RETAINED"],
    endsUplink: true,
  },
  "mqtt.subscribeRefused": { level: "warn" },
  "mqtt.takeover": { level: "info" },
  "mqtt.unacknowledged": { level: "debug" },
  "mqtt.throttled": {
    level: "warn",
    reasonField: "limit",
    reasons: [
      "queue",
      "uplinksInFlight",
      "uplinkBytesInFlight",
      "uplinksInFlightPerSession",
      "admissionsPerSecond",
    ],
  },
  "tcp.refused": {
    level: "warn",
    reasonField: "reason",
    reasons: ["ADDRESS_LIMIT", "CONNECTION_LIMIT", "ACCEPT_FAILED", "PEER"],
  },
  "tcp.frameRefused": {
    level: "warn",
    reasonField: "reason",
    reasons: ["UNKNOWN_METER", "NOT_OWNER", "FLOOD", "DAMAGED_LIMIT", "LINE_CLOSED"],
    endsUplink: true,
  },
  "tcp.cut": {
    level: "warn",
    reasonField: "reason",
    reasons: ["SIZE", "FLOOD", "NOT_READING", "FIRST_FRAME_TIMEOUT"],
  },
  "tcp.takeover": { level: "info" },
  "tcp.throttled": {
    level: "warn",
    reasonField: "limit",
    reasons: ["admissionsPerSecond"],
  },
  "tcp.noise": { level: "debug" },
  "mqtt.hookFailed": { level: "error" },
  "security.foreignTopic": { level: "error" },
  "delivery.unauthorised": { level: "warn" },
  "delivery.refused": {
    level: "warn",
    reasonField: "reason",
    reasons: ["notAnEnvelope", "overloaded", "SIZE"],
    endsUplink: true,
  },
  "security.deliverySignature": { level: "error" },
  "login.failed": { level: "warn" },
  "login.locked": { level: "warn" },
  "api.unauthorised": { level: "warn" },
  "api.forbidden": { level: "warn" },
  "api.rateLimited": { level: "warn" },
  "api.refused": {
    level: "warn",
    reasonField: "limit",
    reasons: ["connectionsMax", "liveClientsMax"],
  },
  "api.failed": {
    level: "error",
    reasonField: "code",
    reasons: ["QUERIES_OVERLOADED", "QUERIES_CLOSED", "QUERY_FAILED", "QUERY_WORKER_DIED"],
  },
  "live.connected": { level: "info" },
  "live.disconnected": { level: "info" },
  "live.slowClientCut": { level: "warn" },
  "downlink.sent": { level: "info" },
  "downlink.undelivered": { level: "info" },
  "downlink.unconfirmed": { level: "warn" },
  "downlink.expired": { level: "warn" },
  "edge.asked": { level: "info" },
  "edge.notAsked": { level: "warn" },
  "rules.failed": {
    level: "warn",
    reasonField: "reason",
    reasons: ["division_by_zero", "modulo_by_zero", "no_such_overload", "not_compiled"],
  },
  "edge.limit": {
    level: "warn",
    reasonField: "limit",
    reasons: ["devices", "metrics", "held", "groups"],
  },
  "engine.commitFailed": {
    level: "error",
    reasonField: "reason",
    reasons: ["LEDGER_UNUSABLE", "LEDGER_TOO_NEW", "LEDGER_WRITE_FAILED", "LEDGER_CORRUPT"],
  },
  "ledger.sumsMade": { level: "warn", reasonField: "reason", reasons: ["made", "remade"] },
  "ledger.touched": { level: "warn" },
  "readings.damaged": { level: "error" },
  "readings.remade": { level: "warn" },
  "readings.workFailed": { level: "error" },
  "readings.walked": { level: "info" },
  "readings.walkFailed": { level: "error" },
  "readings.retired": { level: "info" },
  "engine.exited": { level: "fatal" },
  "engine.queueFull": { level: "warn" },
  "gaps.full": { level: "warn", reasonField: "limit", reasons: ["requestedMax"] },
  "gaps.failed": { level: "error" },
  "audit.exportFailed": { level: "error" },
  "backup.made": { level: "info" },
  "backup.failed": {
    level: "error",
    reasonField: "reason",
    reasons: ["BACKUP_UNUSABLE", "BACKUP_UNSTEADY", "LEDGER_CORRUPT", "ENOSPC", "EIO"],
  },
  "self.trouble": { level: "error", reasonField: "reason", reasons: troubleRuleIds },
  "self.troubleOver": { level: "info", reasonField: "reason", reasons: troubleRuleIds },
  "sink.failed": { level: "warn", reasonField: "sink", reasons: sinkNames },
  "sink.recovered": { level: "info", reasonField: "sink", reasons: sinkNames },
  "webhook.failed": {
    level: "warn",
    reasonField: "code",
    reasons: ["ADDRESS_REFUSED", "NO_ANSWER", "ECONNREFUSED", "ECONNRESET", "ENOTFOUND"],
  },
  "webhook.works": { level: "info" },
  "webhook.refused": { level: "warn" },
  "webhook.disabled": { level: "error", reasonField: "reason", reasons: disabledReasons },
  "notify.notTold": { level: "warn" },
  "notify.tooMany": { level: "warn" },
  "figures.failed": { level: "warn" },
  "notify.failed": { level: "error" },
  "log.dropped": { level: "warn" },
  "process.ready": { level: "info" },
  "process.stopping": { level: "info" },
};
