import { expect, test } from 'vitest';
import type { CniStatus } from '../../../lib/resident/status.ts';
import { timesOf } from '../../../lib/resident/times.ts';
import { renderCni } from '../../../plugins/cli/cni.ts';

const idle: CniStatus = {
  socket: '/run/fairlead/cni.sock',
  isServing: true,
  workers: { wanted: 4, running: 4, restarts: 0 },
  calls: [],
  phases: [],
  fallbacks: [],
  problems: [],
};
const render = (status: CniStatus) => renderCni(status, (_colour, text) => text);

test('an agent that nobody has called says so', () => {
  expect(render(idle)).toBe('socket   serving  /run/fairlead/cni.sock\nworkers  4 of 4\n\nno calls yet');
});

test('paths, times and reasons have a table each, and problems come first', () => {
  const medianMs = timesOf({
    queue: 0.1,
    ipam: 1,
    links: 0.8,
    rules: 0,
    registry: 0.5,
    waiting: 0,
    other: 0.4,
  });
  const shown = render({
    ...idle,
    isServing: false,
    workers: { wanted: 4, running: 3, restarts: 2 },
    calls: [
      { path: 'resident', plugin: 'bridge', verb: 'ADD', code: '0', count: 12 },
      { path: 'executable', plugin: 'bridge', verb: 'ADD', code: '', count: 1 },
    ],
    phases: [{ verb: 'ADD', of: 12, medianMs }],
    fallbacks: [{ reason: 'differs', count: 1, lastAtMs: 1_790_000_000_000 }],
    problems: ['a \u001b[31m problem'],
  });

  expect(shown.split('\n')).toEqual([
    'socket   not serving  /run/fairlead/cni.sock',
    'workers  3 of 4, 2 restarts',
    'problem  a \\u001b[31m problem',
    '',
    'PATH        PLUGIN  VERB  CODE  CALLS',
    'resident    bridge  ADD   0     12',
    'executable  bridge  ADD   -     1',
    '',
    'VERB  OF  QUEUE ms  IPAM ms  LINKS ms  RULES ms  REGISTRY ms  WAITING ms  OTHER ms  WHOLE ms',
    'ADD   12  0.10      1.00     0.80      0.00      0.50         0.00        0.40      2.80',
    '',
    'OWN-WAY  CALLS  LAST',
    'differs  1      2026-09-21T14:13:20.000Z',
  ]);
});
