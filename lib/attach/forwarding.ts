import type { Machine } from '../exec/machine.ts';
import type { Family } from '../net/address.ts';
import type { Step } from '../plan/operation.ts';

const settings = { 4: 'ipv4/ip_forward', 6: 'ipv6/conf/all/forwarding' } as const;

/** The families that the host forwards. */
export function forwardedFamilies({ readProc }: Pick<Machine, 'readProc'>): readonly Family[] {
  return ([4, 6] as const).filter((family) => readProc(`/proc/sys/net/${settings[family]}`) === '1');
}

/** Forwarding belongs to the host; it stays on. */
export function planForwarding(family: Family): Step {
  return { place: 'host', operation: { kind: 'set-sysctl', path: settings[family], value: '1' } };
}
