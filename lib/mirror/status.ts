/** How one outside registry stands, for operators; times in milliseconds since 1970. */
export type MirrorStatus = {
  readonly name: string;
  readonly kind: string;
  /**
   * `beginning`: not reached yet; `delivered`: it has all that this machine has; `delivering`: it is behind; `failing`: the
   * last attempt has failed, or another process writes as this machine; `reading`: nothing is written there.
   */
  readonly state: 'beginning' | 'delivered' | 'delivering' | 'failing' | 'reading';
  /** Revisions of this machine's registry that were not delivered yet; absent before the first delivery. */
  readonly lag?: number;
  /** Entries of this machine that are to stand there. */
  readonly entries: number;
  /** Of those, what the registry does not take, at most the first few. */
  readonly refused: readonly { readonly key: string; readonly because: string }[];
  readonly refusedCount: number;
  /** Absent where nothing is imported. */
  readonly imports?: {
    readonly namespace: string;
    readonly isConnected: boolean;
    readonly services: number;
    readonly instances: number;
    /** Why it is not connected; empty where it is. */
    readonly lastError: string;
  };
  readonly deliveredAtMs?: number;
  /** Of the deliveries; empty where the last one went well, and lasts. */
  readonly lastError: string;
  readonly failedAtMs?: number;
};
