/** Failed I/O of the reading store. */

export class ReadingStoreError extends Error {
  override readonly name = "ReadingStoreError";
  /** `READINGS_KEY`: a file is sealed, and the key for it is missing. */
  readonly code:
    "READINGS_UNUSABLE" | "READINGS_WRITE_FAILED" | "READINGS_CORRUPT" | "READINGS_KEY";
  constructor(code: ReadingStoreError["code"], message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
