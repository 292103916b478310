import { writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import type { ListingAnswer, ListingStep } from '../support/nft-listings.ts';
import { mustInside } from '../support/process.ts';
import { Rig } from '../support/rig.ts';

// What nft has told is told again only while nobody has changed the ruleset.

vi.setConfig({ testTimeout: 30_000 });

const listTable: ListingStep = { by: 'us', args: ['-j', '-t', 'list', 'table', 'inet', 'fairlead'] };
const listElements: ListingStep = { by: 'us', args: ['-j', 'list', 'table', 'inet', 'fairlead'] };

function others(script: string, netns?: string): ListingStep {
  return { by: 'others', args: [script], ...(netns === undefined ? {} : { netns }) };
}

const made = others('add table inet fairlead; add set inet fairlead s { type ipv4_addr; }');

async function play(rig: Rig, steps: readonly ListingStep[]): Promise<readonly ListingAnswer[]> {
  const path = `${rig.dir}/steps.json`;
  writeFileSync(path, JSON.stringify(steps));
  const program = `${import.meta.dirname}/../support/nft-listings.ts`;
  return JSON.parse(await mustInside(rig.host, process.execPath, '--no-warnings', program, path));
}

test('a listing is told again without a process', async () => {
  await using rig = await Rig.create();

  const [, first, second, ofElements, third] = await play(rig, [
    made,
    listTable,
    listTable,
    listElements,
    listTable,
  ]);

  expect(first).toMatchObject({ processes: 1, status: 0 });
  expect(first?.stdout).toContain('"name": "s"');
  expect(second).toEqual({ ...first, processes: 0 });
  expect(ofElements?.processes).toBe(1);
  expect(third).toEqual({ ...first, processes: 0 });
});

const changes: Readonly<Record<string, readonly [change: string, undo: string]>> = {
  'an element': ['add element inet fairlead s { 10.0.0.1 }', 'delete element inet fairlead s { 10.0.0.1 }'],
  'a chain': ['add chain inet fairlead c', 'delete chain inet fairlead c'],
  'a rule of another table': [
    'add table ip x; add chain ip x c; add rule ip x c accept',
    'delete table ip x',
  ],
};

test.each(Object.entries(changes))('%s that comes or goes has nft asked anew', async (_, [change, undo]) => {
  await using rig = await Rig.create();

  const answers = await play(rig, [
    made,
    listElements,
    others(change),
    listElements,
    listElements,
    others(undo),
    listElements,
  ]);

  expect(answers.map(({ processes }) => processes)).toEqual([0, 1, 0, 1, 0, 0, 1]);
  expect(answers[6]?.stdout).toBe(answers[1]?.stdout);
});

test('a flushed ruleset is not taken for what was there', async () => {
  await using rig = await Rig.create();

  const answers = await play(rig, [made, listTable, others('flush ruleset'), listTable, listTable]);

  expect(answers.map(({ processes }) => processes)).toEqual([0, 1, 0, 1, 1]);
  expect(answers.slice(3)).toMatchObject([{ status: 1 }, { status: 1 }]);
});

test('nothing of another namespace is remembered, and what changes there is none of ours', async () => {
  await using rig = await Rig.create();
  const other = `/run/netns/${await rig.namespace('other')}`;

  const answers = await play(rig, [
    made,
    listTable,
    others('add table inet fairlead; add set inet fairlead elsewhere { type ipv4_addr; }', other),
    listTable,
    { ...listTable, netns: other },
    { ...listTable, netns: other },
    listTable,
  ]);

  expect(answers.map(({ processes }) => processes)).toEqual([0, 1, 0, 0, 1, 1, 0]);
  expect(answers[4]?.stdout).toContain('elsewhere');
  expect(answers[6]?.stdout).toBe(answers[1]?.stdout);
});
