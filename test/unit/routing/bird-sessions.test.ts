import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../../lib/net/address.ts';
import { sessionProblems } from '../../../lib/routing/bird/neighbours.ts';
import { sessionsOf } from '../../../lib/routing/bird/sessions.ts';
import type { BirdSettings } from '../../../lib/routing/settings.ts';
import { address, birdSettings, type ClusterHost, reachabilityOf } from '../../support/routing.ts';

const v4 = (number: number, more: Partial<ClusterHost> = {}): ClusterHost => ({
  number,
  addresses: [`192.0.2.${number}`],
  ...more,
});
const passwords = { hosts: 'secret', peers: ['other'] };

/** What host 1 speaks with. */
function sessionsFor(hosts: readonly ClusterHost[], settings: Partial<BirdSettings> = {}) {
  return sessionsOf(reachabilityOf(1, hosts), birdSettings(settings), passwords);
}

function linesFor(hosts: readonly ClusterHost[], settings: Partial<BirdSettings> = {}): readonly string[] {
  return sessionsFor(hosts, settings).sessions.map(({ remote, kind }) => `${formatAddress(remote)} ${kind}`);
}

test('without route reflectors a host speaks with all others, in each family that both have', () => {
  const hosts = [{ number: 1 }, v4(2), { number: 3 }, { number: 4, addresses: ['2001:db8:5::4'] }];

  expect(linesFor(hosts)).toEqual([
    '192.0.2.2 mesh',
    '192.0.2.3 mesh',
    '2001:db8:5::3 mesh',
    '2001:db8:5::4 mesh',
  ]);
});

test('with route reflectors a host speaks with them alone', () => {
  const hosts = [v4(1), v4(2, { reflector: '10.0.0.1' }), v4(3), v4(4, { reflector: '10.0.0.1' })];

  expect(linesFor(hosts)).toEqual(['192.0.2.2 reflector', '192.0.2.4 reflector']);
});

test('a route reflector speaks with all, and reflects to those that are none', () => {
  const hosts = [v4(1), v4(2, { reflector: '10.0.0.1' }), v4(3)];
  const settings = { reflector: '10.0.0.1' };

  expect(linesFor(hosts, settings)).toEqual(['192.0.2.2 reflector', '192.0.2.3 client']);
  expect(sessionsFor(hosts, settings).sessions.map(({ reflectedUnder }) => reflectedUnder)).toEqual([
    undefined,
    '10.0.0.1',
  ]);
});

describe('hosts with one address', () => {
  const living = v4(2, { node: 'new' });
  const dead = v4(3, { node: 'old', addresses: ['192.0.2.2'], isDead: true });

  test.each([
    ['the one that is alive counts', [v4(1), dead, living], 'node-2'],
    ['of two that are alive the later one counts', [v4(1), living, { ...dead, isDead: false }], 'node-3'],
  ])('%s, and the other is named', (_, hosts, winner) => {
    const { sessions, problems } = sessionsFor(hosts);

    expect(sessions.map(({ title }) => title)).toEqual([winner]);
    expect(problems).toEqual([expect.stringContaining(`has the address 192.0.2.2 of ${winner}`)]);
  });

  test('this host’s own is nobody to speak with', () => {
    const { sessions, problems } = sessionsFor([v4(1), v4(2, { addresses: ['192.0.2.1'] })]);

    expect(sessions).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('has the address 192.0.2.1 of this host')]);
  });
});

test('only of hosts of the cluster ways to containers are taken, of other routers none', () => {
  const peer = { asn: 65001, name: undefined, password: undefined, multihop: 2 };
  const peers = ['192.0.2.2', '192.0.2.77'].map((text) => ({ ...peer, address: address(text) }));

  const { sessions } = sessionsFor([v4(1), v4(2), v4(3)], { peers });

  expect(sessions.map(({ remote, kind, isHost }) => [formatAddress(remote), kind, isHost])).toEqual([
    ['192.0.2.3', 'mesh', true],
    ['192.0.2.2', 'configured', true],
    ['192.0.2.77', 'configured', false],
  ]);
});

test('a configured peer takes the place of a host of its address, with its own password', () => {
  const peer = { address: address('192.0.2.2'), asn: 65001, name: 'tor', password: undefined, multihop: 2 };

  const { sessions } = sessionsFor([v4(1), v4(2), v4(3)], { peers: [peer] });

  expect(sessions.map(({ title, kind, asn, password }) => [title, kind, asn, password])).toEqual([
    ['node-3', 'mesh', 64512, 'secret'],
    ['tor', 'configured', 65001, 'other'],
  ]);
});

describe('sessions that are down', () => {
  const now = Date.parse('2026-11-21 15:40:00');
  const down = (since: string) => [
    { name: 'host_192_0_2_2', state: 'Active', since, lastError: 'BGP Error: Hold timer expired' },
  ];
  const { sessions } = sessionsFor([v4(1), v4(2)]);

  test('are problems after a while, with what BIRD says of them', () => {
    expect(sessionProblems(sessions, down('2026-11-21 15:39:30'), now)).toEqual([
      expect.stringContaining(
        'no BGP session with node-2 (192.0.2.2) since 2026-11-21 15:39:30: Active, BGP Error: Hold timer expired',
      ),
    ]);
  });

  test('are none at once, nor where the host is gone', () => {
    const withDead = sessionsFor([v4(1), v4(2, { isDead: true })]).sessions;

    expect(sessionProblems(sessions, down('2026-11-21 15:39:59'), now)).toEqual([]);
    expect(sessionProblems(withDead, down('2026-11-21 15:39:30'), now)).toEqual([]);
  });
});
