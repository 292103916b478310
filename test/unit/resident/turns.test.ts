import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import type { AttachmentId } from '../../../lib/cni/invocation.ts';
import { CniError } from '../../../lib/errors/cni-error.ts';
import { loadCalls } from '../../../lib/resident/calls.ts';
import { openTurns, type Turn } from '../../../lib/resident/turns.ts';

const path = `${tmpdir()}/fl-turns-${process.pid}`;
const calls = loadCalls();
const turnOf = (ifName: string, plugin = 'bridge'): Turn => ({
  plugin,
  id: { containerId: 'c1', ifName } as AttachmentId,
  hasGone: () => false,
});
const eth0 = turnOf('eth0');

afterEach(() => rmSync(path, { force: true }));

/** What one waits for while another has the turn; the other gives it back after so many waits. */
function waitsOf(first: Turn, second: Turn, mostWaits: number): number {
  using one = openTurns(path, calls, () => undefined);
  const turn = one.take(first);
  let waits = 0;
  using other = openTurns(path, calls, () => {
    waits += 1;
    if (waits === mostWaits) turn[Symbol.dispose]();
  });
  using _turn = other.take(second);
  return waits;
}

test('the next call of an attachment waits until the one at work has ended', () => {
  expect(waitsOf(eth0, eth0, 7)).toBe(7);
});

test('calls of another interface, or of another plugin, do not wait', () => {
  expect(waitsOf(eth0, turnOf('eth1'), 7)).toBe(0);
  expect(waitsOf(eth0, turnOf('eth0', 'portmap'), 7)).toBe(0);
});

test('a call that stays at work for too long has the next one fail', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const passMinutes = () => void vi.advanceTimersByTime(61_000);
  using one = openTurns(path, calls, passMinutes);
  using _turn = one.take(eth0);
  using other = openTurns(path, calls, passMinutes);
  expect(() => other.take(eth0)).toThrow(CniError);
  vi.useRealTimers();
});

test('nobody waits for the turn of who has gone', () => {
  using one = openTurns(path, calls, () => undefined);
  using _turn = one.take(eth0);
  using other = openTurns(path, calls, () => undefined);
  expect(() => other.take({ ...eth0, hasGone: () => true })).toThrow(CniError);
});

test('where the file was removed, all go by the new one', () => {
  using early = openTurns(path, calls, () => undefined);
  rmSync(path);
  let waits = 0;
  using late = openTurns(path, calls, () => {
    waits += 1;
    turn[Symbol.dispose]();
  });
  const turn = early.take(eth0);
  using _turn = late.take(eth0);
  expect(waits).toBe(1);
});

test('the turn goes with the file of who had it', () => {
  const gone = openTurns(path, calls, () => undefined);
  gone.take(eth0);
  gone[Symbol.dispose]();
  using other = openTurns(path, calls, () => {
    throw new Error('waited');
  });
  using _turn = other.take(eth0);
});
