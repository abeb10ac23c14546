/** One way to reach a person: a provider of short messages, or a mail server. */
import type { DeliveryOutcome } from "#domain/webhook.ts";
import type { DeliveryWay } from "./metrics.ts";

/** What a person is told, once. */
export interface Letter {
  /** The same for every attempt. */
  readonly id: string;
  /** A telephone number or an address of mail: never in a log. */
  readonly to: string;
  readonly template: "alarm" | "workOrder";
  /** Short words for a template. */
  readonly parameters: Readonly<Record<"what" | "meter" | "area" | "at", string>>;
  readonly subject: string;
  readonly text: string;
  readonly nowMs: number;
}

export interface SendAnswer {
  /** `failed` may go better later, `refused` never. */
  readonly outcome: DeliveryOutcome;
  /** A stable word; empty when it was taken. */
  readonly reason: string;
  /** What the provider calls it. */
  readonly receipt: string | null;
}

export interface Messenger {
  readonly way: Exclude<DeliveryWay, "webhook">;
  send(letter: Letter, stopping: AbortSignal): Promise<SendAnswer>;
}
