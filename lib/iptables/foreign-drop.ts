import type { Machine } from '../exec/machine.ts';
import { type Family, protocolOf } from '../net/address.ts';
import { type ForwardChain, type ForwardKeeper, iptablesName } from './forward-script.ts';
import { legacyTables } from './legacy-tables.ts';
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
  machine: Pick<Machine, 'run' | 'readProc'>,
): ForwardChain | undefined {
  return variant === 'nft' ? observeNft(family, machine) : observeLegacy(family, machine);
}

function observeNft(family: Family, { run }: Pick<Machine, 'run'>): ForwardChain | undefined {
  const args = ['-j', '-t', 'list', 'chain', protocolOf(family), 'filter', 'FORWARD'];
  const { status, stdout } = run({ file: 'nft', args });
  return status === 0 ? parseNftForward(stdout) : undefined;
}

function observeLegacy(family: Family, machine: Pick<Machine, 'run' | 'readProc'>): ForwardChain | undefined {
  if (!legacyTables(protocolOf(family), machine).includes('filter')) return undefined;
  const { status, stdout } = machine.run({ file: `${iptablesName(family)}-legacy`, args: ['-S', 'FORWARD'] });
  return status === 0 ? parseForwardRules(stdout) : undefined;
}
