import { describe, expect, test } from 'vitest';
import { formatCidr } from '../../../lib/net/cidr.ts';
import type { IfName } from '../../../lib/net/ifname.ts';
import { renderBirdConfig } from '../../../lib/routing/bird/config.ts';
import { birdWish } from '../../../lib/routing/bird/wish.ts';
import { passableOf } from '../../../lib/routing/passable.ts';
import { birdSettings, type ClusterHost, cidr, reachabilityOf } from '../../support/routing.ts';

const hosts = [{ number: 1 }, { number: 2, lent: { '10.50.2.7': 1 } }, { number: 3 }];

/** What host 1 may lead anywhere while it has networks on its link. */
function passableWith(networks: readonly string[], members: readonly ClusterHost[] = hosts) {
  const attached = networks.map((network) => ({ link: 'eth0' as IfName, network: cidr(network) }));
  const { reachability, spared, problems } = passableOf(reachabilityOf(1, members), attached);
  return {
    reachability,
    blocks: [...reachability.table.blocks.values()].map((block) => formatCidr(block.cidr)),
    own: reachability.own.map(formatCidr),
    spared: spared.map(formatCidr),
    problems,
  };
}

describe('what is led to containers', () => {
  test('is all where the underlay has other addresses', () => {
    const { blocks, own, spared, problems } = passableWith(['192.0.2.1/24', '127.0.0.1/8']);

    expect(blocks).toHaveLength(3);
    expect(own).toEqual(['10.50.1.0/26', '10.50.2.7/32']);
    expect({ spared, problems }).toEqual({ spared: [], problems: [] });
  });

  test.each([
    ['is a part of a block', '10.50.2.9/29', ['10.50.1.0/26', '10.50.3.0/26'], '10.50.2.8/29'],
    ['is a block', '10.50.3.1/26', ['10.50.1.0/26', '10.50.2.0/26'], '10.50.3.0/26'],
    ['has several blocks', '10.50.2.1/23', ['10.50.1.0/26'], '10.50.2.0/23'],
  ])('is not what overlaps with a network on a link that %s', (_, network, left, named) => {
    const { blocks, problems } = passableWith([network]);

    expect(blocks).toEqual(left);
    expect(problems).toEqual([
      expect.stringContaining(`${named} is the network of eth0, and that would cut hosts off`),
    ]);
  });

  test('is none of this host’s own that overlaps either', () => {
    expect(passableWith(['10.50.1.1/26']).own).toEqual(['10.50.2.7/32']);
    expect(passableWith(['10.50.2.1/28']).own).toEqual(['10.50.1.0/26']);
  });

  test('is no block that has the address of a host, its own gateway for instance', () => {
    const inside = [{ number: 1 }, { number: 2, addresses: ['10.50.2.2'] }];

    const { blocks, spared, problems } = passableWith([], inside);

    expect(blocks).toEqual(['10.50.1.0/26']);
    expect(spared).toEqual(['10.50.2.2/32']);
    expect(problems).toEqual([
      expect.stringMatching(
        /^no way is made to 10\.50\.2\.0\/26: 10\.50\.2\.2\/32 is the address of the host node-2/,
      ),
    ]);
  });

  test('is what overlaps with an address of this host without a network', () => {
    expect(passableWith(['10.50.2.9/32']).blocks).toHaveLength(3);
  });

  test('is refused in one sentence for each network, however many blocks there are', () => {
    expect(passableWith(['10.1.2.3/8']).problems).toEqual([
      expect.stringMatching(/^no way is made to 10\.50\.1\.0\/26 and 3 more: 10\.0\.0\.0\/8 /),
    ]);
  });
});

test('BIRD takes no block from anybody that overlaps, and has none of its own that does', () => {
  const attached = [{ link: 'eth0' as IfName, network: cidr('10.50.1.1/24') }];
  const passable = passableOf(reachabilityOf(1, hosts), attached);
  const settings = birdSettings();

  const { wish } = birdWish({ ...passable.reachability, spared: passable.spared }, settings, {
    hosts: undefined,
    peers: [],
  });
  const config = renderBirdConfig(wish, settings);

  expect(config).toMatch(
    /filter learned4_\w+ \{\n {2}if net ~ \[ 10\.50\.1\.0\/24-, 10\.50\.1\.0\/24\+ \] then reject;/,
  );
  expect(config).not.toContain('route 10.50.1.0/26 blackhole');
});
