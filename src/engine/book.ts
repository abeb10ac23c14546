/** One batch in the making: what it changed in memory, and what others must hear when it is durable. */
import { alarmMessage } from "#alarms/messages.ts";
import type { Alarm } from "#domain/alarm.ts";
import type { Command, CommandChange } from "#domain/command.ts";
import type { EventKind, StoredEvent } from "#domain/event.ts";
import type { ApiKeyRow, CommandFrame, CredentialRow, GatewayRow, Ledger } from "#ports/ledger.ts";
import type { Meter } from "#domain/meter.ts";
import { publicAlarm, publicCommand } from "#domain/publicJson.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { Recipient } from "#domain/recipient.ts";
import type { Webhook } from "#domain/webhook.ts";
import { formatInstant } from "#domain/units.ts";
import type { Downlink, LinkNote } from "#ports/intake.ts";
import type { LinkState } from "#protocols/contract.ts";
import type { MeterContext } from "./context.ts";
import type { Draft } from "./draft.ts";
import { followParents } from "./consequences.ts";
import { isHeldByBreaker, noteContext, type Memory } from "./memory.ts";
import { recount } from "./activeAlarms.ts";
import { frameOf } from "./encodeCommand.ts";
import { Tally } from "./tally.ts";

export interface Book {
  readonly ledger: Ledger;
  readonly memory: Memory;
  readonly nowMs: TimestampMs;
  readonly tally: Tally;
  readonly events: StoredEvent[];
  /** Commands to encode and hand over once the batch is durable. */
  readonly downlinks: Downlink[];
  /** What gateways are asked or noted for once the batch is durable. */
  readonly linkNotes: LinkNote[];
  /** Conversations as they were before the batch. */
  readonly nodesBefore: Map<string, LinkState | undefined>;
  /** Meters whose command has just been queued and has not left. */
  readonly queued: Set<number>;
  readonly changed: {
    readonly meters: Map<number, Meter>;
    readonly gateways: GatewayRow[];
    readonly credentials: CredentialRow[];
    readonly revoked: string[];
    readonly apiKeys: ApiKeyRow[];
    readonly revokedApiKeys: string[];
    readonly webhooks: Map<string, Webhook>;
    readonly removedWebhooks: string[];
    readonly recipients: Map<string, Recipient>;
    readonly removedRecipients: string[];
  };
  /** Alarms that were told of, for the orders that follow them. */
  readonly toldAlarms: { readonly kind: EventKind; readonly alarm: Alarm }[];
  /** Contexts as they were before the batch. */
  readonly before: Map<number, MeterContext | undefined>;
  readonly undo: (() => void)[];
}

/** Opens the books for one batch; everything that it changes in memory can be undone. */
export function openBook(ledger: Ledger, memory: Memory, nowMs: TimestampMs): Book {
  const { automation, system, meterAlarms, arrivals, dispatch } = memory;
  const sequences = { ...memory.sequences };
  const restore = (): void => {
    Object.assign(memory, { automation, sequences, system, meterAlarms, arrivals, dispatch });
  };
  const changed = {
    meters: new Map<number, Meter>(),
    gateways: [],
    credentials: [],
    revoked: [],
    apiKeys: [],
    revokedApiKeys: [],
    webhooks: new Map<string, Webhook>(),
    removedWebhooks: [],
    recipients: new Map<string, Recipient>(),
    removedRecipients: [],
  };
  return {
    ledger,
    memory,
    nowMs,
    tally: new Tally(),
    events: [],
    downlinks: [],
    linkNotes: [],
    nodesBefore: new Map(),
    queued: new Set(),
    changed,
    toldAlarms: [],
    before: new Map(),
    undo: [restore],
  };
}

/** Makes memory what it was before the batch. */
export function undoBook(book: Book): void {
  const { memory } = book;
  for (const [meterNo, context] of book.before) {
    if (context === undefined) memory.contexts.delete(meterNo);
    else memory.contexts.set(meterNo, context);
    noteContext(memory, meterNo, context);
  }
  for (const [key, state] of book.nodesBefore) {
    if (state === undefined) memory.edgeNodes.delete(key);
    else memory.edgeNodes.set(key, state);
    // The next look at the clock says whether it waits.
    if (state === undefined) memory.waitingNodes.delete(key);
    else memory.waitingNodes.add(key);
  }
  for (const undo of book.undo.reverse()) undo();
}

/** Takes the next number of a sequence. */
export function nextNumber(memory: Memory, name: keyof Memory["sequences"]): number {
  memory.sequences[name] += 1;
  return memory.sequences[name];
}

/** Writes what a meter's step wants, in the open transaction, and remembers its new context. */
export function recordDraft(book: Book, draft: Draft): void {
  followParents(draft);
  const { ledger, memory, nowMs, tally } = book;
  const { effects, meter } = draft;
  if (!book.before.has(meter.no)) book.before.set(meter.no, memory.contexts.get(meter.no));
  const liveBefore = memory.contexts.get(meter.no)?.live ?? {};
  memory.meterAlarms = recount(memory.meterAlarms, liveBefore, draft.context.live);
  memory.contexts.set(meter.no, draft.context);
  memory.automation = draft.automation;
  noteContext(memory, meter.no, draft.context);
  for (const reading of effects.readings) ledger.putReading(reading);
  for (const { reading, reason } of effects.revisions) ledger.reviseReading(reading, reason, nowMs);
  for (const atMs of effects.conflictsMs) ledger.putConflict(meter.no, atMs, nowMs);
  for (const { atMs, json } of effects.checkpoints) ledger.putCheckpoint(meter.no, atMs, json);
  for (const alarm of effects.alarms.values()) ledger.putAlarm(alarm);
  for (const row of effects.occurrences) ledger.putOccurrence(meter.no, row);
  for (const id of effects.retracted) ledger.retractOccurrence(id, nowMs);
  for (const { kind, alarm } of effects.alarmEvents) publishAlarm(book, kind, alarm, meter);
  for (const change of effects.commands) {
    recordCommand(book, change, meter);
    auditCommand(book, change, draft, frameBeforehand(book, change, draft));
  }
  for (const command of effects.sends) handOver(book, draft, command);
  for (const failure of effects.ruleFailures) publish(book, "rules.failed", meter, { ...failure });
  for (const word of effects.strayReplies) tally.command("reply", word);
  tally.readings += effects.readings.length;
}

/** A sleeping meter listens for seconds: what is queued for it lies ready as bytes. */
function frameBeforehand(
  { ledger }: Book,
  { command, transitions }: CommandChange,
  draft: Draft,
): CommandFrame | null {
  const isReady = transitions.some(({ state }) => state === "queued" || state === "sent");
  return isReady ? frameOf(ledger, draft, command) : null;
}

/** A frame was tried when the command was judged; should it fail now, the command stays `sent` and runs out. */
function handOver(book: Book, draft: Draft, command: Command): void {
  const { meter, protocol } = draft;
  const written = frameOf(book.ledger, draft, command);
  if (written === null) return;
  book.downlinks.push({
    commandId: command.id,
    meterNo: meter.no,
    protocol: protocol.name,
    bytes: written.frame,
    expiresAtMs: command.expiresAtMs,
  });
}

function recordCommand(book: Book, change: CommandChange, meter: Meter): void {
  const { command, transitions } = change;
  book.ledger.putCommand(change);
  const { held } = book.memory;
  const wasHeld = held.has(command.id);
  const isHeld = isHeldByBreaker(command);
  if (isHeld && !wasHeld) {
    held.set(command.id, command);
    book.undo.push(() => held.delete(command.id));
  } else if (!isHeld && wasHeld) {
    held.delete(command.id);
    book.undo.push(() => held.set(command.id, command));
  }
  // What came back from a session waits for the meter's next word; what has never left may try at once.
  if (command.state === "queued" && command.sentAtMs === null) book.queued.add(meter.no);
  else book.queued.delete(meter.no);
  for (const transition of transitions) {
    book.tally.command(command.action, transition.state);
    const snapshot: Command = { ...command, state: transition.state };
    publish(book, `command.${transition.state}`, meter, {
      command: publicCommand(snapshot, meter.id, transitions),
    });
  }
}

/** What the engine decides by itself, and every order that leaves; what persons do is in the audit already. */
function auditCommand(
  book: Book,
  { command, transitions }: CommandChange,
  { meter }: Draft,
  written: CommandFrame | null,
): void {
  const { id, action, cause, reason, state, detail, attempts } = command;
  const isDecided = cause.kind === "alarm" && transitions[0]?.state === "requested";
  const isSent = transitions.some((transition) => transition.state === "sent");
  if (!isDecided && !isSent) return;
  book.ledger.putAudit({
    atMs: book.nowMs,
    actor: "engine",
    role: "engine",
    act: isSent ? "command.sent" : `command.${state}`,
    subject: meter.id,
    reason,
    detailJson: JSON.stringify({
      source: `${cause.kind} ${cause.ref}`,
      after: { command: id, action, state, detail, attempts },
      // What was sent, for whoever holds it against the ledger or the wire.
      ...(isSent && written !== null ? { frameSha256: written.sha256 } : {}),
    }),
  });
}

/** An event about an alarm, with the alarm as it now is. */
export function publishAlarm(book: Book, kind: EventKind, alarm: Alarm, meter: Meter | null): void {
  if (book.memory.dispatch.policy.openFor.length > 0) book.toldAlarms.push({ kind, alarm });
  const message = alarmMessage(alarm, meter?.id ?? null);
  publish(book, kind, meter, { alarm: publicAlarm(alarm, meter, message) });
}

/** Gives an event the next number and its place in the open transaction. */
export function publish(
  book: Book,
  kind: EventKind,
  meter: Meter | null,
  body: Readonly<Record<string, unknown>>,
): void {
  const seq = nextNumber(book.memory, "event");
  const at = formatInstant(book.nowMs);
  const json = JSON.stringify({ seq, at, kind, meterId: meter?.id ?? null, ...body });
  const event = { seq, json };
  book.ledger.putEvent(event, book.nowMs, kind, meter?.no ?? null);
  book.events.push(event);
}
