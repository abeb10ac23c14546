/** How long each kind of data is kept. What is not named here is kept for ever: alarms, commands, the audit. */

export const retainedKinds = ["quarantine", "uplinks", "events"] as const;
export type RetainedKind = (typeof retainedKinds)[number];

/**
 * Of readings, days. What a tax was reckoned from must be kept for ten years (Rules for the Implementation of the Law
 * of the PRC on the Administration of Tax Collection, article 29), counted from the end of the year of account
 * (Measures for the Administration of Accounting Archives, article 14): eleven years, with three leap days.
 */
export const readingsDaysMin = 4_018;

/** Days; a kind without a number is kept for ever. */
export type Retention = Readonly<Partial<Record<RetainedKind, number>>>;

/**
 * Nothing younger may ever be removed. Network logs must be kept for six months (Cybersecurity Law of the PRC, article
 * 21); frames, what was refused of them, and what happened are such logs.
 */
export const retentionDaysMin: Readonly<Record<RetainedKind, number>> = Object.freeze({
  quarantine: 184,
  uplinks: 184,
  events: 184,
});
