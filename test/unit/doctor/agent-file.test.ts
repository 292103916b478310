import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type AgentFile, readAgentFile } from '../../../lib/doctor/agent-file.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** What is read from a configuration. */
function read(json: object): AgentFile {
  using dir = temporaryDirectory();
  const path = `${dir.path}/agent.json`;
  writeFileSync(path, JSON.stringify(json));
  return readAgentFile(path);
}

test('a host without blocks has no routed network by its configuration', () => {
  expect(read({})).toMatchObject({ trouble: undefined, hasBlocks: false, birdSocket: undefined });
});

test('where BIRD has the routes, its socket is known, stated or not', () => {
  const blocks = {};

  expect(read({ blocks })).toMatchObject({ hasBlocks: true, birdSocket: undefined });
  expect(read({ blocks, routing: { mode: 'direct' } }).birdSocket).toBeUndefined();
  expect(read({ blocks, routing: { mode: 'bird' } }).birdSocket).toBe('/run/bird/bird.ctl');
  expect(read({ blocks, routing: { mode: 'bird', socket: '/run/b.ctl' } }).birdSocket).toBe('/run/b.ctl');
});

test('a field that is not understood is a trouble, and the usual is taken', () => {
  const file = read({ blocks: true });

  expect(file.trouble).toMatchObject({ kind: 'nonsense', because: expect.stringContaining('blocks') });
  expect(file.hasBlocks).toBe(false);
});
