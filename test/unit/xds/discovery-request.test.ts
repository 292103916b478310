import { expect, test } from 'vitest';
import { Fields } from '../../../lib/cni/fields.ts';
import { parseDiscoveryRequest } from '../../../lib/xds/discovery-request.ts';
import { endpointsType } from '../../../lib/xds/load-assignment.ts';

const parse = (body: object) => parseDiscoveryRequest(new Fields(body, ''));

test('fields are known by their names in the .proto and by those of proto3’s JSON', () => {
  const expected = { version: '7', resourceNames: ['web', 'db'], nodeId: 'edge', refusal: 'no' };
  const node = { id: 'edge', cluster: 'c', locality: { region: 'eu' }, extensions: [{ name: 'x' }] };
  expect(
    parse({
      ...{ version_info: '7', resource_names: ['web', 'db'], type_url: endpointsType },
      ...{ response_nonce: 'n', error_detail: { code: 3, message: 'no' }, node },
    }),
  ).toEqual(expected);
  expect(
    parse({
      ...{ versionInfo: '7', resourceNames: ['web', 'db'], typeUrl: endpointsType },
      ...{ responseNonce: 'n', errorDetail: { code: 3, message: 'no' }, node },
    }),
  ).toEqual(expected);
});

test('what proto3’s JSON leaves out has its default', () => {
  const bare = { version: '', resourceNames: ['web'], nodeId: '', refusal: undefined };
  expect(parse({ resourceNames: ['web', 'web'] })).toEqual(bare);
  expect(parse({ resourceNames: ['web'], versionInfo: null, node: null, errorDetail: null })).toEqual(bare);
  expect(parse({ resourceNames: ['web'], errorDetail: {} })).toEqual({ ...bare, refusal: '' });
});

test.each([
  [{}, /^resourceNames: expected a list of 1 to 128 names of services, found \[\]/],
  [{ resource_names: [] }, /^resource_names: expected a list of 1 to 128/],
  [{ resource_names: 'web' }, /^resource_names: expected a list, found "web"/],
  [{ resource_names: [1] }, /^resource_names\[0\]: expected a string, found 1/],
  [{ resource_names: Array.from({ length: 129 }, (_, index) => `web-${index}`) }, /1 to 128 names/],
  [{ resource_names: ['web'], version_info: 7 }, /^version_info: expected a string, found 7/],
  [{ resource_names: ['web'], node: 'edge' }, /^node: expected an object, found "edge"/],
  [
    { resource_names: ['web'], typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' },
    /^typeUrl: expected type\.googleapis\.com\/envoy\.config\.endpoint\.v3\.ClusterLoadAssignment, found/,
  ],
])('%j is refused with the field’s name', (body, message) => {
  expect(() => parse(body)).toThrow(message);
});
