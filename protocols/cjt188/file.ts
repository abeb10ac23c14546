/** What is on file of a meter that this protocol asks for. */
import type { MeterFile } from "#domain/meterFile.ts";

/** The status map of the model, and how it is spoken to. */
export type Cjt188File = Pick<
  MeterFile,
  "statusMap" | "valveDialect" | "diOrder" | "broadcastValve" | "meterType"
>;
