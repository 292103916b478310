import { expect, test } from 'vitest';
import { parseQdiscs, parseRedirects } from '../../../lib/tc/parse.ts';

// What tc of iproute2 6.1 prints.

const qdiscs =
  '[{"kind":"tbf","handle":"1:","root":true,"refcnt":3,"options":{"rate":2500000,"burst":25000,"lat":25000}},' +
  '{"kind":"ingress","handle":"ffff:","parent":"ffff:fff1","options":{}}]';

const redirect = {
  protocol: 'all',
  pref: 1,
  kind: 'u32',
  chain: 0,
  options: {
    fh: '800::800',
    match: { value: '0', mask: '0', offmask: '', off: 0 },
    actions: [{ order: 1, kind: 'mirred', mirred_action: 'redirect', direction: 'egress', to_dev: 'ifb1' }],
  },
};

const filters = [{ protocol: 'all', pref: 1, kind: 'u32', chain: 0 }, redirect];

test('a token bucket is told with its rate and burst in bytes', () => {
  expect(parseQdiscs(qdiscs)).toEqual([
    { kind: 'tbf', isRoot: true, rate: 2_500_000, burst: 25_000 },
    { kind: 'ingress', isRoot: false, rate: undefined, burst: undefined },
  ]);
});

test('a filter that leads everything on is told by where it leads', () => {
  expect(parseRedirects(JSON.stringify(filters))).toEqual(['ifb1']);
});

test.each([
  ['of one protocol', { protocol: 'ip' }],
  ['of some packets', { options: { ...redirect.options, match: { value: 'a000000', mask: 'ff000000' } } }],
  [
    'that copies',
    { options: { ...redirect.options, actions: [{ kind: 'mirred', mirred_action: 'mirror' }] } },
  ],
  ['that drops', { options: { ...redirect.options, actions: [{ kind: 'gact' }] } }],
  ['without actions', { options: { match: { value: '0', mask: '0' } } }],
])('a filter %s is none', (_, changes) => {
  expect(parseRedirects(JSON.stringify([{ ...redirect, ...changes }]))).toEqual([]);
});

test('nothing printed is nothing there', () => {
  expect(parseQdiscs('')).toEqual([]);
  expect(parseRedirects('[]\n')).toEqual([]);
});
