/** What the API is given: every part is an argument. */
import type { DispatchPolicy } from "#domain/workOrder.ts";
import type { Profiles } from "#domain/profile.ts";
import type { BillingQueries } from "#ports/billingQueries.ts";
import type { Clock } from "#ports/clock.ts";
import type { KeyVault } from "#ports/keyVault.ts";
import type { Observer } from "#ports/observer.ts";
import type { DeliveryDesk } from "#ports/deliveries.ts";
import type { Queries } from "#ports/queries.ts";
import type { Desk } from "#ports/requests.ts";
import type { Rng } from "#ports/rng.ts";
import type { RuleBook } from "#ports/ruleBook.ts";
import type { ApiKeyDirectory } from "./apiKeys.ts";
import type { DescribeAlarm } from "./json/alarm.ts";
import type { FiguresOf, ProposalsOf } from "./routes/figureRoutes.ts";
import type { ApiLimits } from "./limits.ts";
import type { LiveHub } from "./live/liveHub.ts";

export interface ApiOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly desk: Desk;
  readonly queries: Queries;
  readonly billing: BillingQueries;
  readonly pushes: DeliveryDesk;
  readonly live: LiveHub;
  readonly apiKeys: ApiKeyDirectory;
  /** Makes a meter's or gateway's secret and the keyed hash that is kept of it. */
  readonly issueSecret: (
    username: string,
    kind: "meter" | "gateway",
  ) => { readonly secret: string; readonly secretHash: string };
  /** Seals keys of meters; null: no master key is configured. */
  readonly vault: KeyVault | null;
  /** Models that a meter may be registered with. */
  readonly profiles: Profiles;
  readonly ruleBook: RuleBook;
  readonly webhooks: {
    /** The secret of this number, to be shown once. */
    secretOf(webhookId: string, secretNo: number): string;
    /** Why this address may not be called; null: it may. */
    urlFault(url: string): string | null;
  };
  /** Of the ledger's settings: which alarms open a work order, and the deadlines. */
  readonly dispatchPolicyOf: (settings: Readonly<Record<string, string>>) => DispatchPolicy;
  readonly describeAlarm: DescribeAlarm;
  readonly figuresOf: FiguresOf;
  readonly proposalsOf: ProposalsOf;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly readiness: () => { readonly ready: boolean; readonly reasons: readonly string[] };
  readonly observer: Observer;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly limits: ApiLimits;
  /** Web pages of other hosts that may open the live feed; a page of this host always may. */
  readonly allowedOrigins: readonly string[];
}
