/** The kinds of files there are, and who judges their rows: the one place to add another. */
import { judgeCjt188 } from "./cjt188.ts";
import { judgeDlms } from "./dlms.ts";
import { judgeDsmr } from "./dsmr.ts";
import { judgeLwm2m } from "./lwm2m.ts";
import { judgeMbus } from "./mbus.ts";
import type { Row } from "./rows.ts";
import { judgeSparkplug } from "./sparkplug.ts";
import type { Judgement } from "./verdict.ts";
import { wmbusJudge } from "./wmbus.ts";

/** Looks through a whole file first, where one row explains another. */
export type MakeJudge = (rows: readonly Row[]) => (row: Row) => Judgement;

/** By the name of the file without its ending. */
export const kinds = {
  cjt188: () => judgeCjt188,
  mbus: () => judgeMbus,
  wmbus: wmbusJudge,
  dsmr: () => judgeDsmr,
  dlms: () => judgeDlms,
  lwm2m: () => judgeLwm2m,
  sparkplug: () => judgeSparkplug,
} as const satisfies Readonly<Record<string, MakeJudge>>;

export type Kind = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as readonly Kind[];

/** `mbus.jsonl`, and `mbus-more.jsonl` too: the name up to the first mark that is no letter or digit. */
export function kindOf(fileName: string): Kind | undefined {
  const [name = ""] = fileName.toLowerCase().split(/[^a-z0-9]/);
  return kindNames.find((kind) => kind === name);
}
