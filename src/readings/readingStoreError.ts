/** Failed I/O of the reading store. */

export class ReadingStoreError extends Error {
  override readonly name = "ReadingStoreError";
  readonly code: "READINGS_UNUSABLE" | "READINGS_WRITE_FAILED" | "READINGS_CORRUPT";
  constructor(code: ReadingStoreError["code"], message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
