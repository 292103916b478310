import { expect, test } from 'vitest';
import { observeBridge } from '../../../lib/bridge/observe-bridge.ts';
import type { BridgeWish } from '../../../lib/bridge/plan-bridge.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import type { Mac } from '../../../lib/net/mac.ts';
import { scriptMachine } from '../../support/scripted-machine.ts';

const wish: BridgeWish = {
  name: 'cni0' as IfName,
  mac: '02:00:00:00:00:01' as Mac,
  mtu: undefined,
  promiscuous: false,
  vlanFiltering: false,
  alias: 'fairlead/network/net',
};

const files = (changes: Readonly<Record<string, string>> = {}) => ({
  '/proc/sys/net/ipv4/conf/cni0/forwarding': '1',
  '/sys/class/net/cni0/address': wish.mac,
  '/sys/class/net/cni0/ifalias': wish.alias,
  '/sys/class/net/cni0/flags': '0x1103',
  '/sys/class/net/cni0/mtu': '1400',
  '/sys/class/net/cni0/bridge/vlan_filtering': '0',
  ...changes,
});

test('the network’s own bridge is read without starting a process', () => {
  const machine = scriptMachine({ proc: files() });
  expect(observeBridge(machine, wish)).toMatchObject({
    mac: wish.mac,
    mtu: 1400,
    isUp: true,
    isPromiscuous: true,
  });
  expect(machine.log).toEqual([]);
});

test.each([
  [
    'another MAC: it was altered, or sysfs is another namespace’s',
    { '/sys/class/net/cni0/address': '02:00:00:00:00:02' },
  ],
  [
    'another owner: a second network on the same bridge',
    { '/sys/class/net/cni0/ifalias': 'fairlead/network/other' },
  ],
])('a bridge with %s, is asked of ip', (_, changes) => {
  const machine = scriptMachine({ proc: files(changes) });
  observeBridge(machine, wish);
  expect(machine.log).toEqual(['host: ip -j -d addr show dev cni0']);
});
