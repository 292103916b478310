import { type LeaseView, listLeases, listNetworks } from '../../ipam/host-local/inventory.ts';
import { withStore } from '../../ipam/host-local/store.ts';
import { CniError, ErrorCode } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { formatAddress, parseAddress } from '../../lib/net/address.ts';
import { collectDeadRules } from '../../lib/rules/collect-rules.ts';
import type { RulesParts } from '../../lib/rules/remove-rules.ts';
import { toTable } from './terminal.ts';

/** Which leases: those below a data directory, of one network or of all. */
export type LeaseScope = { readonly dataDir: string; readonly network: string | undefined };

export function collectLeases({ dataDir, network }: LeaseScope, machine: Machine): readonly LeaseView[] {
  const networks = network === undefined ? listNetworks(dataDir) : [network];
  return networks.flatMap((name) => listLeases(dataDir, name, machine));
}

export function renderLeases(leases: readonly LeaseView[]): string {
  if (leases.length === 0) return 'no leases';
  return toTable(
    ['NETWORK', 'ADDRESS', 'STATE', 'INTERFACE', 'CONTAINER', ''],
    leases.map((lease) => [
      lease.network,
      lease.address,
      lease.state,
      lease.ifName || '-',
      lease.containerId || '-',
      lease.state === 'live' ? '' : lease.because,
    ]),
  );
}

/**
 * Frees the leases that are proven dead, and takes away the rules of dead containers.
 * @returns the leases freed, or with `dryRun` those that would be
 */
export function collectGarbage(scope: LeaseScope, dryRun: boolean, parts: RulesParts): readonly LeaseView[] {
  const { machine } = parts;
  const dead = collectLeases(scope, machine).filter(({ state }) => state === 'dead');
  if (dryRun) return dead;
  for (const network of new Set(dead.map((lease) => lease.network))) {
    const config = { dataDir: scope.dataDir, network };
    withStore({ config, machine, intent: 'release' }, (store) => store.reclaim());
  }
  collectDeadRules(scope.network, parts);
  return dead;
}

/**
 * Frees one address, whoever has it: for leases that nothing proves dead.
 * @throws CniError where the text is no address, or the address is not leased
 */
export function freeAddress(
  { dataDir, network }: LeaseScope & { network: string },
  text: string,
  machine: Machine,
): LeaseView {
  const address = parseAddress(text);
  if (address === undefined)
    throw new CniError(ErrorCode.invalidConfig, `--free: ${JSON.stringify(text)} is no IP address`);
  const lease = listLeases(dataDir, network, machine).find((each) => each.address === formatAddress(address));
  if (lease === undefined) {
    throw new CniError(
      ErrorCode.internal,
      `${text} is not leased in network ${network} (${dataDir}); see "fairlead leases"`,
    );
  }
  withStore({ config: { dataDir, network }, machine, intent: 'release' }, (store) => store.forget(address));
  return lease;
}
