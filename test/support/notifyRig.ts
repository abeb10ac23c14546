/** The API with its engine and ledger, a notifier that follows it, and a clock that a test moves for the notifier. */
import { timestampMs } from "#domain/units.ts";
import { notifyLimits, type NotifyLimits } from "#notify/limits.ts";
import { Notifier } from "#notify/notifier.ts";
import { openPoster } from "#notify/post.ts";
import type { BatchReport } from "#engine/messages.ts";
import { localTimeIn } from "#notify/duty.ts";
import { PeopleTeller, type TellerParts } from "#notify/peopleTeller.ts";
import type { Messenger } from "#ports/messenger.ts";
import type { NotificationReport, WebhookReport } from "#ports/webhooks.ts";
import { systemRng } from "../../src/systemRng.ts";
import { startApiRig, testPepper } from "./apiRig.ts";

type Committed = Extract<BatchReport, { readonly kind: "committed" }>;

/** Small enough for a test; the shares stay. */
const quickLimits: NotifyLimits = {
  ...notifyLimits,
  answerWithinMs: 300,
  firstWaitMs: 40,
  longestWaitMs: 200,
  refusalsMax: 3,
  tickEveryMs: 20,
};

export async function startNotifyRig(limits: NotifyLimits = quickLimits) {
  const parts: { notifier: Notifier | null; teller: PeopleTeller | null } = {
    notifier: null,
    teller: null,
  };
  const rig = await startApiRig({
    onCommit: ({ events, directory }: Committed) => {
      parts.notifier?.committed(events, directory);
      parts.teller?.committed(directory);
    },
  });
  const shift = { ms: 0 };
  const notes: { event: string; fields: Readonly<Record<string, string | number>> }[] = [];
  const world: Omit<TellerParts, "queue" | "messengers" | "localTime"> = {
    queries: rig.queries,
    clock: {
      nowMs: () => timestampMs(rig.clock.nowMs() + shift.ms),
      monotonicMs: () => rig.clock.monotonicMs() + shift.ms,
    },
    observer: { note: (event, fields = {}) => void notes.push({ event, fields }) },
    metrics: { delivery: () => undefined, sinkLag: () => undefined },
    rng: systemRng,
    areaOf: () => null,
    limits,
  };
  /** Tells people by these ways, from the ledger's place on. */
  const startTeller = async (messengers: readonly Messenger[]) => {
    const recipients = (await rig.queries.recipients(null, 1_000)).items;
    const queue = {
      notificationReport: (report: NotificationReport) =>
        void rig.run({ notices: [{ kind: "notification", report }] }),
    };
    const localTime = localTimeIn("Asia/Shanghai");
    parts.teller = new PeopleTeller({ ...world, queue, messengers, localTime }, recipients);
    parts.teller.start();
    return parts.teller;
  };
  const start = async () => {
    const notifier = new Notifier(
      {
        ...world,
        queue: {
          webhookReport: (report: WebhookReport) =>
            void rig.run({ notices: [{ kind: "webhook", report }] }),
        },
        pepper: testPepper,
        source: "urn:test",
      },
      openPoster(["127.0.0.1"]),
      await rig.queries.webhooks(),
    );
    parts.notifier = notifier;
    notifier.start();
    return notifier;
  };
  const stop = async () => {
    await parts.notifier?.stop();
    await parts.teller?.stop();
    parts.notifier = null;
    parts.teller = null;
  };
  return {
    ...rig,
    notes,
    /** Moves the notifier's clock. */
    forward: (ms: number) => {
      shift.ms += ms;
    },
    notifier: () => parts.notifier,
    start,
    startTeller,
    /** As at the end of the process; `start` begins again from the ledger. */
    stop,
    close: async () => {
      await stop();
      await rig.close();
    },
  };
}
