import { closeSync, fstatSync, openSync, statSync } from 'node:fs';
import type { AttachmentCall, Plugin } from '../cni/dispatch.ts';
import type { AttachmentId } from '../cni/invocation.ts';
import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { ifExists } from '../errors/system-error.ts';
import { hash64 } from '../net/hash.ts';
import type { Calls } from './calls.ts';

/** How calls of one attachment are kept apart. */
export type Turns = {
  /**
   * Waits until no other call of the attachment is at work.
   * @throws CniError code 11 where one keeps at it, or where nobody waits for this one any more
   */
  readonly take: (turn: Turn) => Disposable;
};

/** Whose turn it is to be. */
export type Turn = {
  readonly plugin: string;
  readonly id: AttachmentId;
  /** Whether who has called has gone. */
  readonly hasGone: () => boolean;
};

const pollMs = 0.5;
/** Longer than a call may wait for a tool. */
const patienceMs = 60_000;

type Locks = Pick<Calls, 'tryLock' | 'unlock'>;

/**
 * A byte of one file stands for an attachment, and whoever locks it has the turn; with its process the lock goes. The lock
 * is of the open file (F_OFD_SETLK of fcntl(2)), so neither other descriptors nor children of ours touch it.
 */
export function openTurns(path: string, locks: Locks, sleep: (ms: number) => void): Turns & Disposable {
  let file = openSync(path, 'a', 0o600);
  const isInPlace = () => ifExists(() => statSync(path).ino) === fstatSync(file).ino;
  const reopen = () => {
    closeSync(file);
    file = openSync(path, 'a', 0o600);
  };
  return {
    take: (turn) => {
      if (!isInPlace()) reopen();
      const byte = byteOf(turn);
      const deadline = performance.now() + patienceMs;
      while (!locks.tryLock(file, byte)) {
        if (turn.hasGone() || performance.now() > deadline) throw stillAtWork(turn);
        sleep(pollMs);
      }
      return { [Symbol.dispose]: () => locks.unlock(file, byte) };
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

/** The plugin, each of whose calls begins by taking its attachment's turn, which lasts for longer than the call. */
export function takingTurns(plugin: Plugin, take: (plugin: string, id: AttachmentId) => void): Plugin {
  const inTurn =
    <T>(verb: (call: AttachmentCall) => T) =>
    (call: AttachmentCall) => {
      take(plugin.name, call.attachment);
      return verb(call);
    };
  return { ...plugin, add: inTurn(plugin.add), del: inTurn(plugin.del), check: inTurn(plugin.check) };
}

/**
 * Below 2^60. The plugin is part of it: a foreign one may have another of ours called while its own call is at work.
 */
function byteOf({ plugin, id: { containerId, ifName } }: Turn): bigint {
  return BigInt(`0x${hash64(`${plugin}/${containerId}/${ifName}`).slice(0, 15)}`);
}

function stillAtWork({ id: { containerId, ifName } }: Turn): CniError {
  return new CniError(
    ErrorCode.tryAgainLater,
    `another call for ${ifName} of container ${containerId} is at work still; try again when it has ended`,
  );
}
