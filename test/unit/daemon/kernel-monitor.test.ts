import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { monitorKernel } from '../../../lib/daemon/kernel-monitor.ts';
import type { Listen } from '../../../lib/exec/lines.ts';
import { recordLog } from '../overlay/recorded-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A monitor that ends by itself, for the same reason each time. */
function createEnding() {
  const starts: string[] = [];
  const listen: Listen = ({ file }) => {
    starts.push(file);
    return { ended: Promise.resolve('out of memory'), [Symbol.asyncDispose]: async () => undefined };
  };
  return { listen, starts };
}

test('a monitor that ends is started again, told once, and leaves nothing behind on the signal', async () => {
  const { listen, starts } = createEnding();
  const { log, lines } = recordLog();
  const end = new AbortController();
  let woken = 0;
  const wake = () => {
    woken += 1;
  };

  const working = monitorKernel(
    { listen, log, command: { file: 'ip', args: [] }, concerns: () => true, wake },
    end.signal,
  );
  await vi.advanceTimersByTimeAsync(20_000);

  expect(starts.length).toBeGreaterThanOrEqual(10);
  expect(woken).toBe(starts.length - 1);
  expect(lines).toEqual(['warn: ip monitor has ended; it is started again']);
  // That of the pause before the next start.
  expect(getEventListeners(end.signal, 'abort')).toHaveLength(1);
  end.abort();
  await working;
});
