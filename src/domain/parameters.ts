/** What of a meter's behaviour an order may change: when it reports. */
export type MeterParameters =
  | { readonly reportEverySeconds: number }
  /** Hours of the day by the meter's clock, which in China shows UTC+8; ascending. */
  | { readonly reportHours: readonly number[] };

export const parameterLimits = Object.freeze({
  /** More often empties the battery, more seldom finds no leak of the day. */
  reportEverySecondsMin: 300,
  reportEverySecondsMax: 86_400,
  /** As many as the schedule of the NB-IoT dialect of CJ/T 188 holds. */
  reportHoursMax: 4,
});
