/** Closing many valves by hand: asked for by one person, agreed to by another, ordered stage by stage. */
import type { Campaign, CampaignStage } from "#domain/campaign.ts";
import { publicCampaign } from "#domain/campaign.ts";
import { parseMeterId } from "#domain/ids.ts";
import type { Actor, Ask, AskResult } from "#ports/requests.ts";
import { approverRoles, judgeApproval, type ApprovalAsk } from "#valves/approval.ts";
import { campaignLimits, nextMove } from "#valves/campaign.ts";
import { commandLimits } from "#valves/limits.ts";
import { timestampMs } from "#domain/units.ts";
import { publish, recordDraft, type Book } from "./book.ts";
import { mayAct, refusalOf } from "./commandAsks.ts";
import { refuse } from "./refuse.ts";
import { draftFor, type Room } from "./room.ts";
import { moveValve, order } from "./valveDesk.ts";

export type CampaignAsk = Extract<
  Ask,
  { readonly kind: "campaign.request" | "campaign.approve" | "campaign.stop" }
>;

/** Carries out what persons ask about campaigns. */
export function actOnCampaign(room: Room, book: Book, ask: CampaignAsk, actor: Actor): AskResult {
  if (ask.kind === "campaign.request") return request(room, book, ask, actor.label);
  const campaign = book.memory.campaigns.get(ask.campaignId);
  if (campaign === undefined) return refuse("not-found", `no running campaign ${ask.campaignId}`);
  return ask.kind === "campaign.stop"
    ? stop(room, book, campaign)
    : approve(room, book, campaign, actor);
}

function request(
  room: Room,
  book: Book,
  ask: Extract<CampaignAsk, { readonly kind: "campaign.request" }>,
  by: string,
): AskResult {
  const { memory, nowMs } = book;
  const meterNos: number[] = [];
  for (const id of new Set(ask.meterIds)) {
    const no = memory.meterNoById.get(parseMeterId(id) ?? "");
    if (no === undefined) return refuse("not-found", `no meter ${id}`);
    meterNos.push(no);
  }
  if (meterNos.length === 0 || meterNos.length > campaignLimits.metersMax) {
    return refuse("invalid", `a campaign has 1 to ${campaignLimits.metersMax} meters`);
  }
  const campaign: Campaign = {
    id: room.rng.uuidV7(nowMs),
    meterNos,
    reason: ask.reason,
    requestedBy: by,
    requestedAtMs: nowMs,
    commandExpiresInMs: ask.expiresInMs,
    approvals: [],
    state: "requested",
    stages: [],
  };
  return keep(book, campaign);
}

/** The same judgement as for a command: another person, in time, in a role that may. */
function approve(room: Room, book: Book, campaign: Campaign, actor: Actor): AskResult {
  const keys = room.ledger.apiKeys();
  const roles = approverRoles.close;
  const isGone = !keys.some(
    ({ label, role }) => label === campaign.requestedBy && mayAct(role, roles, keys),
  );
  const ask: ApprovalAsk = {
    by: actor.label,
    role: actor.role,
    atMs: book.nowMs,
    mayApprove: mayAct(actor.role, roles, keys),
    gone: isGone ? [campaign.requestedBy] : [],
  };
  const { requestedAtMs, approvals } = campaign;
  const judged = judgeApproval(
    {
      cause: { kind: "person", ref: campaign.requestedBy },
      state: campaign.state === "requested" ? "requested" : "queued",
      requestedAtMs,
      expiresAtMs: timestampMs(requestedAtMs + commandLimits.approvalWithinMs),
      approvals,
      approvalsNeeded: 1,
    },
    ask,
  );
  if (!judged.ok) {
    const [kind, detail] = refusalOf[judged.fault];
    return refuse(kind, detail);
  }
  return keep(book, { ...campaign, state: "running", approvals: judged.value.approvals });
}

/** None goes on by itself: what it has done since is not known here. */
export function stopCampaigns(room: Room, book: Book): void {
  for (const campaign of [...book.memory.campaigns.values()]) stop(room, book, campaign);
}

function stop(room: Room, book: Book, campaign: Campaign): AskResult {
  withdraw(room, book, campaign, "campaign-stopped");
  return keep(book, { ...campaign, state: "stopped" });
}

function keep(book: Book, campaign: Campaign): AskResult {
  const { campaigns } = book.memory;
  const before = campaigns.get(campaign.id);
  const isOver = campaign.state !== "requested" && campaign.state !== "running";
  if (isOver) campaigns.delete(campaign.id);
  else campaigns.set(campaign.id, campaign);
  book.undo.push(() => {
    if (before === undefined) campaigns.delete(campaign.id);
    else campaigns.set(campaign.id, before);
  });
  book.ledger.putCampaign(campaign);
  const json = publicCampaign(campaign);
  if (before?.state !== campaign.state) {
    publish(book, `campaign.${campaign.state}`, null, { campaign: json });
  }
  return { ok: true, answer: { kind: "campaign", campaign } };
}

/** Once a second: what has run out of time, and what each running one does next. */
export function watchCampaigns(room: Room, book: Book): void {
  for (const campaign of [...book.memory.campaigns.values()]) {
    if (campaign.state === "running") step(room, book, campaign);
    else if (book.nowMs - campaign.requestedAtMs >= commandLimits.approvalWithinMs) {
      keep(book, { ...campaign, state: "expired" });
    }
  }
}

function step(room: Room, book: Book, campaign: Campaign): void {
  const newest = campaign.stages.at(-1);
  const ids = newest?.commandIds ?? [];
  const move = nextMove(
    campaign,
    ids.flatMap((id) => room.ledger.command(id) ?? []),
  );
  if (move.kind === "wait") return;
  const settled = withFailures(campaign, move.failures);
  if (move.kind === "halt") withdraw(room, book, campaign, "campaign-halted");
  if (move.kind !== "order") {
    keep(book, { ...settled, state: move.kind === "halt" ? "halted" : "done" });
    return;
  }
  const commandIds = campaign.meterNos
    .slice(move.from, move.to)
    .flatMap((meterNo) => orderOne(room, book, campaign, meterNo) ?? []);
  keep(book, { ...settled, stages: [...settled.stages, { commandIds, failures: null }] });
}

function withFailures(campaign: Campaign, failures: number): Campaign {
  const last = campaign.stages.length - 1;
  const stages = campaign.stages.map((stage, at): CampaignStage => {
    return at === last ? { ...stage, failures } : stage;
  });
  return { ...campaign, stages };
}

function orderOne(room: Room, book: Book, campaign: Campaign, meterNo: number) {
  const meter = book.memory.meters.get(meterNo);
  if (meter === undefined) return null;
  const draft = draftFor(room, book, meter);
  const { requestedBy: by, reason, commandExpiresInMs: expiresInMs } = campaign;
  const cause = { kind: "person", ref: by } as const;
  const command = order(draft, { cause, reason, expiresInMs, proof: null, by });
  recordDraft(book, draft);
  return command.id;
}

/** What of the newest stage has not left does not leave any more. */
function withdraw(room: Room, book: Book, campaign: Campaign, detail: string): void {
  for (const id of campaign.stages.at(-1)?.commandIds ?? []) {
    const command = room.ledger.command(id);
    const meter = command === undefined ? undefined : book.memory.meters.get(command.meterNo);
    if (command?.state !== "queued" || meter === undefined) continue;
    const draft = draftFor(room, book, meter);
    if (draft.context.valve.outstanding?.command.id !== id) continue;
    moveValve(draft, { kind: "void", by: "engine", detail, nowMs: book.nowMs });
    recordDraft(book, draft);
  }
}
