import { expect, test } from 'vitest';
import { watchIndex } from '../../../../lib/mirror/consul/watch.ts';

/** Answers one after the other, and what was asked for them. */
async function watched(answers: readonly { readonly value: string; readonly index: number }[]) {
  const end = new AbortController();
  const asked: string[] = [];
  const told: string[] = [];
  const ask = async (query: string) => {
    asked.push(query.replace('&wait=55000ms', ''));
    const answer = answers[asked.length - 1];
    if (answer === undefined) end.abort();
    return answer ?? { value: 'never told', index: 1 };
  };
  for await (const value of watchIndex(ask, end.signal)) if (!end.signal.aborted) told.push(value);
  return { asked, told };
}

test('each question waits for what comes after the last answer, and only changes are told', async () => {
  const { asked, told } = await watched([
    { value: 'a', index: 5 },
    { value: 'a', index: 6 },
    { value: 'b', index: 9 },
  ]);

  expect(asked).toEqual(['index=0', 'index=5', 'index=6', 'index=9']);
  expect(told).toEqual(['a', 'b']);
});

test('an index that goes back, is 0, or is none, begins anew', async () => {
  const { asked } = await watched([
    { value: 'a', index: 9 },
    { value: 'a', index: 3 },
    { value: 'a', index: 0 },
    { value: 'a', index: Number.NaN },
    { value: 'a', index: 4 },
  ]);

  expect(asked).toEqual(['index=0', 'index=9', 'index=0', 'index=0', 'index=0', 'index=4']);
});

test('a failure is thrown, but not after the signal', async () => {
  const fail = async () => Promise.reject(new Error('no answer'));
  const end = new AbortController();
  const ended = watchIndex(async () => {
    end.abort();
    return fail();
  }, end.signal);

  await expect(watchIndex(fail, new AbortController().signal).next()).rejects.toThrow('no answer');
  expect(await ended.next()).toEqual({ done: true, value: undefined });
});
