import type { Machine } from '../exec/machine.ts';
import type { Family } from '../net/address.ts';
import { type ForwardChain, type ForwardKeeper, iptablesName } from './forward-script.ts';
import { parseForwardRules, parseNftForward } from './parse-forward.ts';

/** A chain FORWARD that drops what it does not let through. */
export type ForeignDrop = { readonly keeper: ForwardKeeper; readonly chain: ForwardChain };

/**
 * The chains that drop containers' traffic of the families: one `nft` for each family, and one `iptables-legacy` where
 * the kernel has its table (to ask otherwise would make it).
 */
export function observeForeignDrops(
  families: readonly Family[],
  machine: Pick<Machine, 'run' | 'readProc'>,
): readonly ForeignDrop[] {
  return families
    .flatMap((family) => (['nft', 'legacy'] as const).map((variant): ForwardKeeper => ({ family, variant })))
    .flatMap((keeper) => {
      const chain = observeForward(keeper, machine);
      return chain?.drops === true ? [{ keeper, chain }] : [];
    });
}

/** The chain as it is now; undefined where there is none. */
export function observeForward(
  { family, variant }: ForwardKeeper,
  { run, readProc }: Pick<Machine, 'run' | 'readProc'>,
): ForwardChain | undefined {
  if (variant === 'nft') {
    const table = family === 4 ? 'ip' : 'ip6';
    const { status, stdout } = run({
      file: 'nft',
      args: ['-j', '-t', 'list', 'chain', table, 'filter', 'FORWARD'],
    });
    return status === 0 ? parseNftForward(stdout) : undefined;
  }
  const tables = readProc(`/proc/net/${iptablesName(family).replace('tables', '_tables')}_names`) ?? '';
  if (!tables.split('\n').includes('filter')) return undefined;
  const { status, stdout } = run({ file: `${iptablesName(family)}-legacy`, args: ['-S', 'FORWARD'] });
  return status === 0 ? parseForwardRules(stdout) : undefined;
}
