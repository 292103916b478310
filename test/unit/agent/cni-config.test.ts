import { expect, test } from 'vitest';
import { parseAgentConfig } from '../../../plugins/agent/config.ts';

test('calls are served only where the configuration says so', () => {
  expect(parseAgentConfig({}).cni).toBeUndefined();
});

test('an empty block has a worker or more, a queue, and netlink', () => {
  const { cni } = parseAgentConfig({ cni: {} });

  expect(cni).toEqual({ workers: expect.any(Number), queue: 256, netlink: true });
  expect(cni?.workers).toBeGreaterThanOrEqual(3);
  expect(cni?.workers).toBeLessThanOrEqual(8);
});

test('every field is taken as it is given', () => {
  const cni = { workers: 64, queue: 1, netlink: false };

  expect(parseAgentConfig({ cni }).cni).toEqual(cni);
});

test.each([
  [{ cni: true }, 'cni: expected an object'],
  [{ cni: { workers: 0 } }, 'cni.workers: expected a whole number from 1 to 64'],
  [{ cni: { workers: 65 } }, 'cni.workers: expected a whole number from 1 to 64'],
  [{ cni: { queue: 4097 } }, 'cni.queue: expected a whole number from 1 to 4096'],
  [{ cni: { netlink: 'yes' } }, 'cni.netlink: expected true or false'],
  [{ cni: { socket: '/tmp/s' } }, 'cni.socket: there is no such field; there are workers, queue, netlink'],
])('%j is refused', (json, problem) => {
  expect(() => parseAgentConfig(json)).toThrow(problem);
});
