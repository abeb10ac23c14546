/** An ask that is not carried out, and why. */
import type { AskResult, RefusalKind } from "#ports/requests.ts";

export function refuse(kind: RefusalKind, detail: string): AskResult {
  return { ok: false, refusal: { kind, detail } };
}
