/** A read that could not be answered. */

export type QueryErrorCode =
  | "CURSOR_INVALID"
  | "READINGS_RETIRED"
  | "QUERIES_OVERLOADED"
  | "QUERIES_CLOSED"
  | "QUERY_FAILED"
  | "QUERY_WORKER_DIED";

export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly code: QueryErrorCode;
  constructor(code: QueryErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
