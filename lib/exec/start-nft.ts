import { CniError, ErrorCode } from '../errors/cni-error.ts';
import type { NftOperation } from '../nft/operation.ts';
import { renderNft } from '../nft/render.ts';
import type { Detached } from './command.ts';
import type { Machine } from './machine.ts';
import { runBatch } from './tool.ts';

const pollMs = 0.2;
const patienceMs = 30_000;

/**
 * Begins a transaction, and returns what waits until it holds.
 *
 * The kernel answers a transaction that deletes elements at once, and then keeps `nft` waiting in the close of its socket
 * for 10 to 20 ms more, until nobody can look at what was deleted. Nothing that follows depends on that, so the process is
 * left to end by itself: once its socket is closed, and it has not complained, the transaction holds. Should it fail, it
 * is run once more, to learn why.
 * @throws CniError (from the function returned) where it fails again
 */
export function startNft(operations: readonly NftOperation[], machine: Machine): () => void {
  if (machine.shortcut.carryOut({ place: 'host', tool: 'nft', operations }) === operations.length)
    return () => undefined;
  const started = machine.startDetached({ file: 'nft', args: [renderNft(operations).join('\n')] });
  return () => {
    if (!holds(started, machine)) runBatch({ place: 'host', tool: 'nft', operations }, machine);
  };
}

function holds(started: Detached, { sleep }: Pick<Machine, 'sleep'>): boolean {
  let hadSocket = false;
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
    if (started.hasEnded()) return started.status() === 0;
    const hasSocket = started.hasSocket();
    if (hadSocket && !hasSocket && !started.hasComplained()) return true;
    hadSocket ||= hasSocket;
    sleep(pollMs);
  }
  throw new CniError(ErrorCode.tryAgainLater, `nft has not ended within ${patienceMs / 1000} s`);
}
