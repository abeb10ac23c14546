/** What crosses between the main thread and the query worker. */
import type { QueryErrorCode } from "./queryError.ts";

export interface QueryCall {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type QueryReply =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: QueryErrorCode;
      readonly message: string;
    };
