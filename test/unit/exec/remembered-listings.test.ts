import { expect, test } from 'vitest';
import type { Command } from '../../../lib/exec/command.ts';
import { rememberListings } from '../../../lib/exec/remembered-listings.ts';

const listing = (chain: string): Command => ({
  file: 'nft',
  args: ['-j', 'list', 'chain', 'inet', 'fairlead', chain],
});

/** A runner that answers each command with its number, and a ruleset of a generation that the test sets. */
function scripted({ answer = (count: number) => `${count}`, status = 0 } = {}) {
  const ruleset: { generation: number | undefined } = { generation: 1 };
  let count = 0;
  const run = rememberListings(
    () => {
      count += 1;
      return { status, stdout: answer(count), stderr: '' };
    },
    { generation: () => ruleset.generation },
  );
  return { ruleset, ask: (command: Command) => run(command).stdout };
}

test('each listing is told again in the generation in which it was asked for', () => {
  const { ruleset, ask } = scripted();

  expect([ask(listing('a')), ask(listing('b')), ask(listing('a')), ask(listing('b'))]).toEqual([
    '1',
    '2',
    '1',
    '2',
  ]);
  ruleset.generation = 2;
  expect([ask(listing('a')), ask(listing('a'))]).toEqual(['3', '3']);
});

test('what changes while nft lists is not taken for what was listed', () => {
  const { ruleset, ask } = scripted({
    answer: (count) => {
      if (count === 1) ruleset.generation = 2;
      return `${count}`;
    },
  });

  expect([ask(listing('a')), ask(listing('a')), ask(listing('a'))]).toEqual(['1', '2', '2']);
});

test.each([
  { file: 'nft', args: ['-f', '-'], stdin: 'list ruleset' },
  { file: 'nft', args: ['get', 'element', 'inet', 'fairlead', 's', '{ 1 }'] },
  { file: 'ip', args: ['-j', 'link', 'list'] },
])('$file $args is run each time', (command) => {
  const { ask } = scripted();

  expect([ask(command), ask(command)]).toEqual(['1', '2']);
});

test('a failure, and what has no generation, is asked for each time', () => {
  const failing = scripted({ status: 1 });
  const without = scripted();
  without.ruleset.generation = undefined;

  for (const { ask } of [failing, without])
    expect([ask(listing('a')), ask(listing('a'))]).toEqual(['1', '2']);
});

test('no more than 64 listings are kept', () => {
  const { ask } = scripted();
  const names = Array.from({ length: 65 }, (_, at) => `c${at}`);
  for (const name of names) ask(listing(name));

  expect(ask(listing('c64'))).toBe('65');
  expect(ask(listing('c1'))).toBe('2');
  expect(ask(listing('c0'))).toBe('66');
});

test('no more than a million characters are kept', () => {
  const { ask } = scripted({ answer: (count) => `${count}`.padEnd(400_000) });
  for (const name of ['a', 'b', 'c']) ask(listing(name));

  expect(ask(listing('c')).trim()).toBe('3');
  expect(ask(listing('b')).trim()).toBe('2');
  expect(ask(listing('a')).trim()).toBe('4');
});

test('a listing that is too long by itself is not kept', () => {
  const { ask } = scripted({ answer: (count) => `${count}`.padEnd(1_000_001) });

  expect([ask(listing('a')).trim(), ask(listing('a')).trim()]).toEqual(['1', '2']);
});
