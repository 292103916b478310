import { expect, test, vi } from 'vitest';
import { mustInside } from '../support/process.ts';
import { Rig } from '../support/rig.ts';

vi.setConfig({ testTimeout: 30_000 });

test('a socket that is kept serves many conversations, each with its own namespace, and one that breaks off', async () => {
  await using rig = await Rig.create();
  const other = await rig.namespace('other');
  await mustInside(rig.host, 'nft', 'add table inet one; add table inet two');
  await mustInside(other, 'nft', 'add table inet elsewhere');
  const program = `${import.meta.dirname}/../support/netfilter-conversations.ts`;

  const text = await mustInside(rig.host, process.execPath, '--no-warnings', program, `/run/netns/${other}`);

  const { first, brokenOff, last } = JSON.parse(text);
  expect(first).toMatchObject({ here: ['one', 'two'], there: ['elsewhere'] });
  expect(brokenOff).toBe('Error: heard enough');
  expect(last).toEqual({ here: first.here, files: first.files });
});
