import type { Mac } from '../../lib/net/mac.ts';
import type { PeerRules } from '../../lib/overlay/kernel/peers.ts';
import type { Plane } from '../../lib/overlay/kernel/plane.ts';
import type { Endpoint, SubnetLease } from '../../lib/overlay/lease/lease.ts';
import { lease, plainRules, publicAddress, subnet } from './overlay-planes.ts';
import type { Random } from './random.ts';

/** What this host knows at one moment: its plane, the leases of others and how to reach them. */
export type Situation = {
  readonly plane: Plane;
  readonly leases: readonly SubnetLease[];
  readonly rules: PeerRules;
};

/** Situations in a random order: hosts come, go, restart with another MAC, move, and the plane's settings change. */
export function* walk(random: Random, begin: Plane, steps: number): Generator<Situation> {
  let plane = begin;
  const leases = new Map<number, SubnetLease>();
  for (let step = 0; step < steps; step++) {
    for (let changes = random.below(4); changes > 0; changes--) changeLease(random, leases, plane);
    if (random.below(4) === 0) plane = random.pick(variants(begin));
    yield { plane, leases: [...leases.values()], rules: rulesFor(random) };
  }
}

const hosts = [2, 3, 4, 5, 6, 7, 8];

function changeLease(random: Random, leases: Map<number, SubnetLease>, { family, vni }: Plane): void {
  const host = random.pick(hosts);
  const changes: readonly Partial<Endpoint>[] = [
    {},
    { vtepMac: `02:00:00:00:01:0${random.below(10)}` as Mac },
    { publicAddress: publicAddress(host + 20, family) },
    { subnet: subnet(random.pick(hosts) + 10, family) },
  ];
  if (random.below(3) === 0) leases.delete(host);
  else leases.set(host, lease(host, { vni, ...random.pick(changes) }, family));
}

/** The plane with another setting each; some the kernel changes in place, for some the device must be made anew. */
function variants(plane: Plane): readonly Plane[] {
  return [
    plane,
    { ...plane, mtu: plane.mtu - 50 },
    { ...plane, mac: '02:00:00:00:02:01' as Mac },
    { ...plane, port: plane.port + 1 },
    ...(plane.mode === 'l3' ? [{ ...plane, subnet: subnet(31, plane.family) }] : []),
  ];
}

/** Without VXLAN to the even hosts, to all, or to none. */
function rulesFor(random: Random): PeerRules {
  const isOnLink = random.pick([() => true, ({ bits }: { bits: bigint }) => (bits & 1n) === 0n]);
  return { ...plainRules, isOnLink, directRouting: random.below(2) === 0 };
}
