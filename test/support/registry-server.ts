/** Where a server of a test runs: in a network namespace at its address, or on the machine's loopback. */
export type ServerPlace = {
  readonly netns?: string;
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
};

/** One real server of an outside registry, or a cluster of them, that a test has started and ends. */
export type RegistryServer = AsyncDisposable & {
  /** Where clients reach it, one for each member: `http://host:port`, `https://host:port`, or `host:port`. */
  readonly endpoints: readonly string[];
  /** What it has printed, for the message of a test that fails. */
  readonly log: string;
  /** Ends it as a loss of power would, but for the disk's cache. */
  readonly kill: () => Promise<void>;
  /** Starts it again, killed or not, with what it had stored (nothing, where it stores nothing); waits until it serves. */
  readonly restart: () => Promise<void>;
  /** Begins anew with nothing stored; waits until it serves. */
  readonly wipe: () => Promise<void>;
  /** SIGSTOP: connections stay open, new ones are accepted by the kernel, and nothing is answered. */
  readonly stop: () => void;
  /** SIGCONT. */
  readonly cont: () => void;
};
