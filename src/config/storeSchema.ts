/** Settings of what is kept in files beside the ledger. */
import { z } from "zod";

/** The reading store. */
export const readingsSchema = z.strictObject({
  flushRows: z
    .int()
    .min(1)
    .max(4_000_000)
    .default(250_000)
    .describe(
      "So many readings are kept in memory and in the ledger before they are written to segments.",
    ),
  flushMinutes: z
    .number()
    .min(0)
    .max(1_440)
    .default(60)
    .describe("Fewer of a gas day that is over are written at most so often."),
});

/** The archive of raw frames. */
export const archiveSchema = z.strictObject({
  afterDays: z
    .number()
    .min(0)
    .max(36_500)
    .default(30)
    .describe("Days after which raw frames go from the ledger to compressed files."),
  fileRows: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100_000)
    .describe("So many frames make a file; fewer do when the oldest of them has waited a day."),
});
