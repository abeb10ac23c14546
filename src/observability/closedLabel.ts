/** Label values come from closed lists, so that no sender can grow the metrics. */

export const otherLabel = "other";

/** The value if it is in the list, else "other". */
export function closedLabel(values: readonly string[], value: string | undefined): string {
  return value !== undefined && values.includes(value) ? value : otherLabel;
}
