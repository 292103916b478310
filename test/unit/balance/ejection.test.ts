import { expect, test } from 'vitest';
import type { Balancer } from '../../../lib/balance/balancer.ts';
import { countPicks, createFixture, instancesOf } from './fixture.ts';

const strategy = 'round-robin';
const four = instancesOf([1, 1, 1, 1]);

function fail(balancer: Balancer, id: string, times = 5): void {
  for (let time = 0; time < times; time++) balancer.report({ id, failed: true });
}

function pickedOf(balancer: Balancer, instances = four): ReadonlySet<string> {
  return new Set(countPicks(20, () => balancer.pick(instances, { strategy })).keys());
}

test('five failures in a row leave an instance out, and a success between them does not', () => {
  const { balancer } = createFixture();
  pickedOf(balancer);
  fail(balancer, 'i0', 4);
  balancer.report({ id: 'i0', failed: false });
  fail(balancer, 'i0', 4);
  expect(pickedOf(balancer)).toContain('i0');
  fail(balancer, 'i0', 1);
  expect(pickedOf(balancer)).not.toContain('i0');
  expect(balancer.stats()).toMatchObject({ ejected: 1, ejections: 1 });
});

test('each further ejection lasts so much longer, up to five minutes', () => {
  const { balancer, advance } = createFixture();
  pickedOf(balancer);
  const lastedS: number[] = [];
  for (let time = 0; time < 40; time++) {
    fail(balancer, 'i0');
    let seconds = 0;
    for (; !pickedOf(balancer).has('i0'); seconds++) advance(1_000);
    lastedS.push(seconds);
  }
  expect(lastedS.slice(0, 4)).toEqual([10, 20, 30, 40]);
  expect(lastedS.at(-1)).toBe(300);
});

test('an instance that has been well for five minutes starts anew', () => {
  const { balancer, advance } = createFixture();
  pickedOf(balancer);
  fail(balancer, 'i0');
  advance(10_000 + 300_001);
  fail(balancer, 'i0');
  advance(10_000);
  expect(pickedOf(balancer)).toContain('i0');
});

test('calls that were under way at the ejection do not make the next one come sooner', () => {
  const { balancer, advance } = createFixture();
  pickedOf(balancer);
  fail(balancer, 'i0', 9);
  advance(10_000);
  fail(balancer, 'i0', 1);
  expect(pickedOf(balancer)).toContain('i0');
  expect(balancer.stats().ejections).toBe(1);
});

test('at most half of the instances are left out: those that failed first', () => {
  const { balancer, advance } = createFixture();
  pickedOf(balancer);
  for (const id of ['i2', 'i0', 'i1', 'i3']) {
    fail(balancer, id);
    advance(1);
  }
  expect(pickedOf(balancer)).toEqual(new Set(['i1', 'i3']));
});

test('the last instance is never left out', () => {
  const { balancer } = createFixture({ ejection: { mostRatio: 1 } });
  const [only] = four;
  const one = only === undefined ? [] : [only];
  pickedOf(balancer, one);
  fail(balancer, 'i0', 50);
  expect(pickedOf(balancer, one)).toEqual(new Set(['i0']));
});

test('with all of them allowed to be left out, the one that failed last is not', () => {
  const { balancer, advance } = createFixture({ ejection: { mostRatio: 1 } });
  pickedOf(balancer);
  for (const id of ['i1', 'i3', 'i0', 'i2']) {
    fail(balancer, id);
    advance(1);
  }
  expect(pickedOf(balancer)).toEqual(new Set(['i2']));
});

test('when all that were not tried before are ejected, one of them is picked all the same', () => {
  const { balancer } = createFixture();
  pickedOf(balancer);
  fail(balancer, 'i0');
  const picked = balancer.pick(four, { strategy, except: new Set(['i1', 'i2', 'i3']) });
  expect(picked?.id).toBe('i0');
});

test('ejection can be switched off', () => {
  const { balancer } = createFixture({ ejection: false });
  pickedOf(balancer);
  fail(balancer, 'i0', 100);
  expect(pickedOf(balancer)).toContain('i0');
});
