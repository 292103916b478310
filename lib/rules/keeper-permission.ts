import type { Machine } from '../exec/machine.ts';

/** Number of CAP_NET_ADMIN, as in capabilities(7). */
const capNetAdmin = 12n;

/** Whether this process may change the network, as far as that can be told. */
export function mayChangeNetwork({ readProc }: Pick<Machine, 'readProc'>): boolean {
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readProc('/proc/self/status') ?? '') ?? [];
  return effective === undefined || ((BigInt(`0x${effective}`) >> capNetAdmin) & 1n) === 1n;
}
