import type { Machine } from '../exec/machine.ts';
import { observeLink } from '../exec/observe.ts';
import type { Link } from '../iproute/parse.ts';
import type { BridgeWish } from './plan-bridge.ts';

/** IFF_UP and IFF_PROMISC of linux/if.h. */
const up = 0x1;
const promiscuous = 0x100;

/** The bridge as it is; undefined where there is no link of that name. */
export function observeBridge(machine: Machine, wish: BridgeWish): Link | undefined {
  return observeOwnBridge(machine, wish) ?? observeLink(machine, wish.name);
}

/**
 * The bridge that this very network has created, read from sysfs, which saves an ADD a process (3 ms).
 *
 * sysfs shows the namespace in which it was mounted, maybe not this one. Our MAC tells: it is derived from the
 * namespace's inode. sysfs shows no addresses, so none are reported, and the plan sets the gateway's again, which changes
 * nothing where it is there. Addresses in the way are looked for only on bridges that others have made or share: when
 * the subnet of a network changes, its bridge serves both, and the old containers keep their gateway.
 */
function observeOwnBridge({ readProc }: Machine, { name, mac, alias }: BridgeWish): Link | undefined {
  const read = (file: string) => readProc(`/sys/class/net/${name}/${file}`);
  if (read('address') !== mac || read('ifalias') !== alias) return undefined;
  const flags = Number(read('flags'));
  return {
    name,
    mac,
    mtu: Number(read('mtu')),
    isUp: (flags & up) !== 0,
    isPromiscuous: (flags & promiscuous) !== 0,
    kind: 'bridge',
    master: undefined,
    alias,
    addresses: [],
    vlanFiltering: read('bridge/vlan_filtering') === '1',
    port: undefined,
  };
}
