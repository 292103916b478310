import { expect, test } from 'vitest';
import { judgeRules, type RulesEvidence } from '../../../lib/doctor/rules/judge-rules.ts';

const well: RulesEvidence = {
  attachments: 3,
  missing: [],
  affected: 0,
  stale: 0,
  conflicts: [],
  wasRestored: false,
  keeper: 'absent',
  flushers: [],
};
const flushers = [{ unit: 'nftables.service', file: '/etc/nftables.conf' }];

test('where no container has rules there is nothing to look at', () => {
  expect(judgeRules({ ...well, attachments: 0 })).toMatchObject([{ state: 'skipped' }]);
});

test('rules that are there are well', () => {
  expect(judgeRules(well)).toEqual([{ state: 'ok', found: 'the rules of 3 attachments are there' }]);
});

test('of what is missing the first is named, and how much more there is', () => {
  const missing = ['chain a', 'set b', 'element c', 'element d', 'element e'];

  expect(judgeRules({ ...well, missing, affected: 2 })).toMatchObject([
    {
      state: 'problem',
      found:
        'missing or altered: chain a, set b, element c and 2 more, of 2 of 3 attachments; somebody has run nft on them',
      remedy: expect.stringMatching(/^systemctl enable --now fairlead-agent/),
    },
  ]);
});

test('a service that flushes is named as the culprit, with what is to be changed in its file', () => {
  const [verdict] = judgeRules({ ...well, missing: ['chain a'], flushers });

  expect(verdict).toMatchObject({
    state: 'problem',
    found: expect.stringContaining('nftables.service loads /etc/nftables.conf, whose "flush ruleset"'),
    remedy: expect.stringContaining('in /etc/nftables.conf write "flush table"'),
  });
});

test('a service that flushes is a warning before it has done so, unless an agent puts everything back', () => {
  expect(judgeRules({ ...well, flushers })).toMatchObject([{ state: 'warning' }]);
  expect(judgeRules({ ...well, flushers, keeper: 'idle' })).toMatchObject([{ state: 'warning' }]);
  expect(judgeRules({ ...well, flushers, keeper: 'running' })).toMatchObject([{ state: 'ok' }]);
});

test('with an agent that runs its log has the answer, and one that is told not to is told to', () => {
  const missing = ['chain a'];

  expect(judgeRules({ ...well, missing, keeper: 'running' })).toMatchObject([
    { remedy: expect.stringMatching(/^journalctl -u fairlead-agent/) },
  ]);
  expect(judgeRules({ ...well, missing, keeper: 'idle' })).toMatchObject([
    { remedy: expect.stringContaining('"rules": false') },
  ]);
});

test('what was put back meanwhile, what the dead still have and what two want is told', () => {
  const verdicts = judgeRules({
    ...well,
    wasRestored: true,
    stale: 2,
    conflicts: ['a: host port 80 is b’s by now'],
  });

  expect(verdicts.map(({ state }) => state)).toEqual(['warning', 'warning', 'problem']);
});
