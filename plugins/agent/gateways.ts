import { networkInterfaces } from 'node:os';
import type { DnsServer } from '../../lib/dns/server.ts';
import { messageOf } from '../../lib/errors/cni-error.ts';
import type { Log } from '../../lib/log/log.ts';
import { formatAddress, parseAddress } from '../../lib/net/address.ts';
import type { Store } from '../../lib/registry/store.ts';

/** Of what is followed, and where the server is to answer. */
export type Followed = {
  readonly port: number;
  readonly dns: Pick<DnsServer, 'add' | 'remove'>;
  readonly store: Pick<Store, 'gateways'>;
  readonly log: Log;
};

/**
 * Has the DNS server answer at every gateway of a registered container that this machine has itself: bridges come with
 * their first container, and go.
 * @returns follows what has changed since the last call; calls must not overlap
 */
export function createGatewayFollower({ port, dns, store, log }: Followed): () => Promise<void> {
  const answering = new Set<string>();
  const failing = new Map<string, string>();
  const leave = async (address: string) => {
    answering.delete(address);
    await dns.remove({ address, port });
    log.info('DNS does not answer here any more: the gateway is gone', { address });
  };
  const join = async (address: string) => {
    try {
      await dns.add({ address, port });
      answering.add(address);
      failing.delete(address);
      log.info('DNS answers at the gateway', { address, port });
    } catch (error) {
      const problem = messageOf(error);
      if (failing.get(address) !== problem)
        log.warn('DNS cannot answer at the gateway; this is tried again', { address, port, problem });
      failing.set(address, problem);
    }
  };
  return async () => {
    const own = localAddresses();
    const wanted = new Set(store.gateways().filter((address) => own.has(address)));
    for (const address of answering) if (!wanted.has(address)) await leave(address);
    for (const address of wanted) if (!answering.has(address)) await join(address);
  };
}

/** Every address of this network namespace's interfaces, in canonical text. */
function localAddresses(): ReadonlySet<string> {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return new Set(
    found.flatMap(({ address }) => {
      const parsed = parseAddress(address);
      return parsed === undefined ? [] : formatAddress(parsed);
    }),
  );
}
