import { describe, expect, test } from 'vitest';
import { endpointFlows, type RoutedHost } from '../../../lib/doctor/firewall/endpoint-flows.ts';
import type { Firewall } from '../../../lib/doctor/firewall/firewall.ts';
import { judgeForwardDrop } from '../../../lib/doctor/firewall/judge-forward-drop.ts';
import { parseIptables } from '../../../lib/doctor/firewall/parse-iptables.ts';
import { parseNftFirewall } from '../../../lib/doctor/firewall/parse-nft-firewall.ts';
import type { SeenWay } from '../../../lib/doctor/routed/seen-ways.ts';
import { cidr, statesOf, troublesOf } from './fixture.ts';
import { docker, firewalld, plain, ufw } from './rulesets.ts';

/** A host with two containers of a pool, to which another host's block is reached over the same interface as the world. */
const pool = cidr('10.50.0.0/16');
const host: RoutedHost = {
  pools: [pool],
  endpoints: new Set(['veth0a', 'veth0b']),
  ways: [
    way('10.50.0.2/32', { dev: 'veth0a' }),
    way('10.50.0.3/32', { dev: 'veth0b' }),
    way('10.50.0.64/26', { dev: 'eth1', protocol: 12 }),
    way('10.50.0.128/26', { dev: 'docker0' }),
  ],
  outside: 'eth0',
};

/** The same without an agent that could be asked for pools, as with `ptp`. */
const unpooled: RoutedHost = { ...host, pools: [], ways: host.ways.slice(0, 2) };

const judge = (firewall: Firewall, asked: RoutedHost = host) =>
  judgeForwardDrop({ flows: endpointFlows(asked), firewalls: [firewall] });

describe('the ways of containers with links of their own', () => {
  const linesOf = (asked: RoutedHost) =>
    endpointFlows(asked).map(({ from, to, as, state }) => `${from} ${to} ${as} ${state}`);

  test('lead outside, to the blocks that agent or BIRD know, and to each other', () => {
    expect(linesOf(host)).toEqual([
      'veth* eth0 4 new',
      'eth0 veth* 4 established',
      'veth* eth1 4 new',
      'eth1 veth* 4 new',
      'veth* veth* 4 new',
    ]);
  });

  test('are of each family that has a pool, before there is a container', () => {
    const empty = { ...host, pools: [pool, cidr('fd00:50::/48')], endpoints: new Set<string>(), ways: [] };

    expect(linesOf(empty)).toEqual([
      'veth* eth0 4 new',
      'eth0 veth* 4 established',
      'veth* eth0 6 new',
      'eth0 veth* 6 established',
    ]);
  });

  test('are none where nothing leads outside and nobody else is there', () => {
    expect(linesOf({ ...host, outside: undefined, endpoints: new Set(['veth0a']), ways: [] })).toEqual([]);
  });
});

describe('rules that let them through', () => {
  test.each([
    ['by the pool', ['-A FORWARD -s 10.50.0.0/16 -j ACCEPT', '-A FORWARD -d 10.50.0.0/16 -j ACCEPT'], 'ok'],
    ['by all such links', ['-A FORWARD -i veth+ -j ACCEPT', '-A FORWARD -o veth+ -j ACCEPT'], 'ok'],
    ['by one link', ['-A FORWARD -i veth0a -j ACCEPT', '-A FORWARD -o veth0a -j ACCEPT'], 'problem'],
    ['by the source alone', ['-A FORWARD -s 10.50.0.0/16 -j ACCEPT'], 'warning'],
    ['by a part of the pool', ['-A FORWARD -s 10.50.0.0/26 -j ACCEPT'], 'warning'],
  ])('%s: %j', (_, rules, expected) => {
    expect(statesOf(judge(legacy(...rules)))).toEqual([expected]);
  });
});

describe('the remedy', () => {
  test('of iptables goes by the pool, as links come and go', () => {
    expect(troublesOf(judge(legacy()))).toEqual([
      'problem: chain FORWARD of iptables-legacy drops what goes from veth* (10.50.0.0/16) to eth0, ' +
        'answers from eth0 to veth* (10.50.0.0/16), what goes from veth* (10.50.0.0/16) to eth1 (10.50.0.0/16), ' +
        'what goes from eth1 (10.50.0.0/16) to veth* (10.50.0.0/16), ' +
        'what goes from veth* (10.50.0.0/16) to veth* (10.50.0.0/16) -> ' +
        'have the plugin "firewall" in the conflist, which lets each container through; or type: ' +
        'iptables-legacy -I FORWARD -s 10.50.0.0/16 -j ACCEPT && ' +
        'iptables-legacy -I FORWARD -d 10.50.0.0/16 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    ]);
  });

  test("where Docker is stands in Docker's chain for the operator", () => {
    expect(troublesOf(judge(parseNftFirewall(docker())))).toEqual([
      expect.stringMatching(
        /type: iptables -I DOCKER-USER -s 10\.50\.0\.0\/16 -j ACCEPT && iptables -I DOCKER-USER -d 10\.50\.0\.0\/16 -m conntrack /,
      ),
    ]);
  });

  test('of nftables names the family of each pool', () => {
    const both = { ...host, pools: [pool, cidr('fd00:50::/48')] };

    expect(remediesOf(judge(parseNftFirewall(plain('drop')), both))).toEqual([
      'nft insert rule inet mine fwd ip saddr 10.50.0.0/16 accept',
      'nft insert rule inet mine fwd ip daddr 10.50.0.0/16 ct state established,related accept',
      'nft insert rule inet mine fwd ip6 saddr fd00:50::/48 accept',
      'nft insert rule inet mine fwd ip6 daddr fd00:50::/48 ct state established,related accept',
    ]);
  });

  test.each([
    ['firewalld', firewalld(), 'firewall-cmd --permanent --zone=trusted --add-source=10.50.0.0/16'],
    ['ufw', ufw, 'ufw route allow from 10.50.0.0/16'],
  ])('of %s goes by the pool, too', (_, ruleset, remedy) => {
    expect(remediesOf(judge(parseNftFirewall(ruleset)))).toContain(remedy);
  });

  test('names the links by how they begin where no pool is known', () => {
    expect(remediesOf(judge(legacy(), unpooled))).toEqual([
      'iptables-legacy -I FORWARD -i veth+ -o eth0 -j ACCEPT',
      'iptables-legacy -I FORWARD -i eth0 -o veth+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      'iptables-legacy -I FORWARD -i veth+ -o veth+ -j ACCEPT',
    ]);
    expect(remediesOf(judge(parseNftFirewall(plain('drop')), unpooled))).toContain(
      `nft insert rule inet mine fwd iifname '"veth*"' oifname '"eth0"' accept`,
    );
  });
});

/** iptables that drops all but what these rules accept. */
function legacy(...rules: readonly string[]): Firewall {
  return parseIptables(['-P FORWARD DROP', ...rules].join('\n'), 'iptables-legacy');
}

function way(dst: string, changes: Partial<SeenWay>): SeenWay {
  return { dst: cidr(dst), kind: 'unicast', dev: undefined, protocol: 3, ...changes };
}

/** Every command of every remedy. */
function remediesOf(verdicts: Parameters<typeof troublesOf>[0]): readonly string[] {
  return verdicts.flatMap((verdict) =>
    'remedy' in verdict ? (verdict.remedy.split(': ').at(-1) ?? '').split(' && ') : [],
  );
}
