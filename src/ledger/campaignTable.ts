/** Campaigns: each as JSON beside its state. */
import type { DatabaseSync } from "node:sqlite";
import type { Campaign } from "#domain/campaign.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { Queries } from "#ports/queries.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, one } from "./sql.ts";

interface CampaignRow {
  readonly id: string;
  readonly requestedAtMs: number;
  readonly json: string;
}

const columns = "id, requested_at AS requestedAtMs, json";

export function campaignTable(db: DatabaseSync): Pick<Ledger, "putCampaign" | "openCampaigns"> {
  const put = db.prepare(
    "INSERT OR REPLACE INTO campaign (id, state, requested_at, json) VALUES (?, ?, ?, ?)",
  );
  const open = db.prepare(
    `SELECT ${columns} FROM campaign WHERE state IN ('requested', 'running') ORDER BY id`,
  );
  return {
    putCampaign(campaign) {
      put.run(campaign.id, campaign.state, campaign.requestedAtMs, JSON.stringify(campaign));
    },
    openCampaigns: () => all<CampaignRow>(open).map(campaignOf),
  };
}

export function campaignQueries(
  db: DatabaseSync,
): Answers<Pick<Queries, "campaigns" | "campaign">> {
  const byId = db.prepare(`SELECT ${columns} FROM campaign WHERE id = ?`);
  const list = db.prepare(
    `SELECT ${columns} FROM campaign WHERE (requested_at, id) < (?, ?)
     ORDER BY requested_at DESC, id DESC LIMIT ?`,
  );
  return {
    campaigns(cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [atMs, id] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER, ""]);
      const rows = all<CampaignRow>(list, atMs, id, limit + 1);
      return mapPage(
        pageOf(rows, limit, (row) => [row.requestedAtMs, row.id]),
        campaignOf,
      );
    },
    campaign(id) {
      const row = one<CampaignRow>(byId, id);
      return row === undefined ? null : campaignOf(row);
    },
  };
}

function campaignOf({ json }: CampaignRow): Campaign {
  return JSON.parse(json) as Campaign;
}
