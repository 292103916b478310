import { describe, expect, test } from 'vitest';
import { requirePrepared } from '../../../lib/routing/prepared.ts';
import { cidr, reachabilityOf } from '../../support/routing.ts';

const hosts = [{ number: 1 }, { number: 2, lent: { '10.50.2.7': 1 } }];
/** Host 1 with its block, a borrowed address and a new block. */
const known = reachabilityOf(1, hosts);
const wish = { ...known, own: [...known.own, cidr('10.50.8.0/26')] };

describe('addresses are given out', () => {
  test('when all that is new is announced, whatever else is not well', () => {
    const announced = ['10.50.1.0/26', '10.50.2.7/32', '10.50.8.0/26'];

    expect(() => requirePrepared(wish, { announced, problems: ['BIRD does not answer'] })).not.toThrow();
  });

  test.each([
    ['a new block', ['10.50.1.0/26', '10.50.2.7/32'], '10.50.8.0/26'],
    ['a borrowed address', ['10.50.1.0/26', '10.50.8.0/26'], '10.50.2.7/32'],
  ])('not while %s is not, which is said with what stands in the way', (_, announced, missing) => {
    expect(() => requirePrepared(wish, { announced, problems: ['somebody has a route'] })).toThrow(
      `no addresses of ${missing} are given out before the routes are made: somebody has a route`,
    );
  });

  test('when a block that is leased from already has lost its route: its containers are there', () => {
    const announced = ['10.50.2.7/32', '10.50.8.0/26'];

    expect(() => requirePrepared(wish, { announced, problems: [] })).not.toThrow();
  });
});
