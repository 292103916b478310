import { CniError, ErrorCode } from '../errors/cni-error.ts';
import { errnoOf } from '../errors/system-error.ts';
import { formatServerAddress, type ServerAddress } from './server-address.ts';

const remedies: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there already: stop it, or choose another address or port',
  EADDRNOTAVAIL:
    'this machine does not have the address, or not yet: a new IPv6 address takes a second or two',
  EACCES: 'permission denied: run as root, or with CAP_NET_BIND_SERVICE',
};

/** Why a DNS server cannot listen somewhere (code 5), and what helps. */
export function listenFailure(server: ServerAddress, error: unknown): CniError {
  if (error instanceof CniError) return error;
  const remedy = remedies[errnoOf(error) ?? ''];
  const message = error instanceof Error ? error.message : String(error);
  return new CniError(
    ErrorCode.ioFailure,
    `listening for DNS on ${formatServerAddress(server)}: ${remedy ?? message}`,
    { cause: error, details: message },
  );
}

/**
 * Refuses the address that stands for all: an answer over UDP would leave from another address than was asked, and no
 * resolver takes that.
 * @throws CniError code 7
 */
export function refuseWildcard(server: ServerAddress): void {
  if (server.address !== '0.0.0.0' && server.address !== '::') return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `dns: expected single addresses to listen on, found ${formatServerAddress(server)}: name each address`,
  );
}
