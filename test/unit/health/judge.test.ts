import { expect, test } from 'vitest';
import { type Judgement, judge } from '../../../lib/health/judge.ts';

/** The statuses after each of the results: "+" is a success. */
function statusesOf(
  results: string,
  first: Judgement['status'],
  timing: { rise: number; fall: number },
): string {
  let state: Judgement = { status: first, against: 0 };
  return [...results]
    .map((result) => {
      const { judgement, transition } = judge(state, result === '+', timing);
      expect(transition).toBe(judgement.status === state.status ? undefined : judgement.status);
      state = judgement;
      return state.status === 'passing' ? 'P' : 'c';
    })
    .join('');
}

test('only as many failures in a row as "fall" make an instance critical', () => {
  expect(statusesOf('--+--+---', 'passing', { rise: 1, fall: 3 })).toBe('PPPPPPPPc');
});

test('only as many successes in a row as "rise" make it passing again', () => {
  expect(statusesOf('+-+-++', 'critical', { rise: 2, fall: 1 })).toBe('cccccP');
});

test('with rise and fall of 1 each result decides', () => {
  expect(statusesOf('+-+--+', 'passing', { rise: 1, fall: 1 })).toBe('PcPccP');
});

test('after a change the count begins anew', () => {
  expect(statusesOf('--+--++', 'passing', { rise: 2, fall: 2 })).toBe('PcccccP');
});
