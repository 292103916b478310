import { describe, expect, test } from 'vitest';
import type { Firewall, Flow } from '../../../lib/doctor/firewall/firewall.ts';
import { judgeForwardDrop } from '../../../lib/doctor/firewall/judge-forward-drop.ts';
import { parseIptables } from '../../../lib/doctor/firewall/parse-iptables.ts';
import { parseNftFirewall } from '../../../lib/doctor/firewall/parse-nft-firewall.ts';
import { cidr, statesOf, troublesOf } from './fixture.ts';
import { docker, firewalld, ours, plain, ufw } from './rulesets.ts';

const own = cidr('10.5.1.0/24');
const out: Flow = {
  ...{ from: 'cni0', to: 'eth0', as: 4, state: 'new', toldBy: 'links' },
  ...{ source: own, destination: undefined },
};
const answers: Flow = {
  ...{ from: 'eth0', to: 'cni0', as: 4, state: 'established', toldBy: 'links' },
  ...{ source: undefined, destination: own },
};
const flows = [out, answers];

const judge = (firewall: Firewall, asked: readonly Flow[] = flows) =>
  judgeForwardDrop({ flows: asked, firewalls: [firewall] });

describe('nftables', () => {
  test('without containers nothing is looked at', () => {
    expect(statesOf(judge(parseNftFirewall(plain('drop')), []))).toEqual(['skipped']);
  });

  test('a policy of drop is a problem that names table and chain, with a rule that helps', () => {
    const verdicts = judge(parseNftFirewall(plain('drop')), [out]);

    expect(troublesOf(verdicts)).toEqual([
      'problem: chain fwd of table inet mine drops what goes from cni0 to eth0 -> ' +
        `nft insert rule inet mine fwd iifname '"cni0"' oifname '"eth0"' accept`,
    ]);
  });

  test('a policy of accept, our own table, and hooks other than forward are well', () => {
    const verdicts = judge(parseNftFirewall(ours(plain('accept'))));

    expect(statesOf(verdicts)).toEqual(['ok']);
  });

  test.each([
    ['accepts by both interfaces', [iif('cni0'), oif('eth0'), accept], 'ok'],
    ['accepts what comes from the bridge', [iif('cni0'), accept], 'ok'],
    ['accepts by a pattern', [iif('cni*'), accept], 'ok'],
    ['accepts by a set', [iif({ set: ['lo', 'cni0'] }), accept], 'ok'],
    ['accepts all but what goes to another interface', [oif('eth1', '!='), accept], 'ok'],
    ['accepts another bridge', [iif('br0'), accept], 'problem'],
    ['accepts known connections only', [state('established', 'related'), accept], 'problem'],
    ['accepts new connections', [state('new'), accept], 'ok'],
    ['accepts by port, too', [iif('cni0'), tcp, accept], 'warning'],
    ['accepts so many a second', [{ limit: { rate: 3 } }, accept], 'warning'],
    ['counts and logs, and accepts', [{ counter: {} }, { log: {} }, accept], 'ok'],
    ['accepts a network in which ours is', [saddr({ prefix: { addr: '10.5.0.0', len: 16 } }), accept], 'ok'],
    ['accepts one address of ours', [saddr('10.5.1.7'), accept], 'warning'],
    ['accepts another network', [saddr({ prefix: { addr: '10.6.0.0', len: 16 } }), accept], 'problem'],
    [
      'accepts all but our network',
      [saddr({ prefix: { addr: '10.5.0.0', len: 16 } }, '!='), accept],
      'problem',
    ],
    ['accepts a named set of interfaces', [iif('@friends'), accept], 'warning'],
    ['accepts a named set of addresses', [saddr('@friends'), accept], 'warning'],
    ['only counts', [iif('cni0'), { counter: {} }], 'problem'],
    [
      'has a verdict map',
      [{ vmap: { key: { meta: { key: 'iifname' } }, data: { set: [['cni0', accept]] } } }],
      'ok',
    ],
  ] satisfies readonly (readonly [string, readonly object[], string])[])(
    'before a policy of drop, a rule that %s',
    (_, expr, state) => {
      expect(statesOf(judge(parseNftFirewall(plain('drop', expr)), [out]))).toEqual([state]);
    },
  );

  test('a rule at the end that rejects everything is as a policy of drop', () => {
    const verdicts = judge(parseNftFirewall(firewalld()));

    expect(troublesOf(verdicts)).toEqual([
      expect.stringMatching(
        /filter_FORWARD of table inet firewalld drops what goes from cni0 to eth0 -> firewall-cmd --permanent --zone=trusted --add-interface=cni0 && firewall-cmd --reload$/,
      ),
    ]);
  });

  test('firewalld with the bridge in a zone that trusts, by a map of zones, is well', () => {
    expect(statesOf(judge(parseNftFirewall(firewalld('cni0'))))).toEqual(['ok']);
  });

  test("Docker's policy of drop is answered by its own chain, in both directions", () => {
    const [trouble] = troublesOf(judge(parseNftFirewall(docker())));

    expect(trouble).toContain(
      'chain FORWARD of table ip filter drops what goes from cni0 to eth0, answers from eth0',
    );
    expect(trouble).toContain('iptables -I DOCKER-USER -i cni0 -o eth0 -j ACCEPT');
    expect(trouble).toContain('-i eth0 -o cni0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT');
  });

  test('Docker with that rule in its chain is well', () => {
    const verdicts = judge(
      parseNftFirewall(
        docker([iif('cni0'), oif('eth0'), accept], [iif('eth0'), oif('cni0'), conntrack, accept]),
      ),
    );

    expect(statesOf(verdicts)).toEqual(['ok']);
  });

  test('what ufw drops is answered by ufw', () => {
    expect(troublesOf(judge(parseNftFirewall(ufw)))).toEqual([
      expect.stringMatching(
        /have the plugin "firewall" in the conflist.*type: ufw route allow in on cni0 out on eth0$/,
      ),
    ]);
  });

  test('a table of the other family concerns nobody who has not the family', () => {
    const text = plain('drop').replaceAll('"inet"', '"ip6"');

    expect(statesOf(judge(parseNftFirewall(text)))).toEqual(['ok']);
    expect(statesOf(judge(parseNftFirewall(text), [{ ...out, as: 6 }]))).toEqual(['problem']);
  });

  test('a chain of the bridges drops frames between ports', () => {
    const text = plain('drop').replaceAll('"inet"', '"bridge"');
    const frames: Flow = { ...out, from: 'veth1', to: 'veth2', as: 'frames' };

    expect(statesOf(judge(parseNftFirewall(text), [out, frames]))).toEqual(['problem']);
  });

  test('an interface whose name a shell would run is quoted', () => {
    const [trouble] = troublesOf(judge(parseNftFirewall(docker()), [{ ...out, from: 'a;reboot' }]));

    expect(trouble).toContain("-i 'a;reboot' -o eth0");
  });

  test('chains that call each other in a circle come to an end', () => {
    const text = plain('drop', [{ jump: { target: 'fwd' } }]);

    expect(statesOf(judge(parseNftFirewall(text)))).toEqual(['problem']);
  });
});

describe('iptables-legacy', () => {
  const listing = (policy: string, ...rules: readonly string[]) =>
    parseIptables(
      ['-P INPUT ACCEPT', `-P FORWARD ${policy}`, '-P OUTPUT ACCEPT', '-N X', ...rules].join('\n'),
      'iptables-legacy',
    );

  test.each([
    ['ACCEPT', [], 'ok'],
    ['DROP', [], 'problem'],
    ['ACCEPT', ['-A FORWARD -j REJECT --reject-with icmp-port-unreachable'], 'problem'],
    ['DROP', ['-A FORWARD -i cni0 -m comment --comment "ours; - here" -j ACCEPT'], 'ok'],
    ['DROP', ['-A FORWARD -i cni+ ! -o docker0 -j ACCEPT'], 'ok'],
    ['DROP', ['-A FORWARD -i cni+ ! -o eth0 -j ACCEPT'], 'problem'],
    ['DROP', ['-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'], 'problem'],
    ['DROP', ['-A FORWARD -s 10.0.0.0/8 -j ACCEPT'], 'ok'],
    ['DROP', ['-A FORWARD ! -s 10.0.0.0/8 -j ACCEPT'], 'problem'],
    ['DROP', ['-A FORWARD -d 10.0.0.0/8 -j ACCEPT'], 'warning'],
    ['DROP', ['-A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT'], 'warning'],
    ['DROP', ['-A FORWARD -j X', '-A X -i cni0 -j RETURN', '-A X -j ACCEPT'], 'problem'],
    ['DROP', ['-A FORWARD -g X', '-A FORWARD -j ACCEPT', '-A X -i lo -j ACCEPT'], 'problem'],
    ['DROP', ['-A FORWARD -j LOG', '-A FORWARD -j X', '-A X -i cni0 -o eth0 -j ACCEPT'], 'ok'],
  ])('policy %s with %j: %s', (policy, rules, state) => {
    expect(statesOf(judge(listing(policy, ...rules), [out]))).toEqual([state]);
  });

  test('the remedy is of the same program', () => {
    expect(troublesOf(judge(listing('DROP'), [out]))).toEqual([
      'problem: chain FORWARD of iptables-legacy drops what goes from cni0 to eth0 -> have the plugin "firewall" in the conflist, which lets each container through; or type: iptables-legacy -I FORWARD -i cni0 -o eth0 -j ACCEPT',
    ]);
  });
});

const accept = { accept: null };
const conntrack = { xt: { type: 'match', name: 'conntrack' } };
const tcp = { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 80 } };

function iif(right: unknown) {
  return { match: { op: '==', left: { meta: { key: 'iifname' } }, right } };
}

function oif(right: unknown, op = '==') {
  return { match: { op, left: { meta: { key: 'oifname' } }, right } };
}

function saddr(right: unknown, op = '==') {
  return { match: { op, left: { payload: { protocol: 'ip', field: 'saddr' } }, right } };
}

function state(...right: readonly string[]) {
  return { match: { op: 'in', left: { ct: { key: 'state' } }, right } };
}
