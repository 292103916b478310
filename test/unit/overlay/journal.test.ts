import { afterEach, expect, test, vi } from 'vitest';
import type { Mac } from '../../../lib/net/mac.ts';
import { Journal } from '../../../lib/overlay/journal.ts';
import { peersOf } from '../../../lib/overlay/kernel/peers.ts';
import type { Target } from '../../../lib/overlay/kernel/target.ts';
import { wishOf } from '../../../lib/overlay/kernel/wish.ts';
import type { SubnetLease } from '../../../lib/overlay/lease/lease.ts';
import { lease, plainRules, plane } from '../../support/overlay-planes.ts';
import { recordLog } from './recorded-log.ts';

function targetFor(...leases: readonly SubnetLease[]): Target {
  const { peers, refused } = peersOf(plane(1), leases, plainRules);
  return { planes: [{ plane: plane(1), peers, wish: wishOf(plane(1), peers) }], networks: {}, refused };
}

afterEach(() => void vi.useRealTimers());

function createJournal() {
  const { log, lines } = recordLog();
  return { journal: new Journal(log), lines };
}

test('hosts that join, change and leave are told once each', () => {
  const { journal, lines } = createJournal();

  for (const leases of [[lease(2)], [lease(2)], [lease(2), lease(3)], [lease(3)]])
    journal.isSame(targetFor(...leases));
  const before = lines.length;
  journal.isSame(targetFor(lease(3, { vtepMac: '02:00:00:00:00:33' as Mac })));

  expect(lines.slice(0, before).map((line) => line.replace(/ at .*/, ''))).toEqual([
    'info: host joined: 10.5.2.0/24',
    'info: host joined: 10.5.3.0/24',
    'info: host left: 10.5.2.0/24',
  ]);
  expect(lines.slice(before).map((line) => line.replace(/.*: (\w+ \w+): .*/, '$1'))).toEqual([
    'host joined',
    'host left',
  ]);
  expect(journal.lastChange).toMatchObject({ what: expect.stringContaining('10.5.3.0/24 at 192.0.2.3') });
});

test('a lease that is not followed is told once, and again when it has come back', () => {
  const { journal, lines } = createJournal();
  const foreign = lease(2, { vni: 9 });

  for (const leases of [[foreign], [foreign], [], [foreign]]) journal.isSame(targetFor(...leases));

  const line = 'warn: lease ignored: host-2: its VNI is 9, that of this overlay is 1';
  expect(lines).toEqual([line, line]);
});

test('a target is the same until something about it changes, or it was not reached', () => {
  const { journal } = createJournal();

  expect(journal.isSame(targetFor(lease(2)))).toBe(false);
  expect(journal.isSame(targetFor(lease(2)))).toBe(true);
  expect(journal.isSame(targetFor(lease(2), lease(3)))).toBe(false);
  expect(journal.isSame(targetFor(lease(2), lease(3)))).toBe(true);
  journal.forgetTarget();
  expect(journal.isSame(targetFor(lease(2), lease(3)))).toBe(false);
});

test('repairs are counted by comparison, and of many only the first are told in words', () => {
  const { journal } = createJournal();

  journal.noteRepairs([]);
  expect(journal.drift).toEqual({ repairs: 0, last: [] });
  journal.noteRepairs(['a']);
  journal.noteRepairs(['a', 'b', 'c', 'd', 'e', 'f', 'g']);

  expect(journal.drift).toMatchObject({ repairs: 2, last: ['a', 'b', 'c', 'd', 'e', 'and 2 more'] });
});

test('what somebody takes away again and again is told at most every ten seconds, with how often it was not', () => {
  vi.useFakeTimers();
  const { log, lines } = recordLog();
  const untold: unknown[] = [];
  const journal = new Journal({
    ...log,
    warn: (message, facts) => {
      log.warn(message);
      untold.push(facts?.untold);
    },
  });

  for (let repairs = 0; repairs < 30; repairs += 1) {
    journal.noteRepairs(['a']);
    vi.advanceTimersByTime(500);
  }
  journal.noteRepairs(['b']);

  expect(lines).toHaveLength(3);
  expect(untold).toEqual([undefined, 19, 9]);
  expect(journal.drift.repairs).toBe(31);
});

test('of repairs that differ each time only the first are told in that time', () => {
  vi.useFakeTimers();
  const { journal, lines } = createJournal();

  for (let repairs = 0; repairs < 1_000; repairs += 1) journal.noteRepairs([`route ${repairs}`]);

  expect(lines).toHaveLength(10);
});
