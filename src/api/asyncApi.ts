/** The live feed as an AsyncAPI 3 document, made of the same words that the program uses. */
import {
  alarmEventKinds,
  systemEventKinds,
  workEventKinds,
  workOrderEventKinds,
} from "#domain/event.ts";
import { commandStates } from "#domain/command.ts";
import { liveSubprotocol } from "./access.ts";
import { apiLimits } from "./limits.ts";
import { liveCloseCodes } from "./live/liveHub.ts";

const instant = { type: "string", format: "date-time" };
const sequence = { type: "integer", minimum: 0 };

/** A note of the feed itself: not an event, without a sequence. */
function note(kind: string, summary: string, more: Readonly<Record<string, unknown>>) {
  const properties = { kind: { const: kind }, serverTime: instant, ...more };
  return {
    name: kind,
    summary,
    payload: { type: "object", required: Object.keys(properties), properties },
  };
}

const event = {
  name: "event",
  summary: "One alarm, command or system event, once and in sequence",
  payload: {
    type: "object",
    required: ["seq", "at", "kind"],
    properties: {
      seq: sequence,
      at: instant,
      kind: {
        enum: [
          ...alarmEventKinds,
          ...commandStates.map((state) => `command.${state}`),
          ...systemEventKinds,
          ...workOrderEventKinds,
          ...workEventKinds,
        ],
      },
      meterId: { type: ["string", "null"] },
      alarm: { type: "object" },
      command: { type: "object" },
      workOrder: { type: "object" },
      plannedWork: { type: "object" },
    },
  },
};

export const asyncApiDocument = {
  asyncapi: "3.0.0",
  info: {
    title: "Mercaptan live feed",
    version: "1",
    description:
      `WebSocket /v1/live?after={seq}, subprotocol ${liveSubprotocol} for browsers; the same over ` +
      "server-sent events at /v1/live/sse, resumed by Last-Event-ID. Closed with " +
      Object.entries(liveCloseCodes)
        .map(([reason, code]) => `${code} (${reason})`)
        .join(", ") +
      "; come again with the last sequence you have.",
  },
  channels: {
    live: {
      address: "/v1/live",
      parameters: {},
      messages: {
        hello: note("hello", "First: our time and the sequences that exist", {
          oldest: sequence,
          newest: sequence,
        }),
        heartbeat: note("heartbeat", `Every ${apiLimits.liveHeartbeatMs} ms: the feed lives`, {
          newest: { type: ["integer", "null"] },
        }),
        event,
      },
      bindings: {
        ws: { query: { type: "object", properties: { after: sequence } } },
      },
    },
  },
  operations: {
    follow: { action: "send", channel: { $ref: "#/channels/live" } },
  },
} as const;
