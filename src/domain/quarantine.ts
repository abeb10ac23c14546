/** Why an uplink waits in quarantine. Stable and public (CONTRACT section 1); each is a metric label. */
export const quarantineReasons = [
  "TRUNCATED",
  "CHECKSUM",
  "LENGTH",
  "BCD",
  "UNSUPPORTED",
  "PLAUSIBILITY",
  "SCHEMA",
  "DEPTH",
  "NONFINITE",
  "ENCODING",
  "SIZE",
  "KEY",
  "AUTH",
  "NOT_OWNER",
  "UNKNOWN_METER",
  "REPLAY",
  "BIRTH",
  "INTERNAL",
] as const;
export type QuarantineReason = (typeof quarantineReasons)[number];

/** What became of one received uplink. received = accepted + suspect + duplicate + quarantined + refused. */
export const uplinkOutcomes = [
  "accepted",
  "suspect",
  "duplicate",
  "quarantined",
  "refused",
] as const;
export type UplinkOutcome = (typeof uplinkOutcomes)[number];
