/** Every bound of valve closing by name. "[P]": our proposal, no published figure is known to us. */
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";

/** Limits of one command's life. */
export const commandLimits = Object.freeze({
  /** Two commands per synchronisation at most, then a person goes there (gas-domain 5.1, 5.3). */
  attemptsMax: 2,
  /** A second attempt needs a report from at least so long after the first: motor and radio [P]. */
  retryAfterMs: 2 * minuteMs,
  /** A position measured sooner after the sending may still be the one before the motor moved [P]. */
  settleMs: 30 * secondMs,
  /** Without word from the session for so long, the sending is `unknown` [P]. */
  deliveryWithinMs: 5 * minuteMs,
  /** A meter that wakes daily has answered by then: a day and a margin [P]. */
  answerWithinMs: 26 * hourMs,
  /** Longest time without progress between executed and verified: a day and a margin [P]. */
  verifyWithinMs: 26 * hourMs,
  /** Later readings without consumption that verify a close (gas-domain 5.3). */
  quietReadingsMin: 2,
  /** Consumption since the close, in quanta, from which gas passes a shut valve (rule R9). */
  passingQuantaMin: 2,
  /** The listening of a sleepy meter after one uplink; seconds with NB-IoT [P]. */
  wakeMs: minuteMs,
  /** An order must have so long to live when it leaves: it may not arrive after its end [P]. */
  transitMs: 2 * secondMs,
  /** Orders in one such time: the second place is kept for a close (gas-domain 5.1). */
  sendsPerWakeMax: 2,
  /** A clock that is further off than this has not been set [P]. */
  clockErrorMsMax: 2 * minuteMs,
  /** Two reports may lie so much nearer or further apart than ordered [P]. */
  reportLeewayMs: 10 * minuteMs,
  /** After an opening at the meter, flow is watched for so long [P]. */
  openingWatchMs: 24 * hourMs,
  /** Half of what the meter can pass: more than a cooker and a heater together take [P]. */
  uncontrolledShareOfQmax: 0.5,
  /** A yes of one person waits so long for the other's (gas-domain 5.3). */
  approvalWithinMs: 10 * minuteMs,
  /** Held by the breaker: nobody who asked for it is a person, so two must say yes (architecture 5.7). */
  heldApprovalsNeeded: 2,
  /** Ended orders that are remembered of a meter, to know a late answer from a foreign one. */
  endedRemembered: 4,
  /** One byte on the wire (CJ/T 188 SER). */
  sequences: 256,
});
