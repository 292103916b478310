import { expect, test } from 'vitest';
import { parseMirrorSummaries } from '../../../lib/mirror/summary.ts';

const consul = { name: 'main', type: 'consul', endpoints: ['http://192.0.2.1:8500'] };

const placeOf = (mirror: object) => parseMirrorSummaries({ mirrors: [mirror] })[0]?.place;

test.each([
  { ...consul, endpoints: ['http://192.0.2.2:8500'] },
  { ...consul, datacenter: 'dc2' },
  { ...consul, type: 'etcd' },
  { ...consul, prefix: '/registry' },
])('%j is another place', (other) => {
  expect(placeOf(other)).not.toBe(placeOf(consul));
});

test.each([
  { ...consul, name: 'other' },
  { ...consul, required: false, import: { namespace: 'corp' } },
  { ...consul, token: 's3cret' },
  { ...consul, Token: 's3cret', ttl: '1m', timeout: '1s', tls: {} },
  { ...consul, datacenter: null },
  { endpoints: consul.endpoints, Type: 'consul', name: 'main' },
])('%j is the same place', (same) => {
  expect(placeOf(same)).toBe(placeOf(consul));
});
