/** Rule documents: what was shown before it was in force, and every change of the rules. Written once. */
import type { DatabaseSync } from "node:sqlite";
import type { RuleDocument, RulePreview, RuleRecord } from "#domain/ruleDocument.ts";
import type { Ledger } from "#ports/ledger.ts";
import type { Queries } from "#ports/queries.ts";
import { clampLimit, decodeCursor, mapPage, pageOf } from "./cursor.ts";
import type { Answers } from "./queries.ts";
import { all, one } from "./sql.ts";

type RecordRow = Omit<RuleRecord, "document"> & { readonly documentJson: string | null };
type PreviewRow = Omit<RulePreview, "document"> & { readonly documentJson: string };

const columns = `no, document AS documentJson, source, previewed_at AS previewedAtMs,
  in_force_at AS inForceAtMs, by, role, reason`;

const namedSql = `SELECT ${columns} FROM rule_document WHERE version = ? ORDER BY no DESC LIMIT 1`;

export function ruleDocumentTable(
  db: DatabaseSync,
): Pick<Ledger, "putRulePreview" | "rulePreview" | "putRules" | "newestRules" | "rulesNamed"> {
  const putPreview = db.prepare(
    `INSERT INTO rule_preview (hash, version, previewed_at, by, role, document)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const preview = db.prepare(
    `SELECT document AS documentJson, previewed_at AS previewedAtMs, by, role
     FROM rule_preview WHERE hash = ?`,
  );
  const put = db.prepare(
    `INSERT INTO rule_document (no, version, hash, document, source, previewed_at, in_force_at,
       by, role, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const newest = db.prepare(
    `SELECT ${columns} FROM rule_document WHERE no > 0 ORDER BY no DESC LIMIT ?`,
  );
  const named = db.prepare(namedSql);
  return {
    putRulePreview({ document, previewedAtMs, by, role }) {
      const { hash, version } = document;
      putPreview.run(hash, version, previewedAtMs, by, role, JSON.stringify(document));
    },
    rulePreview(hash) {
      const row = one<PreviewRow>(preview, hash);
      if (row === undefined) return undefined;
      const { documentJson, ...rest } = row;
      return { ...rest, document: JSON.parse(documentJson) as RuleDocument };
    },
    putRules({ no, document, source, previewedAtMs, inForceAtMs, by, role, reason }) {
      const { version = null, hash = null } = document ?? {};
      const json = document === null ? null : JSON.stringify(document);
      put.run(no, version, hash, json, source, previewedAtMs, inForceAtMs, by, role, reason);
    },
    newestRules: (count) => all<RecordRow>(newest, count).map(recordOf),
    rulesNamed(version) {
      const row = one<RecordRow>(named, version);
      return row === undefined ? undefined : recordOf(row);
    },
  };
}

export function ruleQueries(
  db: DatabaseSync,
): Answers<Pick<Queries, "ruleRecords" | "rulesNamed" | "rulesAt">> {
  const list = db.prepare(
    `SELECT ${columns} FROM rule_document WHERE no < ? ORDER BY no DESC LIMIT ?`,
  );
  const named = db.prepare(namedSql);
  const since = db.prepare(
    `SELECT ${columns} FROM rule_document WHERE in_force_at <= ? ORDER BY in_force_at DESC, no DESC
     LIMIT 1`,
  );
  const orNull = (row: RecordRow | undefined) => (row === undefined ? null : recordOf(row));
  return {
    ruleRecords(cursor, limitWanted) {
      const limit = clampLimit(limitWanted);
      const [beforeNo] = decodeCursor(cursor, [Number.MAX_SAFE_INTEGER]);
      const rows = all<RecordRow>(list, beforeNo, limit + 1);
      return mapPage(
        pageOf(rows, limit, (row) => [row.no]),
        recordOf,
      );
    },
    rulesNamed: (version) => orNull(one<RecordRow>(named, version)),
    rulesAt: (atMs) => orNull(one<RecordRow>(since, atMs)),
  };
}

function recordOf({ documentJson, ...rest }: RecordRow): RuleRecord {
  const document = documentJson === null ? null : (JSON.parse(documentJson) as RuleDocument);
  return { ...rest, document };
}
