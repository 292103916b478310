import { describe, expect, test } from 'vitest';
import { isAdmitting } from '../../../lib/iptables/forward-script.ts';
import { parseForwardRules, parseNftForward } from '../../../lib/iptables/parse-forward.ts';

const counter = { counter: { packets: 1, bytes: 2 } };
const drop = { drop: null };
const jump = { jump: { target: 'FAIRLEAD-FORWARD' } };
const fromLink = { match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'x0' } };

function listing(policy: string, ...rules: readonly (readonly object[])[]): string {
  const chain = { family: 'ip', table: 'filter', name: 'FORWARD', policy };
  return JSON.stringify({
    nftables: [{ metainfo: {} }, { chain }, ...rules.map((expr) => ({ rule: { chain: 'FORWARD', expr } }))],
  });
}

describe('of nft', () => {
  test.each([
    ['a policy that accepts', listing('accept'), { drops: false }],
    ['a policy that drops', listing('drop'), { drops: true, dropsAt: undefined }],
    ['a rule that drops everything', listing('accept', [counter, drop]), { drops: true, dropsAt: 1 }],
    ['a rule that drops some', listing('accept', [fromLink, counter, drop]), { drops: false }],
    [
      'iptables’ REJECT behind another rule',
      listing('accept', [fromLink, drop], [counter, { xt: { type: 'target', name: 'REJECT' } }]),
      { drops: true, dropsAt: 2 },
    ],
    ['nft’s own reject', listing('accept', [{ reject: null }]), { drops: true, dropsAt: 1 }],
    [
      'a rule with a comment of iptables',
      listing('accept', [{ xt: { type: 'match', name: 'comment' } }, counter, drop]),
      { drops: true, dropsAt: 1 },
    ],
    [
      'a match of iptables that nft does not know',
      listing('accept', [{ xt: { type: 'match', name: 'set' } }, drop]),
      { drops: false },
    ],
    ['our jump', listing('drop', [fromLink, drop], [counter, jump]), { drops: true, jumpsAt: 2 }],
    ['a conditional jump to ours', listing('drop', [fromLink, jump]), { jumpsAt: undefined }],
    ['a rule without statements', listing('accept', [counter]), { drops: false, jumpsAt: undefined }],
  ])('%s', (_, text, expected) => {
    expect(parseNftForward(text)).toMatchObject(expected);
  });
});

describe('of iptables-legacy', () => {
  test.each([
    ['a policy that drops', '-P FORWARD DROP', { drops: true, dropsAt: undefined }],
    ['one that accepts', '-P FORWARD ACCEPT\n-A FORWARD -i x0 -j DROP', { drops: false }],
    [
      'REJECT with a comment',
      '-P FORWARD ACCEPT\n-A FORWARD -m comment --comment "no more" -j REJECT --reject-with icmp-port-unreachable',
      { drops: true, dropsAt: 1 },
    ],
    [
      'our jump',
      '-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j FAIRLEAD-FORWARD',
      { jumpsAt: 2 },
    ],
  ])('%s', (_, text, expected) => {
    expect(parseForwardRules(text)).toMatchObject(expected);
  });
});

test.each([
  [{ drops: false, dropsAt: undefined, jumpsAt: undefined }, true],
  [{ drops: true, dropsAt: undefined, jumpsAt: undefined }, false],
  [{ drops: true, dropsAt: undefined, jumpsAt: 4 }, true],
  [{ drops: true, dropsAt: 2, jumpsAt: 1 }, true],
  [{ drops: true, dropsAt: 1, jumpsAt: 2 }, false],
])('%o lets ours through: %s', (chain, expected) => {
  expect(isAdmitting(chain)).toBe(expected);
});
