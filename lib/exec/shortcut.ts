import type { IfName } from '../net/ifname.ts';
import type { ProcessBatch } from '../plan/batch.ts';
import type { Detached } from './command.ts';

/**
 * A way into the kernel that starts no process, for a process that lives long enough to have loaded it. It decides
 * nothing: operations that it does not know, and those that fail, are left to the tools, which do them or say why not.
 */
export type Shortcut = {
  /**
   * Carries out the first operations of a batch, in this thread's namespace; of nft's, which are one transaction, all or
   * none.
   * @returns how many are done
   */
  readonly carryOut: (batch: ProcessBatch) => number;
  /** Begins to remove a link of this thread's namespace; undefined where it cannot. */
  readonly startRemoval: (name: IfName) => Pick<Detached, 'hasEnded'> | undefined;
  /**
   * Waits until a link that was set up runs, which a bridge's port must before it forwards: the kernel sees to that a moment
   * after it was asked, in which a tool's process would still be ending.
   */
  readonly awaitRunning: (name: IfName, waiting: { readonly sleep: (ms: number) => void }) => void;
};

/** Of a process that does its one call and ends: all is done by the tools. */
export const noShortcut: Shortcut = {
  carryOut: () => 0,
  startRemoval: () => undefined,
  awaitRunning: () => undefined,
};
