/** Our own mistakes: never expected input, never failed I/O. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
  readonly code = "INVARIANT";
}

export function invariant(condition: boolean, because: string): asserts condition {
  if (!condition) throw new InvariantError(because);
}

/** Ends a switch over a closed union; the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new InvariantError(`a case was forgotten: ${JSON.stringify(value)}`);
}
