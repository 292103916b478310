import { mkdirSync, writeFileSync } from 'node:fs';
import { addressOf, type Network } from './network.ts';

/**
 * Leases so many addresses of a network to containers that are not there, in the reference's format on disk: a file
 * for each address, and the last one given, after which the next is looked for.
 */
export function prepareLeases({ dataDir, name }: Network, count: number): void {
  const dir = `${dataDir}/${name}`;
  mkdirSync(dir, { recursive: true });
  for (let at = 0; at < count; at++) {
    writeFileSync(`${dir}/${addressOf(at)}`, `leased-${at}\r\neth0`, { mode: 0o600 });
  }
  writeFileSync(`${dir}/last_reserved_ip.0`, addressOf(count - 1), { mode: 0o600 });
}
