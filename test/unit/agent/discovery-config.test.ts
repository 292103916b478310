import { expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { parseDiscoveryConfig } from '../../../plugins/agent/discovery-config.ts';

const parse = (json: object) => parseDiscoveryConfig(new Fields(json, 'discovery'));

test('an empty block has the defaults', () => {
  expect(parse({})).toEqual({ prefix: '/fairlead/registry', ttlSeconds: 30 });
});

test('the time to live is in whole seconds, never less than was asked for', () => {
  expect(parse({ prefix: '/a/b.c', ttl: '2500ms' })).toEqual({ prefix: '/a/b.c', ttlSeconds: 3 });
});

test.each([
  [{ prefix: 'fairlead' }, 'discovery.prefix: expected a path'],
  [{ prefix: '/fairlead/' }, 'discovery.prefix: expected a path'],
  [{ prefix: '/a b' }, 'discovery.prefix: expected a path'],
  [{ ttl: '1s' }, 'discovery.ttl: expected a duration from 2s to 1h'],
  [{ ttl: '2h' }, 'discovery.ttl: expected a duration from 2s to 1h'],
  [{ ttl: 30 }, 'discovery.ttl: expected a string'],
  [{ ttls: '30s' }, 'discovery.ttls: there is no such field; there are prefix, ttl'],
])('%j is refused', (json, problem) => {
  expect(() => parse(json)).toThrow(problem);
});
