/** Files of the data directory that the ledger lists and nobody changes any more. */
import type { DatabaseSync } from "node:sqlite";
import { frameFolderName } from "#archive/frameList.ts";
import { all } from "./sql.ts";

/** Tables that list such files, and the folder in which these lie. */
const lists = [
  { table: "reading_file", folder: "readings", where: "replaced_by = 0" },
  { table: "frame_file", folder: frameFolderName, where: "dropped = 0" },
] as const;

/** Paths in the data directory, with `/`; a ledger of an earlier version lists none. */
export function listedFiles(db: DatabaseSync): readonly string[] {
  const exists = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  return lists.flatMap(({ table, folder, where }) => {
    if (exists.get(table) === undefined) return [];
    const rows = db.prepare(`SELECT name FROM ${table} WHERE ${where} ORDER BY name`);
    return all<{ name: string }>(rows).map(({ name }) => `${folder}/${name}`);
  });
}
