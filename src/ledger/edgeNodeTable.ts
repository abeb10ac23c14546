/** Conversations with gateways, as JSON in two parts. */
import type { DatabaseSync } from "node:sqlite";
import type { Ledger } from "#ports/ledger.ts";
import { each } from "./sql.ts";

/** The table of conversations; births are written only where they changed. */
export function edgeNodeTable(db: DatabaseSync): Pick<Ledger, "edgeNodes" | "putEdgeNode"> {
  const every = db.prepare("SELECT id, now, births FROM edge_node ORDER BY id");
  const putAll = db.prepare(
    `INSERT INTO edge_node (id, now, births) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET now = excluded.now, births = excluded.births`,
  );
  const putNow = db.prepare("UPDATE edge_node SET now = ? WHERE id = ?");
  return {
    edgeNodes: () => each<{ id: string; now: string; births: string }>(every),
    putEdgeNode(id, now, births) {
      if (births === null) putNow.run(now, id);
      else putAll.run(id, now, births);
    },
  };
}
