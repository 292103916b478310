import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { NetworkCall } from '../../lib/cni/dispatch.ts';
import { CniError, ErrorCode, messageOf } from '../../lib/errors/cni-error.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { formatAddress } from '../../lib/net/address.ts';
import { type HostLocalConfig, parseHostLocalConfig } from './config.ts';
import { listLeases } from './inventory.ts';
import { LeaseFiles } from './lease-files.ts';
import { rangeOf, sizeOf } from './range.ts';
import { leaseDirOf } from './store.ts';

/** @throws CniError code 50 where an ADD would find no free address or could not write its lease */
export function status({ conf }: NetworkCall, machine: Machine): void {
  const config = parseHostLocalConfig(conf);
  const dir = leaseDirOf(config);
  refuseUnwritable(dir);
  const leased = new LeaseFiles(dir).list();
  for (const set of config.rangeSets) {
    const taken = leased.filter((address) => rangeOf(set, address) !== undefined).length;
    if (BigInt(taken) < sizeOf(set) || hasDead(config, machine)) continue;
    const ranges = set.map(({ start, end }) => `${formatAddress(start)}-${formatAddress(end)}`).join(', ');
    throw new CniError(ErrorCode.pluginNotAvailable, `no free address in ${ranges}: all ${taken} are leased`);
  }
}

/** Whether an ADD would reclaim leases before it gives up. */
function hasDead({ dataDir, network }: HostLocalConfig, machine: Machine): boolean {
  return listLeases(dataDir, network, machine).some(({ state }) => state === 'dead');
}

function refuseUnwritable(dir: string): void {
  let nearest = dir;
  while (!existsSync(nearest)) nearest = dirname(nearest);
  try {
    if (!statSync(nearest).isDirectory()) throw new Error(`${nearest} is no directory`);
    accessSync(nearest, constants.W_OK);
  } catch (error) {
    throw new CniError(
      ErrorCode.pluginNotAvailable,
      `leases cannot be written to ${dir}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
