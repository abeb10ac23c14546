/** What can be wrong with stored bytes: always a value, never a throw. */

export type ReadingFault =
  | { readonly kind: "truncated"; readonly what: string }
  | { readonly kind: "trailingBytes"; readonly what: string }
  | { readonly kind: "unexpectedValue"; readonly what: string }
  | { readonly kind: "outOfRange"; readonly what: string }
  | { readonly kind: "checksumMismatch"; readonly what: string }
  | { readonly kind: "overLimit"; readonly what: string }
  | { readonly kind: "missing"; readonly what: string };

/** One place of one file that cannot be believed; everything else of the file is still served. */
export interface DamagedPlace {
  readonly file: string;
  /** Number of the chunk; null when it is the file, its header or its footer. */
  readonly chunk: number | null;
  readonly fault: ReadingFault;
}

/** Failed I/O of the reading store. */
export class ReadingStoreError extends Error {
  override readonly name = "ReadingStoreError";
  readonly code: "READINGS_UNUSABLE" | "READINGS_WRITE_FAILED" | "READINGS_CORRUPT";
  constructor(code: ReadingStoreError["code"], message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
