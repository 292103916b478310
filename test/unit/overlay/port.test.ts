import { expect, test } from 'vitest';
import type { IfName } from '../../../lib/net/ifname.ts';
import type { Plane } from '../../../lib/overlay/kernel/plane.ts';
import { keepMaster } from '../../../lib/overlay/kernel/port.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import { deviceAsWished, plane } from '../../support/overlay-planes.ts';

/** What is made of a plane whose device is a port of this bridge. */
function keep(own: Plane, master: string | undefined) {
  const wish = wishOf(own, []).device;
  const { device, problem } = keepMaster(own.mode, wish, { ...deviceAsWished(wish), master });
  return { master: device.master, problem };
}

const stretched = (bridge: string | undefined) =>
  plane(1, { mode: 'l2', device: 'vxlan.1' as IfName, bridge: bridge as IfName | undefined });

test('a device that is in no bridge, or in its own, is to be in its own', () => {
  expect(keep(stretched('cni0'), undefined)).toEqual({ master: 'cni0', problem: undefined });
  expect(keep(stretched('cni0'), 'cni0')).toEqual({ master: 'cni0', problem: undefined });
});

test('while the agent’s bridge does not exist, a plugin’s is as good', () => {
  expect(keep(stretched(undefined), 'mynet0')).toEqual({ master: 'mynet0', problem: undefined });
});

test('a device in another bridge than the agent’s stays there, and the operator is told', () => {
  const { master, problem } = keep(stretched('cni0'), 'mynet0');

  expect(master).toBe('mynet0');
  expect(problem).toMatch(/vxlan\.1 is a port of the bridge mynet0, .*"overlay\.bridge" is cni0: give both/);
});

test('in mode l3 a device belongs in no bridge', () => {
  expect(keep(plane(1), 'br0')).toEqual({ master: undefined, problem: undefined });
});
