import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import type { AttachmentId } from '../../../lib/cni/invocation.ts';
import { CniError } from '../../../lib/errors/cni-error.ts';
import { loadCalls } from '../../../lib/resident/calls.ts';
import { openTurns } from '../../../lib/resident/turns.ts';

const path = `${tmpdir()}/fl-turns-${process.pid}`;
const calls = loadCalls();
const eth0 = { containerId: 'c1', ifName: 'eth0' } as AttachmentId;
const eth1 = { containerId: 'c1', ifName: 'eth1' } as AttachmentId;

afterEach(() => rmSync(path, { force: true }));

/** What one waits for while another has the turn; the other gives it back after so many waits. */
function waitsOf(first: AttachmentId, second: AttachmentId, mostWaits: number, plugin = 'bridge'): number {
  using one = openTurns(path, calls, () => undefined);
  const turn = one.take('bridge', first);
  let waits = 0;
  using other = openTurns(path, calls, () => {
    waits += 1;
    if (waits === mostWaits) turn[Symbol.dispose]();
  });
  using _turn = other.take(plugin, second);
  return waits;
}

test('the next call of an attachment waits until the one at work has ended', () => {
  expect(waitsOf(eth0, eth0, 7)).toBe(7);
});

test('calls of another interface, or of another plugin, do not wait', () => {
  expect(waitsOf(eth0, eth1, 7)).toBe(0);
  expect(waitsOf(eth0, eth0, 7, 'portmap')).toBe(0);
});

test('a call that stays at work for too long has the next one fail', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const passMinutes = () => void vi.advanceTimersByTime(61_000);
  using one = openTurns(path, calls, passMinutes);
  using _turn = one.take('bridge', eth0);
  using other = openTurns(path, calls, passMinutes);
  expect(() => other.take('bridge', eth0)).toThrow(CniError);
  vi.useRealTimers();
});

test('the turn goes with the file of who had it', () => {
  const gone = openTurns(path, calls, () => undefined);
  gone.take('bridge', eth0);
  gone[Symbol.dispose]();
  using other = openTurns(path, calls, () => {
    throw new Error('waited');
  });
  using _turn = other.take('bridge', eth0);
});
