import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../lib/net/address.ts';
import { formatCidr } from '../../../lib/net/cidr.ts';
import { acceptedOf } from '../../../lib/routing/bird/accepted.ts';
import { renderBirdConfig } from '../../../lib/routing/bird/config.ts';
import { birdWish } from '../../../lib/routing/bird/wish.ts';
import { birdSettings, type ClusterHost, pools4, pools6, reachabilityOf } from '../../support/routing.ts';

const noPasswords = { hosts: undefined, peers: [] };

function configFor(hosts: readonly ClusterHost[], pools = pools4): string {
  const settings = birdSettings();
  return renderBirdConfig(birdWish(reachabilityOf(1, hosts, pools), settings, noPasswords).wish, settings);
}

test('what a host calls itself cannot become a part of the configuration', () => {
  const name = 'n"; } protocol static { route 0.0.0.0/0 blackhole; }\n\\\u00e9';

  const config = configFor([{ number: 1 }, { number: 2, name }]);

  expect(config).toContain('description "n; } protocol static { route 0.0.0.0/0 blackhole; }";');
});

test('the same cluster has the same configuration, in whatever order its keys come', () => {
  const hosts = [{ number: 1, blocks: ['10.50.1.0/26', '10.50.9.0/26'] }, { number: 2 }, { number: 3 }];
  const turned = hosts.map((host) => ({
    ...host,
    ...(host.blocks ? { blocks: host.blocks.toReversed() } : {}),
  }));

  expect(configFor(turned.toReversed())).toBe(configFor(hosts));
});

test('the blocks of others change nothing: they are learned while etcd is away', () => {
  const more = { number: 2, blocks: ['10.50.2.0/26', '10.50.7.0/26'] };

  expect(configFor([{ number: 1 }, more])).toBe(configFor([{ number: 1 }, { number: 2 }]));
});

test('there are sessions for the families of the pools alone', () => {
  const hosts = [{ number: 1 }, { number: 2 }];

  expect(configFor(hosts)).not.toContain('ipv6');
  expect(
    configFor(
      hosts.map((host) => ({ ...host, blocks: [] })),
      pools6,
    ),
  ).not.toContain('ipv4');
});

test('a block of one address is announced as its container comes, and has no blackhole', () => {
  const config = configFor(
    [{ number: 1, blocks: ['10.50.1.1/32'] }],
    [{ cidr: '10.50.0.0/16', blockLength: 32 }],
  );

  expect(config).toContain('net ~ [ 10.50.1.1/32 ]');
  expect(config).not.toContain('blackhole');
});

describe('the router id', () => {
  const idOf = (hosts: readonly ClusterHost[]) =>
    formatAddress(birdWish(reachabilityOf(1, hosts), birdSettings(), noPasswords).wish.routerId);

  test('is the host’s IPv4 address', () => {
    expect(idOf([{ number: 1 }])).toBe('192.0.2.1');
  });

  test('is made from the host’s id where it has none, always the same and another for each', () => {
    const ids = Array.from({ length: 200 }, (_, index) =>
      idOf([{ number: 1, node: `id-${index}`, addresses: ['2001:db8:5::1'] }]),
    );

    expect(new Set(ids).size).toBe(200);
    expect(idOf([{ number: 1, node: 'id-7', addresses: [] }])).toBe(ids[7]);
    for (const id of ids)
      expect(Number(id.split('.')[0])).toBeOneOf(Array.from({ length: 223 }, (_, n) => n + 1));
  });
});

describe('what is taken from others', () => {
  const acceptedIn = (hosts: readonly ClusterHost[], pools = pools4) =>
    acceptedOf(reachabilityOf(1, hosts, pools)).map(
      ({ network, length }) => `${formatCidr(network)} /${length}`,
    );

  test('is blocks of the pools', () => {
    expect(acceptedIn([{ number: 2 }])).toEqual(['10.50.0.0/16 /26']);
  });

  test('is of single addresses those alone that one of the others has borrowed of another', () => {
    const hosts = [
      { number: 1, lent: { '10.50.1.9': 3 } },
      { number: 2, lent: { '10.50.2.7': 3, '10.50.2.8': 1 } },
      { number: 3 },
    ];

    expect(acceptedIn(hosts)).toEqual(['10.50.0.0/16 /26', '10.50.2.7/32 /32']);
  });

  test('is blocks of one address where a pool has such', () => {
    expect(acceptedIn([], [{ cidr: '10.60.0.0/24', blockLength: 32 }])).toEqual(['10.60.0.0/24 /32']);
  });

  test('is blocks of an earlier block size, and of a pool that is gone', () => {
    expect(acceptedIn([{ number: 2, blocks: ['10.50.2.0/27', '10.60.0.0/26'] }])).toEqual([
      '10.50.0.0/16 /26',
      '10.50.0.0/16 /27',
      '10.60.0.0/26 /26',
    ]);
  });
});
