/** How far a consumer of the ledger has come; survives restarts. */
export interface CursorStore {
  /** The last stored sequence; 0 when there is none that can be trusted. */
  load(): Promise<number>;
  /** Durable when it resolves. */
  store(seq: number): Promise<void>;
}
