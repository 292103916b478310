import { isSameServer, parseServerAddress, type ServerAddress } from './server-address.ts';

/**
 * The servers that a resolv.conf names (resolv.conf(5)), in its order; what cannot be read is passed over, as resolvers
 * do.
 * @param own our own addresses, which would lead back to us
 */
export function parseNameServers(text: string, own: readonly ServerAddress[] = []): readonly ServerAddress[] {
  const servers = text
    .split('\n')
    .map((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? '')
    .map(parseServerAddress)
    .filter((server) => server !== undefined);
  return servers.filter((server) => !own.some((ours) => isSameServer(ours, server)));
}
