import type { Machine } from '../exec/machine.ts';
import { type Family, protocolOf } from '../net/address.ts';
import { type ForwardChain, type ForwardKeeper, iptablesName } from './forward-script.ts';
import { legacyTables } from './legacy-tables.ts';
import { parseForwardRules, parseNftForward } from './parse-forward.ts';

/** Where iptables-nft has it. */
const forward = { table: 'filter', chain: 'FORWARD' } as const;

/** A chain FORWARD that drops what it does not let through. */
export type ForeignDrop = { readonly keeper: ForwardKeeper; readonly chain: ForwardChain };

/**
 * The chains that drop containers' traffic of the families: one `nft` for each family that nftables has such a chain of,
 * and one `iptables-legacy` where the kernel has its table (to ask otherwise would make it).
 */
export function observeForeignDrops(
  families: readonly Family[],
  machine: Pick<Machine, 'run' | 'readProc' | 'findNftChains'>,
): readonly ForeignDrop[] {
  const inNft = familiesInNft(families, machine);
  return families
    .flatMap((family) => (['nft', 'legacy'] as const).map((variant): ForwardKeeper => ({ family, variant })))
    .filter(({ family, variant }) => variant === 'legacy' || inNft.includes(family))
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

/** Without a process, for most hosts have none. All of them where the kernel does not tell: then nft is asked. */
function familiesInNft(
  families: readonly Family[],
  { findNftChains }: Pick<Machine, 'findNftChains'>,
): readonly Family[] {
  const wanted = families.map((family) => ({ family: protocolOf(family), ...forward, of: family }));
  try {
    return findNftChains(wanted).map(({ of }) => of);
  } catch {
    return families;
  }
}

function observeNft(family: Family, { run }: Pick<Machine, 'run'>): ForwardChain | undefined {
  const args = ['-j', '-t', 'list', 'chain', protocolOf(family), forward.table, forward.chain];
  const { status, stdout } = run({ file: 'nft', args });
  return status === 0 ? parseNftForward(stdout) : undefined;
}

function observeLegacy(family: Family, machine: Pick<Machine, 'run' | 'readProc'>): ForwardChain | undefined {
  if (!legacyTables(protocolOf(family), machine).includes('filter')) return undefined;
  const { status, stdout } = machine.run({ file: `${iptablesName(family)}-legacy`, args: ['-S', 'FORWARD'] });
  return status === 0 ? parseForwardRules(stdout) : undefined;
}
