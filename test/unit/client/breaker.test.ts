import { expect, test } from 'vitest';
import { CircuitBreaker } from '../../../lib/client/breaker.ts';

function createFixture() {
  let nowMs = 0;
  const breaker = new CircuitBreaker({ failures: 3, openMs: 1_000 }, () => nowMs);
  const fail = (times: number) => {
    for (let time = 0; time < times; time++) breaker.end('a', true);
  };
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { breaker, fail, advance };
}

test('a circuit opens after failures in a row only', () => {
  const { breaker, fail } = createFixture();
  fail(2);
  breaker.end('a', false);
  fail(2);
  expect(breaker.stateOf('a')).toBe('closed');
  fail(1);
  expect(breaker.stateOf('a')).toBe('open');
  expect([...breaker.closedTo()]).toEqual(['a']);
  expect(breaker.stateOf('b')).toBe('closed');
});

test('half-open, one call at a time tries; success closes the circuit', () => {
  const { breaker, fail, advance } = createFixture();
  fail(3);
  advance(1_000);
  expect(breaker.stateOf('a')).toBe('half-open');
  expect(breaker.closedTo().size).toBe(0);
  breaker.begin('a');
  expect([...breaker.closedTo()]).toEqual(['a']);
  breaker.end('a', false);
  expect(breaker.stateOf('a')).toBe('closed');
});

test('half-open, one failure opens it again for the whole time', () => {
  const { breaker, fail, advance } = createFixture();
  fail(3);
  advance(1_000);
  breaker.begin('a');
  fail(1);
  advance(999);
  expect(breaker.stateOf('a')).toBe('open');
  advance(1);
  expect(breaker.stateOf('a')).toBe('half-open');
});

test('calls that began before the circuit opened do not keep it open for longer', () => {
  const { breaker, fail, advance } = createFixture();
  fail(3);
  advance(900);
  fail(10);
  advance(100);
  expect(breaker.stateOf('a')).toBe('half-open');
});

test('a try that nobody reports on, or that was called off, lets another one through', () => {
  const { breaker, fail, advance } = createFixture();
  fail(3);
  advance(1_000);
  breaker.begin('a');
  advance(1_000);
  expect(breaker.closedTo().size).toBe(0);
  breaker.begin('a');
  breaker.cancel('a');
  expect(breaker.closedTo().size).toBe(0);
});

test('an instance that is gone is forgotten', () => {
  const { breaker, fail } = createFixture();
  fail(3);
  breaker.forget('a');
  expect(breaker.stateOf('a')).toBe('closed');
});
