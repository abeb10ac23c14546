/** The heartbeat outwards: whoever no longer hears it knows that nobody watches the meters. */
import { writeFile } from "node:fs/promises";
import { secondMs } from "#domain/units.ts";

export const heartbeatLimits = Object.freeze({
  answerWithinMs: 5 * secondMs,
  /** A lost one is followed up at once: a second loss is an alarm. */
  againAfterMs: 2 * secondMs,
});

export interface HeartbeatTarget {
  readonly file: string | undefined;
  /** May be a secret of the watchdog's: never in a log, an alarm or an error. */
  readonly url: string | undefined;
}

/** Sends one beat; resolves with why it failed, or null. */
export async function beat(
  { file, url }: HeartbeatTarget,
  now: string,
  stopping: AbortSignal,
): Promise<string | null> {
  const reasons = await Promise.all([
    file === undefined ? null : touch(file, now),
    url === undefined ? null : call(url, stopping),
  ]);
  const failed = reasons.filter((reason) => reason !== null);
  return failed.length === 0 ? null : failed.join(", ");
}

async function touch(file: string, now: string): Promise<string | null> {
  try {
    await writeFile(file, `${now}\n`);
    return null;
  } catch (error) {
    return `file: ${codeOf(error)}`;
  }
}

/** A redirect is a failure: the address that was configured is the one that must answer. */
async function call(url: string, stopping: AbortSignal): Promise<string | null> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(heartbeatLimits.answerWithinMs)]);
  try {
    const response = await fetch(url, { redirect: "manual", signal });
    await response.body?.cancel();
    return response.ok ? null : `url: status ${response.status}`;
  } catch (error) {
    return `url: ${codeOf(error)}`;
  }
}

/** A code and never the message: messages name addresses. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  if (error.name === "TimeoutError") return "no answer";
  const at = error.cause instanceof Error ? error.cause : error;
  return "code" in at && typeof at.code === "string" ? at.code : "failed";
}
