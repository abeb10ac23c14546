/**
 * What is known to be wrong in published answers, by the row and the value. Everything else that differs is
 * ours. Rules that hold for a whole collection stand with its judge.
 */

/** `where` is the name of the value, or "*" for the row as a whole. */
export interface KnownWrong {
  readonly id: string;
  readonly where: string;
  readonly reason: string;
}

const knownWrong: readonly KnownWrong[] = [
  {
    id: "wmbus/wmbusmeters/sim/metershell/2",
    where: "total_m3",
    reason: "the record says 5.648",
  },
  {
    id: "wmbus/wmbusmeters/driver/hydrus/4",
    where: "id",
    reason: "this maker writes version and medium before the number, against the standard",
  },
  {
    id: "wmbus/wmbusmeters/driver/hydrus/5",
    where: "id",
    reason: "this maker writes version and medium before the number, against the standard",
  },
  {
    id: "wmbus/wmbusmeters/driver/rfmtx1/1",
    where: "*",
    reason: "configuration word 1006: an old meter that scrambles its records in its maker's way",
  },
  {
    id: "wmbus/iobroker/demo-mad",
    where: "*",
    reason: "the key in the row is another meter's",
  },
];

/** Why a value of a row is counted apart; undefined: it is not. */
export function knownReason(id: string, where: string): string | undefined {
  return knownWrong.find((one) => one.id === id && (one.where === where || one.where === "*"))
    ?.reason;
}
