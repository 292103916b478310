import { expect, test } from 'vitest';
import { CniError, inContext, toCniError } from '../../../lib/errors/cni-error.ts';
import { runAll, throwCollected, withLaterFailures } from '../../../lib/errors/collect.ts';
import { fileFailure } from '../../../lib/errors/system-error.ts';

test('context is put in front, and the innermost code kept', () => {
  const failing = () =>
    inContext('outer', () =>
      inContext('inner', () => {
        throw new CniError(11, 'busy', { details: 'd' });
      }),
    );
  expect(failing).toThrow(expect.objectContaining({ code: 11, message: 'outer: inner: busy', details: 'd' }));
});

test('anything else that is thrown has code 999', () => {
  expect(toCniError('text')).toMatchObject({ code: 999, message: 'text' });
});

test('a clean-up runs all of its steps and reports the first cause with the others behind it', () => {
  const ran: string[] = [];
  const step = (name: string, fails: boolean) => ({
    doing: name,
    run: () => {
      ran.push(name);
      if (fails) throw new Error(`no ${name}`);
    },
  });
  const failures = runAll([step('a', false), step('b', true), step('c', false), step('d', true)]);
  expect(ran).toEqual(['a', 'b', 'c', 'd']);
  expect(() => throwCollected(failures)).toThrow(
    expect.objectContaining({ message: 'b: no b', details: 'then, cleaning up: d: no d' }),
  );
  throwCollected([]);
});

test('later failures leave the first one’s code and details', () => {
  const first = new CniError(7, 'first', { details: 'why' });
  expect(withLaterFailures(first, [new Error('second')])).toMatchObject({
    code: 7,
    message: 'first',
    details: 'why; then, cleaning up: second',
  });
  expect(withLaterFailures(first, [])).toBe(first);
});

test('a full disk is said in words with what to do', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(fileFailure('leasing 10.1.0.2', error)).toMatchObject({
    code: 5,
    message: 'leasing 10.1.0.2: the disk is full: free some space and try again',
  });
});
