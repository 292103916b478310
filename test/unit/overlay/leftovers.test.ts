import { describe, expect, test } from 'vitest';
import type { IfName } from '../../../lib/net/ifname.ts';
import { planLeftovers } from '../../../lib/overlay/kernel/leftovers.ts';
import { peersOf } from '../../../lib/overlay/kernel/peers.ts';
import type { Plane } from '../../../lib/overlay/kernel/plane.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import { renderPlan } from '../../../lib/plan/render.ts';
import { cidr, deviceAsWished, lease, plainRules, plane } from '../../support/overlay-planes.ts';

/** What the kernel has after an agent has followed the lease of host 2, directly, with these planes. */
function markedBy(...planes: readonly Plane[]) {
  const wishes = planes.map((own) => {
    const { peers } = peersOf(own, [lease(2, {}, own.family)], { ...plainRules, directRouting: true });
    return wishOf(own, peers);
  });
  return {
    vxlans: wishes.map(({ device }) => deviceAsWished(device)),
    routes: wishes.flatMap(({ routes }) => routes),
  };
}

const [v4, v6] = [plane(1), plane(1, { family: 6 })];
const lines = (...args: Parameters<typeof planLeftovers>) =>
  renderPlan(planLeftovers(...args))
    .split('\n')
    .filter((line) => line.startsWith('  '));
const v4Lines = ['  route del 10.5.2.0/24 via 192.0.2.2 dev eth0 proto 76', '  link del dev flannel.1'];

describe('what is left over', () => {
  test('is nothing where the planes are the same, and what is within a plane is left to it', () => {
    expect(planLeftovers(markedBy(v4, v6), [v4, v6])).toEqual([]);
  });

  test('is all of a family that the overlay no longer has', () => {
    expect(lines(markedBy(v4, v6), [v4])).toEqual([
      '  route del fd00:5:0:2::/64 via 2001:db8:5::2 dev eth0 metric 255 proto 76',
      '  link del dev flannel-v6.1',
    ]);
  });

  test('are the routes to a network that is no longer the overlay’s', () => {
    const moved = plane(1, { network: cidr('10.6.0.0/16'), subnet: cidr('10.6.1.0/24') });

    expect(lines(markedBy(v4), [moved])).toEqual(v4Lines.slice(0, 1));
  });

  test('is all of mode l3 in mode l2', () => {
    const stretched = plane(1, { mode: 'l2', device: 'vxlan.1' as IfName });

    expect(lines(markedBy(v4), [stretched])).toEqual(v4Lines);
  });

  test('is everything where no plane is left', () => {
    expect(lines(markedBy(v4), [])).toEqual(v4Lines);
  });

  test('is neither a device of static peers nor of others, nor a route by such a device', () => {
    const { vxlans } = markedBy(v4);
    const { routes } = markedBy(plane(1, { outer: 'flannel.1' as IfName }));

    for (const [alias, left] of [
      ['fairlead/overlay/net/0123456789abcdef', 0],
      ['', 1],
    ] as const) {
      const others = vxlans.map((link) => ({ ...link, alias }));
      expect(lines({ vxlans: others, routes }, []), alias).toHaveLength(left);
    }
  });
});
