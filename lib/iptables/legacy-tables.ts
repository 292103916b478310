import type { Machine } from '../exec/machine.ts';
import type { Protocol } from '../net/address.ts';

/**
 * The tables that iptables of before nftables has in this thread's network namespace. Asked of procfs, because its
 * programs would make the table that they are asked for.
 */
export function legacyTables(protocol: Protocol, { readProc }: Pick<Machine, 'readProc'>): readonly string[] {
  return (readProc(`/proc/net/${protocol}_tables_names`) ?? '').split('\n').filter((name) => name !== '');
}
