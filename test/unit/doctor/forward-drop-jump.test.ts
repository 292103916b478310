import { describe, expect, test } from 'vitest';
import { admitFlows } from '../../../lib/doctor/firewall/admit-flows.ts';
import type { Flow } from '../../../lib/doctor/firewall/firewall.ts';
import { judgeForwardDrop } from '../../../lib/doctor/firewall/judge-forward-drop.ts';
import { parseIptables } from '../../../lib/doctor/firewall/parse-iptables.ts';
import { parseNftFirewall } from '../../../lib/doctor/firewall/parse-nft-firewall.ts';
import {
  admission,
  answers,
  begunElsewhere,
  jump,
  listing,
  marked,
  ours,
  out,
  type Rule,
  reject,
} from './admitted-listing.ts';
import { cni0, port, statesOf, troublesOf } from './fixture.ts';

const flows = [out, answers];

describe('a chain FORWARD of iptables-nft that drops', () => {
  const judge = (rules: readonly Rule[], asked: readonly Flow[] = flows) =>
    judgeForwardDrop({
      flows: admitFlows(asked, admission('10.5.1.2')),
      firewalls: [parseNftFirewall(listing(rules, ['10.5.1.2']))],
    });

  test('is well where it leads to our chain, which lets through what is marked', () => {
    expect(statesOf(judge([['FORWARD', jump], ours]))).toEqual(['ok']);
  });

  test('is well where it leads there before a rule that rejects everything', () => {
    expect(statesOf(judge([['FORWARD', jump], ['FORWARD', reject], ours]))).toEqual(['ok']);
  });

  test('is a problem where nothing leads there: the plugin puts it back, and a command line does', () => {
    expect(troublesOf(judge([ours]))).toEqual([
      'problem: chain FORWARD of table ip filter drops what goes from cni0 to eth0, answers from eth0 to cni0, ' +
        'which the plugin "firewall" is to let through: none of its rules leads to FAIRLEAD-FORWARD -> ' +
        'ADD a container with the plugin "firewall" in the conflist, which leads there in time; or type: ' +
        'iptables -A FORWARD -j FAIRLEAD-FORWARD',
    ]);
  });

  test('is a problem where our chain is gone, too: what would lead there cannot be typed', () => {
    expect(troublesOf(judge([], [out]))).toEqual([
      expect.stringMatching(/in time; or type: iptables -I FORWARD -i cni0 -o eth0 -j ACCEPT$/),
    ]);
  });

  test('is a problem where everything is rejected before', () => {
    expect(troublesOf(judge([['FORWARD', reject], ['FORWARD', jump], ours], [out]))).toEqual([
      expect.stringMatching(
        /its rule 1 drops everything before another one leads to FAIRLEAD-FORWARD -> ADD a container .*; or type: iptables -D FORWARD -j FAIRLEAD-FORWARD && iptables -I FORWARD 1 -j FAIRLEAD-FORWARD$/,
      ),
    ]);
  });

  test('is a problem where our chain is empty, which no ADD mends', () => {
    expect(troublesOf(judge([['FORWARD', jump]], [out]))).toEqual([
      expect.stringMatching(
        /FAIRLEAD-FORWARD, to which it leads, is empty -> iptables -A FAIRLEAD-FORWARD -m mark --mark 0x1000\/0x1000 -j ACCEPT$/,
      ),
    ]);
  });

  test('is a warning where another mark is let through', () => {
    const other: Rule = ['FORWARD', marked(0x4000)];

    expect(statesOf(judge([other], [{ ...out, from: 'eth1' }]))).toEqual(['warning']);
  });

  test('drops still what others begin, for which the plugin is no remedy', () => {
    expect(troublesOf(judge([['FORWARD', jump], ours], [...flows, begunElsewhere]))).toEqual([
      'problem: chain FORWARD of table ip filter drops what goes from flannel.1 to cni0 -> ' +
        'iptables -I FORWARD -i flannel.1 -o cni0 -j ACCEPT',
    ]);
  });
});

describe('a chain FORWARD of iptables-legacy that drops', () => {
  const ourRule =
    '-A FAIRLEAD-FORWARD -m mark --mark 0x1000/0x1000 -m comment --comment "containers of fairlead" -j ACCEPT';
  const judge = (rules: readonly string[], containers: readonly string[] = [port.name]) =>
    judgeForwardDrop({
      flows: admitFlows([out], {
        ...admission('10.5.1.2'),
        links: [cni0, ...containers.map((name) => ({ ...port, name }))],
      }),
      firewalls: [
        parseIptables(['-P FORWARD DROP', '-N FAIRLEAD-FORWARD', ...rules].join('\n'), 'iptables-legacy'),
      ],
    });

  test('is well where it leads to our chain', () => {
    expect(statesOf(judge(['-A FORWARD -j FAIRLEAD-FORWARD', ourRule]))).toEqual(['ok']);
  });

  test('is a problem where nothing leads there', () => {
    expect(troublesOf(judge([ourRule]))).toEqual([
      expect.stringMatching(/or type: iptables-legacy -A FORWARD -j FAIRLEAD-FORWARD$/),
    ]);
  });

  test('is a warning where it leads there and one of two containers is without the plugin', () => {
    const rules = ['-A FORWARD -j FAIRLEAD-FORWARD', ourRule];

    expect(troublesOf(judge(rules, ['veth1', 'veth2']))).toEqual([
      'warning: chain FORWARD of iptables-legacy drops what goes from cni0 to eth0, but for containers that the plugin "firewall" lets through -> ' +
        'have the plugin "firewall" in every conflist, and DEL and ADD the containers that it does not let through; or type: ' +
        'iptables-legacy -I FORWARD -i cni0 -o eth0 -j ACCEPT',
    ]);
  });

  test('with a rule that drops some of it before is nothing that the plugin mends', () => {
    const rules = ['-A FORWARD -s 10.5.1.0/24 -j DROP', '-A FORWARD -j FAIRLEAD-FORWARD', ourRule];

    expect(troublesOf(judge(rules))).toEqual([
      expect.stringMatching(
        /drops what goes from cni0 to eth0 -> iptables-legacy -I FORWARD -i cni0 -o eth0 -j ACCEPT$/,
      ),
    ]);
  });
});
