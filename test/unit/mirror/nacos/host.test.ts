import { expect, test } from 'vitest';
import { countItems, parseCatalogue, parseServices } from '../../../../lib/mirror/nacos/host.ts';
import { toRegistryInstance } from '../../../../lib/mirror/nacos/to-instance.ts';

const options = { group: 'DEFAULT_GROUP', name: 'nacos' };

function page(host: object, serviceName = 'web'): readonly object[] {
  return [{ serviceName, groupName: 'DEFAULT_GROUP', clusterMap: { c1: { hosts: [host] } } }];
}

const host = { ip: '192.0.2.7', port: 8080, weight: 1, enabled: true, healthy: true, metadata: {} };

test('both generations say whether heartbeats come, each in its way', () => {
  const { healthy: _, ...old } = { ...host, valid: true };
  const found = [page(host), page(old), page({ ...old, valid: false })].flatMap(parseCatalogue);

  expect(found.flatMap(({ hosts }) => hosts).map(({ healthy, cluster }) => [healthy, cluster])).toEqual([
    [true, 'c1'],
    [true, 'c1'],
    [false, 'c1'],
  ]);
});

test('what cannot be an instance is left out, and the rest is there', () => {
  const hosts = [null, 7, {}, { ...host, ip: 7 }, { ...host, port: 'x' }, { ...host, weight: '1' }, host];

  const found = parseCatalogue([
    null,
    { serviceName: 'a' },
    ...hosts.flatMap((each) => page(each as object)),
  ]);

  expect(found.flatMap((service) => service.hosts)).toHaveLength(1);
  expect(parseServices([null, {}, { name: 'g@@web', groupName: 'g' }])).toEqual([
    { group: 'g', service: 'web' },
  ]);
});

test('what is no list is an error', () => {
  expect(() => parseCatalogue({ a: 1 })).toThrow('expected a list of services, found {"a":1}');
  expect(() => countItems(undefined)).toThrow('expected a list of services, found nothing');
});

test.each([
  [{ weight: 0 }, { weight: 0 }],
  [{ weight: 0.2 }, { weight: 1 }],
  [{ weight: 1e9 }, { weight: 65_535 }],
  [{ enabled: false }, { status: 'critical' }],
  [{ healthy: false }, { status: 'critical' }],
  [
    { metadata: { 'a key': 'x', 'preserved.register.source': 'SPRING_CLOUD', zone: 'z' } },
    { meta: { zone: 'z' } },
  ],
])("others' instance with %j has %j here", (said, expected) => {
  const [service] = parseCatalogue(page({ ...host, ...said }));

  expect(service?.hosts.map((each) => toRegistryInstance(each, options))).toMatchObject([expected]);
});

test('what has no address of its own is no instance, and what lies about being ours is a foreign one', () => {
  const ours = {
    'fairlead-node': '1111111111111111',
    'fairlead-id': 'web-1',
    'fairlead-namespace': 'default',
  };
  const pages = [
    page({ ...host, ip: 'host.example' }),
    page({ ...host, metadata: { ...ours, 'fairlead-service': 'web', 'fairlead-id': 'NOT A LABEL' } }),
    page({ ...host, metadata: { ...ours, 'fairlead-service': 'other' } }),
    page({ ...host, metadata: { ...ours, 'fairlead-service': 'web', 'fairlead-namespace': 'shop' } }),
    page({ ...host, metadata: { ...ours, 'fairlead-service': 'web' } }),
  ];

  const found = pages.flatMap(parseCatalogue).flatMap(({ hosts }) => hosts);

  expect(found.map((each) => toRegistryInstance(each, options)?.owner.node)).toEqual([
    undefined,
    'outside-nacos',
    'outside-nacos',
    'outside-nacos',
    '1111111111111111',
  ]);
});
