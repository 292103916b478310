import { readdirSync } from 'node:fs';
import { createJudge, type Liveness } from '../../lib/attach/liveness.ts';
import { isContainerId } from '../../lib/cni/invocation.ts';
import { ifExists } from '../../lib/errors/system-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { formatAddress } from '../../lib/net/address.ts';
import { LeaseFiles } from './lease-files.ts';
import { LeaseIndex } from './lease-index.ts';
import { indexDirOf, leaseDirOf } from './store.ts';

/** One leased address as an operator sees it. */
export type LeaseView = {
  readonly network: string;
  readonly address: string;
  /** Empty where the lease's file names no owner. */
  readonly containerId: string;
  /** Empty for a legacy lease, which names none. */
  readonly ifName: string;
} & Liveness;

/** The networks that have leases below a data directory. */
export function listNetworks(dataDir: string): readonly string[] {
  const entries = ifExists(() => readdirSync(dataDir, { withFileTypes: true })) ?? [];
  return entries
    .filter((entry) => entry.isDirectory() && isContainerId(entry.name))
    .map(({ name }) => name)
    .sort();
}

/** The leases of a network, in the order of their addresses. Reads only: takes no lock and repairs nothing. */
export function listLeases(dataDir: string, network: string, machine: Machine): readonly LeaseView[] {
  const config = { dataDir, network };
  const files = new LeaseFiles(leaseDirOf(config));
  const index = new LeaseIndex(indexDirOf(config), leaseDirOf(config));
  const judge = createJudge(machine);
  const addresses = files
    .list()
    .toSorted((one, other) => one.family - other.family || (one.bits < other.bits ? -1 : 1));
  return addresses.map((each) => {
    const address = formatAddress(each);
    const owner = files.ownerOf(each);
    if (owner === undefined) {
      return {
        network,
        address,
        containerId: '',
        ifName: '',
        state: 'unknown',
        because: 'its file names no owner',
      };
    }
    const record = index.get(owner);
    const isOurs = record !== undefined && record !== 'damaged' && record.addresses.includes(address);
    const proof = isOurs ? record.proof : undefined;
    return { network, address, containerId: owner.containerId, ifName: owner.ifName, ...judge(proof) };
  });
}
