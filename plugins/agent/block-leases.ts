import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import type { StoreConfig } from '../../ipam/host-local/config.ts';
import { listLeases } from '../../ipam/host-local/inventory.ts';
import { LeaseFiles } from '../../ipam/host-local/lease-files.ts';
import { hasStore, leaseDirOf, tryWithStore } from '../../ipam/host-local/store.ts';
import type { LeasedAddress, Leases } from '../../lib/blocks/leases/leases.ts';
import type { Run } from '../../lib/exec/command.ts';
import { inquireAsync } from '../../lib/exec/inquiry.ts';
import type { Machine } from '../../lib/exec/machine.ts';
import { parseAddress } from '../../lib/net/address.ts';
import { containerRoutesInquiry } from './container-routes.ts';

/** How the leases are looked at, and what the kernel is asked with. */
export type BlockLeasesParts = { readonly machine: Machine; readonly run: Run };

/** The leases that host-local keeps of a network on this machine. Its lock is never waited for: the agent has other work. */
export function createBlockLeases(config: StoreConfig, { machine, run }: BlockLeasesParts): Leases {
  const files = new LeaseFiles(leaseDirOf(config));
  return {
    addresses: () => files.list(),
    list: () => listLeasedAddresses(config, machine),
    free: (lease) => freeDead(lease, { config, machine }),
    whileLocked: (work) =>
      hasStore(config)
        ? tryWithStore({ config, machine, intent: 'release' }, (store) => work(store.listAddresses()))
        : { kind: 'done', answer: work([]) },
    routed: () => inquireAsync(containerRoutesInquiry(), run),
    watch: (wake, signal) => watchLeases(files.dir, wake, signal),
  };
}

function listLeasedAddresses({ dataDir, network }: StoreConfig, machine: Machine): readonly LeasedAddress[] {
  return listLeases(dataDir, network, machine).flatMap(
    ({ address: text, containerId, ifName, ...liveness }) => {
      const address = parseAddress(text);
      if (address === undefined) return [];
      return [{ address, owner: containerId === '' ? undefined : { containerId, ifName }, liveness }];
    },
  );
}

type Where = { readonly config: StoreConfig; readonly machine: Machine };

/** Looked at once more under the lock: the container's DEL may have come, and another one have the address. */
function freeDead({ owner }: LeasedAddress, { config, machine }: Where): boolean {
  if (owner === undefined || !hasStore(config)) return false;
  const freed = tryWithStore({ config, machine, intent: 'release' }, (store) => {
    const record = store.find(owner);
    if (record === undefined || store.judge(record.proof).state !== 'dead') return false;
    store.release(record, 0);
    return true;
  });
  return freed.kind === 'done' && freed.answer;
}

/** The directory comes with the first lease. */
const lookAgainMs = 1_000;

function watchLeases(dir: string, wake: () => void, signal: AbortSignal): void {
  let watcher: FSWatcher | undefined;
  const close = () => {
    watcher?.close();
    watcher = undefined;
  };
  const open = () => {
    watcher ??= tryWatch(dir, wake, close);
  };
  open();
  const timer = setInterval(open, lookAgainMs);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    close();
  });
}

/** A directory that is removed, and made anew, has to be watched anew. */
function tryWatch(dir: string, wake: () => void, close: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dir, { persistent: false }, (event, name) => {
      wake();
      if (event === 'rename' && name === basename(dir)) close();
    });
    watcher.on('error', close);
    return watcher;
  } catch {
    return undefined;
  }
}
