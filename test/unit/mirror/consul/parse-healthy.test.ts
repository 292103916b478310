import { expect, test } from 'vitest';
import { parseHealthy } from '../../../../lib/mirror/consul/parse-healthy.ts';
import { toStanding } from '../../../../lib/mirror/consul/standing.ts';
import { containerOwner, instanceOf } from '../../../support/registry.ts';

const node = '1111111111111111';
const Node = { Node: 'consul-1', Address: '192.0.2.7' };

test('what a machine of ours has written is the instance that it was, its weight of 0 too', () => {
  const instance = instanceOf({
    revision: 0,
    weight: 0,
    tags: ['a'],
    owner: containerOwner({ node }),
  });
  const { id, meta } = toStanding(instance, { node, session: 'none', deregisterAfterMs: 'never' });
  const Service = { ID: id, Service: 'web', Address: '10.1.0.2', Port: 80, Tags: ['a'], Meta: meta };

  const found = parseHealthy([{ Node, Service: { ...Service, Weights: { Passing: 1, Warning: 1 } } }], 'c');

  expect(found).toEqual([instance]);
});

test("a service without an address is at its node's", () => {
  const found = parseHealthy([{ Node, Service: { ID: 'x', Service: 'db', Port: 5432, Tags: null } }], 'c');

  expect(found).toMatchObject([{ service: 'db', address: '192.0.2.7', port: 5432, weight: 1, tags: [] }]);
});

test('what nobody can use is left out, and the others are read', () => {
  const good = { Node, Service: { ID: 'x', Service: 'db', Port: 1 } };
  const named = { Node, Service: { ID: 'z', Service: 'db', Port: 1, Address: 'db.example' } };

  const found = parseHealthy([null, 7, {}, named, { Node, Service: { Port: 99_999 } }, good], 'c');

  expect(found.map(({ address }) => address)).toEqual(['192.0.2.7']);
});

test.each([
  ['another service', { name: 'harmless' }],
  ["another machine's id", { meta: { 'fairlead-node': '0000000000000000' } }],
  ['no id of a machine', { id: 'fairlead-0-web-1', meta: { 'fairlead-node': '0' } }],
  ['the id of another instance', { meta: { 'fairlead-id': 'web-2' } }],
  ['an id of its own', { id: 'web-1' }],
  ['half of the markings', { meta: { 'fairlead-namespace': '' } }],
])('markings under %s are not believed: the instance is a foreign one', (_, said) => {
  const standing = toStanding(instanceOf({ owner: containerOwner({ node }) }), {
    ...{ node, session: 'none', deregisterAfterMs: 'never' },
  });
  const { id, name, meta } = {
    ...standing,
    ...said,
    meta: { ...standing.meta, ...('meta' in said ? said.meta : {}) },
  };
  const Service = { ID: id, Service: name, Address: '192.0.2.66', Port: 80, Meta: { ...meta, zone: 'z' } };

  expect(parseHealthy([{ Node, Service }], 'c')).toMatchObject([
    { namespace: 'default', service: name, meta: { zone: 'z' }, owner: { kind: 'api', node: 'outside-c' } },
  ]);
});
