/** Meters, gateways, credentials, keys and settings. */
import type { DatabaseSync } from "node:sqlite";
import type { Meter, Position } from "#domain/meter.ts";
import type { Recipient } from "#domain/recipient.ts";
import type { Webhook } from "#domain/webhook.ts";
import type { ApiKeyRow, CredentialRow, GatewayRow, Ledger } from "#ports/ledger.ts";
import { all, each, one, selectList, upsertSql } from "./sql.ts";

const columns = {
  no: "no",
  id: "id",
  size: "size",
  protocol: "protocol",
  quantumMl: "quantum_ml",
  registerRangeMl: "register_range_ml",
  pilotMlPerHour: "pilot_ml_per_hour",
  area: "area",
  siteClass: "site_class",
  longitude: "longitude",
  latitude: "latitude",
  crs: "crs",
  address: "address",
  critical: "critical",
  frameAddress: "frame_address",
  carrierAddress: "carrier_address",
  profile: "profile",
  kind: "kind",
  selfClosesAfterDays: "self_closes_after_days",
  verificationDueOn: "verification_due_on",
  retirementDueOn: "retirement_due_on",
  reportEveryMs: "report_every_ms",
  lifecycle: "lifecycle",
  version: "version",
} as const satisfies Record<keyof MeterRow, string>;

/** Every field of a MeterRow, from `meter AS m`. */
export const meterColumns = selectList(columns, "m");

/** A meter as SQLite gives it. */
export type MeterRow = Omit<Meter, "position" | "critical"> & {
  readonly longitude: number | null;
  readonly latitude: number | null;
  readonly crs: Position["crs"] | null;
  readonly critical: 0 | 1;
};

/** Where it is, when all of that is known. */
export function positionOf({
  longitude,
  latitude,
  crs,
}: Pick<MeterRow, "longitude" | "latitude" | "crs">): Position | null {
  const isPlaced = longitude !== null && latitude !== null && crs !== null;
  return isPlaced ? { longitude, latitude, crs } : null;
}

export function meterOf({ longitude, latitude, crs, critical, ...row }: MeterRow): Meter {
  const position = positionOf({ longitude, latitude, crs });
  return { ...row, position, critical: critical === 1 };
}

export function gatewaysOf(db: DatabaseSync): readonly GatewayRow[] {
  const rows = all<{ id: string; meterIds: string }>(
    db.prepare(
      `SELECT g.id, json_group_array(gm.meter_id ORDER BY gm.meter_id)
         FILTER (WHERE gm.meter_id IS NOT NULL) AS meterIds
       FROM gateway AS g LEFT JOIN gateway_meter AS gm ON gm.gateway_id = g.id
       GROUP BY g.id ORDER BY g.id`,
    ),
  );
  return rows.map(({ id, meterIds }) => ({ id, meterIds: JSON.parse(meterIds) as string[] }));
}

type RegistryPart = Pick<
  Ledger,
  | "meters"
  | "access"
  | "apiKeys"
  | "setting"
  | "putMeter"
  | "putGateway"
  | "putCredential"
  | "dropCredentials"
  | "putApiKey"
  | "dropApiKey"
  | "putSetting"
>;

export function registryTable(db: DatabaseSync): RegistryPart {
  const meters = db.prepare(`SELECT ${meterColumns} FROM meter AS m ORDER BY m.no`);
  const credentials = db.prepare(
    "SELECT username, kind, secret_hash AS secretHash FROM credential ORDER BY username",
  );
  const apiKeys = db.prepare(
    "SELECT id, key_hash AS keyHash, role, label FROM api_key ORDER BY id",
  );
  const recipients = db.prepare("SELECT json FROM recipient ORDER BY id");
  const webhooks = db.prepare("SELECT json FROM webhook ORDER BY id");
  const setting = db.prepare("SELECT value FROM setting WHERE name = ?");
  return {
    *meters() {
      for (const row of each<MeterRow>(meters)) yield meterOf(row);
    },
    access: () => ({
      gateways: gatewaysOf(db),
      credentials: all<CredentialRow>(credentials),
      apiKeys: all<ApiKeyRow>(apiKeys),
      webhooks: all<{ json: string }>(webhooks).map(({ json }) => JSON.parse(json) as Webhook),
      recipients: all<{ json: string }>(recipients).map(
        ({ json }) => JSON.parse(json) as Recipient,
      ),
    }),
    apiKeys: () => all<ApiKeyRow>(apiKeys),
    setting: (name) => one<{ value: string }>(setting, name)?.value,
    ...registryWrites(db),
  };
}

function registryWrites(
  db: DatabaseSync,
): Omit<RegistryPart, "meters" | "access" | "apiKeys" | "setting"> {
  const putMeter = db.prepare(upsertSql("meter", columns, "no"));
  const putGateway = db.prepare("INSERT INTO gateway (id) VALUES (?) ON CONFLICT DO NOTHING");
  const clearGateway = db.prepare("DELETE FROM gateway_meter WHERE gateway_id = ?");
  const putGatewayMeter = db.prepare(
    "INSERT INTO gateway_meter (gateway_id, meter_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  const putCredential = db.prepare(
    "INSERT OR REPLACE INTO credential (username, kind, secret_hash) VALUES (?, ?, ?)",
  );
  const dropCredentials = db.prepare("DELETE FROM credential WHERE username = ?");
  const putApiKey = db.prepare(
    "INSERT OR REPLACE INTO api_key (id, key_hash, role, label) VALUES (?, ?, ?, ?)",
  );
  const dropApiKey = db.prepare("DELETE FROM api_key WHERE id = ?");
  const putSetting = db.prepare("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)");
  return {
    putMeter({ position, critical, ...row }) {
      const { longitude, latitude, crs } = position ?? {
        longitude: null,
        latitude: null,
        crs: null,
      };
      putMeter.run({ ...row, longitude, latitude, crs, critical: critical ? 1 : 0 });
    },
    putGateway(row) {
      putGateway.run(row.id);
      clearGateway.run(row.id);
      for (const meterId of row.meterIds) putGatewayMeter.run(row.id, meterId);
    },
    putCredential(row) {
      putCredential.run(row.username, row.kind, row.secretHash);
    },
    dropCredentials(username) {
      dropCredentials.run(username);
    },
    putApiKey(row) {
      putApiKey.run(row.id, row.keyHash, row.role, row.label);
    },
    dropApiKey(id) {
      dropApiKey.run(id);
    },
    putSetting(name, value) {
      putSetting.run(name, value);
    },
  };
}
