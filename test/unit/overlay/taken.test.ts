import { describe, expect, test } from 'vitest';
import type { SubnetLease } from '../../../lib/overlay/lease/lease.ts';
import type { LeaseState } from '../../../lib/overlay/lease/record.ts';
import { takenFamilies } from '../../../lib/overlay/lease/taken.ts';
import { cidr, lease, publicAddress, subnet } from '../../support/overlay-planes.ts';

/** A host's lease of both families, with the id of a machine. */
const both = (host: number, node = `node-${host}`): SubnetLease => ({
  name: `host-${host}`,
  endpoints: { ...lease(host).endpoints, ...lease(host, {}, 6).endpoints },
  node,
});

const lost = (takenBy?: string): LeaseState => ({
  kind: 'lost',
  previous: both(1),
  because: 'it was not renewed in time',
  takenBy,
});

const taken = (state: LeaseState, ...leases: readonly SubnetLease[]) =>
  takenFamilies(state, leases, 'node-1');

test('nothing is taken from a host that holds a lease, whatever others have', () => {
  const held: LeaseState = { kind: 'held', lease: both(1), untilSeconds: 700, insteadOf: undefined };

  expect(taken(held, { ...both(2), ...lease(2, { subnet: subnet(1) }) })).toEqual([]);
});

describe('from a host that has lost its lease', () => {
  test('the families are taken of which another has leased a part', () => {
    expect(taken(lost(), lease(2, { subnet: cidr('10.5.1.128/25') }))).toEqual([4]);
    expect(taken(lost(), lease(2, { subnet: subnet(1, 6) }, 6))).toEqual([6]);
    expect(taken(lost(), both(2))).toEqual([]);
  });

  test('nothing is taken by its own key, which is known until etcd is back', () => {
    expect(taken(lost(), both(1))).toEqual([]);
  });

  test('all is taken by the machine that has its id', () => {
    const { endpoints } = both(1);
    const twin = { publicAddress: publicAddress(2) };
    const clones = {
      ...both(1),
      endpoints: { ...endpoints, ...lease(1, twin).endpoints },
    };

    expect(taken(lost('192.0.2.2'), clones)).toEqual([4, 6]);
  });
});
