import { expect, test } from 'vitest';
import type { Report } from '../../../lib/resident/report.ts';
import { Tally } from '../../../lib/resident/tally.ts';
import { timesOf } from '../../../lib/resident/times.ts';

const none = { queue: 0, ipam: 0, links: 0, rules: 0, registry: 0, waiting: 0, other: 0 };

function reportOf(changes: Partial<Report> = {}): Report {
  return { plugin: 'bridge', verb: 'ADD', code: 0, ms: none, ...changes };
}

test('calls are counted by path, plugin, verb and code', () => {
  const tally = new Tally();

  for (const code of [0, 0, 11]) tally.addReport(reportOf({ code }));
  tally.addReport(reportOf({ plugin: 'Host-Local', verb: 'DEL' }));
  tally.addFallback({ atSeconds: 1, reason: 'absent', verb: 'ADD', plugin: 'bridge' });

  expect(tally.calls).toEqual([
    { path: 'resident', plugin: 'bridge', verb: 'ADD', code: '0', count: 2 },
    { path: 'resident', plugin: 'bridge', verb: 'ADD', code: '11', count: 1 },
    { path: 'resident', plugin: 'host-local', verb: 'DEL', code: '0', count: 1 },
    { path: 'executable', plugin: 'bridge', verb: 'ADD', code: '', count: 1 },
  ]);
});

test('what a caller makes up does not make counts without number', () => {
  const tally = new Tally();

  for (let made = 0; made < 100; made++) {
    tally.addReport(reportOf({ plugin: `p${made}`, verb: `V${made}`, code: 1000 + made }));
    tally.addFallback({ atSeconds: made, reason: 'lost', verb: `V${made}`, plugin: `p${made}` });
  }

  expect(tally.calls).toEqual([
    { path: 'resident', plugin: 'other', verb: 'other', code: 'other', count: 100 },
    { path: 'executable', plugin: 'other', verb: 'other', code: '', count: 100 },
  ]);
  expect(tally.phases).toHaveLength(1);
});

test('of each reason it is known how often, and when last', () => {
  const tally = new Tally();

  for (const atSeconds of [5, 7])
    tally.addFallback({ atSeconds, reason: 'differs', verb: 'ADD', plugin: 'bridge' });

  expect(tally.fallbacks).toEqual([{ reason: 'differs', count: 2, lastAtMs: 7000 }]);
});

test('the whole is the sum of the parts, and medians are of the last calls', () => {
  const tally = new Tally();
  expect(timesOf({ ...none, ipam: 1, links: 2.5 }).whole).toBe(3.5);

  for (const ipam of [3, 1, 2]) tally.addReport(reportOf({ ms: { ...none, ipam } }));
  expect(tally.phases).toMatchObject([{ verb: 'ADD', of: 3, medianMs: { ipam: 2, links: 0, whole: 2 } }]);
  for (let later = 0; later < 512; later++) tally.addReport(reportOf({ ms: { ...none, links: 4 } }));

  expect(tally.phases).toMatchObject([{ verb: 'ADD', of: 512, medianMs: { ipam: 0, links: 4, whole: 4 } }]);
});
