import { expect, test } from 'vitest';
import type { IfName } from '../../lib/net/ifname.ts';
import type { Mac } from '../../lib/net/mac.ts';
import type { ObservedPlane } from '../../lib/overlay/kernel/observe.ts';
import { type PeerRules, peersOf } from '../../lib/overlay/kernel/peers.ts';
import { planPlane } from '../../lib/overlay/kernel/plan.ts';
import type { Plane } from '../../lib/overlay/kernel/plane.ts';
import { wishOf } from '../../lib/overlay/kernel/wish.ts';
import type { SubnetLease } from '../../lib/overlay/lease/lease.ts';
import { renderPlan } from '../../lib/plan/render.ts';
import {
  address,
  bareKernel,
  kernelWith,
  lease,
  plainRules,
  plane,
  subnet,
} from '../support/overlay-planes.ts';

// The exact lines that make the kernel follow the leases of an overlay.

const bridge = 'cni0' as IfName;
const stretched = plane(1, { mode: 'l2', device: 'vxlan.1' as IfName, bridge });
const direct = { ...plainRules, directRouting: true };

/** The kernel of a plane that has followed these leases. */
const after = (leases: readonly SubnetLease[], own: Plane = plane(1), rules: PeerRules = plainRules) =>
  kernelWith(wishOf(own, peersOf(own, leases, rules).peers));

type Case = {
  readonly plane?: Plane;
  readonly leases: readonly SubnetLease[];
  readonly rules?: PeerRules;
  readonly found?: ObservedPlane;
};

const v6 = (host: number) => lease(host, {}, 6);

const cases: Record<string, Case> = {
  'first host': { leases: [] },
  'peer joins': { leases: [lease(2)], found: after([]) },
  'three peers at once': { leases: [lease(2), lease(3), lease(4)] },
  "peer's MAC changes": {
    leases: [lease(2, { vtepMac: '02:00:00:00:00:99' as Mac }), lease(3)],
    found: after([lease(2), lease(3)]),
  },
  "peer's public address changes": {
    leases: [lease(2, { publicAddress: address('192.0.2.22') })],
    found: after([lease(2)]),
  },
  'peer leaves': { leases: [lease(3)], found: after([lease(2), lease(3)]) },
  'direct routing': {
    leases: [lease(2), lease(3)],
    rules: { ...direct, isOnLink: ({ bits }) => bits === address('192.0.2.2').bits },
  },
  'direct routing is switched on': { leases: [lease(2)], rules: direct, found: after([lease(2)]) },
  'direct routing is switched off': { leases: [lease(2)], found: after([lease(2)], plane(1), direct) },
  'IPv6 plane': { plane: plane(1, { family: 6 }), leases: [v6(2), v6(3)] },
  'IPv6 peer leaves': {
    plane: plane(1, { family: 6 }),
    leases: [v6(2)],
    found: after([v6(2), v6(3)], plane(1, { family: 6 })),
  },
  'layer 2': { plane: stretched, leases: [lease(2), lease(3)] },
  'layer 2, peer leaves': {
    plane: stretched,
    leases: [lease(3)],
    found: after([lease(2), lease(3)], stretched),
  },
  // `replace` takes the place of the route that a bridge of the old subnet still has.
  'our subnet is taken by another': {
    plane: plane(1, { subnet: subnet(7) }),
    leases: [lease(2, { subnet: subnet(1) }), lease(3)],
    found: after([lease(3)]),
  },
  'another port makes the device anew': {
    plane: plane(1, { port: 4789 }),
    leases: [lease(2), lease(3)],
    rules: { ...direct, isOnLink: ({ bits }) => bits === address('192.0.2.2').bits },
    found: after([lease(2), lease(3)]),
  },
};

test.each(Object.entries(cases))('%s', async (name, { plane: own = plane(1), leases, rules, found }) => {
  const { peers } = peersOf(own, leases, rules ?? plainRules);

  const plan = planPlane(wishOf(own, peers), found ?? bareKernel);

  await expect(`${renderPlan(plan)}\n`).toMatchFileSnapshot(`expected/overlay, ${name}.txt`);
});
