import { describe, expect, test } from 'vitest';
import { peersOf } from '../../../lib/overlay/kernel/peers.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import type { LeaseState } from '../../../lib/overlay/lease/record.ts';
import { type StatusParts, toStatus } from '../../../lib/overlay/status-text.ts';
import { cidr, lease, plainRules, plane, subnet } from '../../support/overlay-planes.ts';

const { peers, refused } = peersOf(plane(1), [lease(2), lease(3, { vni: 9 })], plainRules);

const parts = (changes: Partial<StatusParts> = {}): StatusParts => ({
  settings: { mode: 'l3' },
  state: { kind: 'held', lease: lease(1), untilSeconds: 700, insteadOf: undefined },
  etcd: { endpoint: 'http://192.0.2.201:2379', away: undefined },
  target: {
    planes: [{ plane: plane(1), peers, wish: wishOf(plane(1), peers) }],
    networks: { 4: cidr('10.5.0.0/16') },
    refused,
  },
  unread: new Map(),
  journal: { drift: { repairs: 0, last: [] }, lastChange: undefined },
  problems: [],
  uptimeSeconds: 100,
  ...changes,
});

test('a status is JSON: addresses are text, and what is absent is left out', () => {
  const status = toStatus(parts());

  expect(JSON.parse(JSON.stringify(status))).toEqual({
    mode: 'l3',
    lease: { state: 'held', name: 'host-1', subnets: ['10.5.1.0/24'], secondsLeft: 600 },
    etcd: { endpoint: 'http://192.0.2.201:2379', isConnected: true },
    devices: [
      {
        name: 'flannel.1',
        network: '10.5.0.0/16',
        subnet: '10.5.1.0/24',
        vni: 1,
        port: 8472,
        mac: plane(1).mac,
        mtu: 1450,
        publicAddress: '192.0.2.1',
        interface: 'eth0',
      },
    ],
    peers: [{ subnet: '10.5.2.0/24', publicAddress: '192.0.2.2', vtepMac: plane(2).mac, isDirect: false }],
    refused: [{ lease: 'host-3', because: 'its VNI is 9, that of this overlay is 1' }],
    drift: { repairs: 0, last: [] },
    problems: [],
  });
});

describe('the lease', () => {
  const previous = lease(7);
  const statusOf = (state: LeaseState) => toStatus(parts({ state })).lease;

  test('is waited for, and why', () => {
    expect(statusOf({ kind: 'waiting', because: 'no subnet is free' })).toEqual({
      state: 'waiting',
      because: 'no subnet is free',
      subnets: [],
    });
  });

  test('does not end where it is a reservation', () => {
    const state = { kind: 'held', lease: lease(1), untilSeconds: undefined, insteadOf: undefined } as const;

    expect(statusOf(state)).not.toHaveProperty('secondsLeft');
  });

  test('is lost, to whom, while its containers go on', () => {
    expect(statusOf({ kind: 'lost', previous, because: 'taken', takenBy: '192.0.2.9' })).toEqual({
      state: 'lost',
      name: 'host-7',
      subnets: ['10.5.7.0/24'],
      because: 'taken',
      takenBy: '192.0.2.9',
    });
  });

  test('is another than before, and why', () => {
    const insteadOf = { previous, because: 'taken', takenBy: '192.0.2.9' };

    const status = statusOf({ kind: 'held', lease: lease(1), untilSeconds: 700, insteadOf });

    expect(status).toMatchObject({
      subnets: [subnet(1)].map(() => '10.5.1.0/24'),
      because: 'instead of host-7: taken',
    });
  });
});

test('etcd that is away is told with its reason', () => {
  const { etcd } = toStatus(parts({ etcd: { endpoint: 'http://e:2379', away: 'connection refused' } }));

  expect(etcd).toEqual({ endpoint: 'http://e:2379', isConnected: false, because: 'connection refused' });
});

test('before there is a target there are neither devices nor peers', () => {
  expect(toStatus(parts({ target: undefined }))).toMatchObject({ devices: [], peers: [], refused: [] });
});

describe('what is wrong', () => {
  const waiting: LeaseState = { kind: 'waiting', because: 'no subnet is free' };
  const away = { endpoint: 'http://e:2379', away: 'connection refused' };

  test('is that etcd is away only where the host has no lease', () => {
    expect(toStatus(parts({ etcd: away })).problems).toEqual([]);
    expect(toStatus(parts({ etcd: away, state: waiting, problems: ['the kernel: full'] })).problems).toEqual([
      'the lease: no subnet is free',
      'etcd: connection refused',
      'the kernel: full',
    ]);
  });

  test('with keys of others is told of them, and not of this host', () => {
    const stored = { createRevision: 1, modRevision: 1, etcdLease: undefined };
    const unread = new Map([['x'.repeat(1_000), { problem: 'the key: expected a subnet', ...stored }]]);

    const status = toStatus(parts({ unread }));

    expect(status.problems).toEqual([]);
    expect(status.refused.at(-1)).toEqual({
      lease: `${'x'.repeat(199)}…`,
      because: 'the key: expected a subnet',
    });
  });
});
