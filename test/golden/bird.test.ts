import { expect, test } from 'vitest';
import { renderBirdConfig } from '../../lib/routing/bird/config.ts';
import { birdWish } from '../../lib/routing/bird/wish.ts';
import type { BirdSettings } from '../../lib/routing/settings.ts';
import {
  address,
  birdSettings,
  blockOf,
  type ClusterHost,
  cidr,
  pools4,
  pools6,
  reachabilityOf,
} from '../support/routing.ts';
import { address6Of } from '../support/underlay.ts';

// The exact configurations that BIRD gets on host 1.

const three: readonly ClusterHost[] = [{ number: 1 }, { number: 2 }, { number: 3 }];
const withReflectors = three.map((host) => ({
  ...host,
  ...(host.number < 3 ? { reflector: '10.0.0.1' } : {}),
}));
const dual = (host: ClusterHost) => ({ ...host, blocks: [blockOf(host.number), blockOf(host.number, 6)] });
const onlyV6 = (host: ClusterHost) => ({
  ...host,
  addresses: [address6Of(host.number)],
  blocks: [blockOf(host.number, 6)],
});

type Case = {
  readonly hosts?: readonly ClusterHost[];
  readonly pools?: typeof pools4;
  readonly settings?: Partial<BirdSettings>;
  readonly spared?: readonly string[];
};

const cases: Record<string, Case> = {
  'a mesh': {},
  'nothing leased yet': { hosts: [{ number: 1, blocks: [] }], pools: [] },
  'borrowed and lent addresses': {
    hosts: [{ number: 1, lent: { '10.50.1.9': 3 } }, { number: 2, lent: { '10.50.2.7': 1 } }, { number: 3 }],
  },
  'a password and short times': {
    settings: { password: { kind: 'text', text: '{}; #x' }, holdTimeSeconds: 9, gracefulRestartSeconds: 12 },
  },
  'a route reflector': { hosts: withReflectors, settings: { reflector: '10.0.0.1' } },
  'a client of route reflectors': {
    hosts: [{ number: 1 }, { number: 2, reflector: '10.0.0.1' }, { number: 3 }],
  },
  'configured peers': {
    settings: {
      peers: [
        {
          address: address('192.0.2.254'),
          asn: 65001,
          name: 'tor-1',
          password: { kind: 'text', text: 'a b' },
          multihop: undefined,
        },
        { address: address('198.51.100.7'), asn: 64512, name: undefined, password: undefined, multihop: 3 },
      ],
    },
  },
  'pools that overlap with the underlay': { spared: ['10.50.128.0/17', '10.50.9.9/32'] },
  'both families': { hosts: three.map(dual), pools: [...pools4, ...pools6] },
  'IPv6 alone': { hosts: three.map(onlyV6), pools: pools6 },
};

test.each(Object.entries(cases))(
  '%s',
  async (name, { hosts = three.map(withoutV6), pools = pools4, settings = {}, spared = [] }) => {
    const all = birdSettings(settings);
    const passwords = {
      hosts: textOf(all.password),
      peers: all.peers.map(({ password }) => textOf(password)),
    };
    const reachability = { ...reachabilityOf(1, hosts, pools), spared: spared.map(cidr) };

    const { wish, problems } = birdWish(reachability, all, passwords);

    expect(problems).toEqual([]);
    await expect(renderBirdConfig(wish, all)).toMatchFileSnapshot(`expected/bird, ${name}.conf`);
  },
);

function withoutV6(host: ClusterHost): ClusterHost {
  return { ...host, addresses: [`192.0.2.${host.number}`] };
}

function textOf(source: BirdSettings['password']): string | undefined {
  return source?.kind === 'text' ? source.text : undefined;
}
