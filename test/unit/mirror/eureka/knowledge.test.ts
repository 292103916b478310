import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Knowledge, type Seen } from '../../../../lib/mirror/eureka/knowledge.ts';

const up: Seen = { content: 'as put', status: 'UP' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

test('nothing is known before a list, and after it, what is not in it is not there', () => {
  const knowledge = new Knowledge();
  const before = knowledge.statusOf('a');

  knowledge.replace(new Map([['a', up]]));

  expect([before, knowledge.statusOf('a'), knowledge.statusOf('b')]).toEqual(['unknown', 'UP', undefined]);
});

test('a list is doubted where it says something else than was written', () => {
  const knowledge = new Knowledge();
  for (const key of ['same', 'other', 'missing']) knowledge.put(key, up);
  knowledge.remove('gone');
  knowledge.remove('still there');

  const doubtful = knowledge.doubtful(
    new Map([
      ['same', up],
      ['other', { ...up, content: 'as it was' }],
      ['still there', up],
      ["somebody's", up],
    ]),
  );

  expect(doubtful).toEqual(['other', 'missing', 'still there']);
});

test('after a minute every list is newer than what was written', () => {
  const knowledge = new Knowledge();
  knowledge.put('a', up);
  vi.advanceTimersByTime(60_001);

  expect(knowledge.doubtful(new Map())).toEqual([]);
});
